#include "capture/calibrate/dense.h"
#include "capture/calibrate/dense_kernel.inl"

namespace understudy::calibrate {

void multiplyTransposedV3(const double* rows, std::size_t count, std::size_t columns,
                          std::size_t first_row, std::size_t last_row, double* product) {
  multiply(rows, count, columns, first_row, last_row, product);
}

}  // namespace understudy::calibrate
