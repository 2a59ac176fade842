#include "capture/calibrate/dense.h"

#include <algorithm>
#include <cmath>

namespace understudy::calibrate {
namespace {

// Four partial sums, so that the sum can run in lanes and is still the same everywhere.
double dot(const double* a, const double* b, std::size_t count) {
  double sums[4] = {};
  std::size_t k = 0;
  for (; k + 4 <= count; k += 4) {
    for (std::size_t lane = 0; lane < 4; ++lane) sums[lane] += a[k + lane] * b[k + lane];
  }
  double rest = 0.0;
  for (; k < count; ++k) rest += a[k] * b[k];
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + rest;
}

}  // namespace

void factor(SymmetricMatrix& matrix) {
  constexpr double kLeast = 1e-12;
  for (std::size_t i = 0; i < matrix.size; ++i) {
    double* row = &matrix.at(i, 0);
    for (std::size_t j = 0; j <= i; ++j) {
      const double sum = row[j] - dot(row, &matrix.at(j, 0), j);
      row[j] = i == j ? std::sqrt(std::max(sum, kLeast)) : sum / matrix.at(j, j);
    }
  }
}

void solveFactored(const SymmetricMatrix& factored, std::vector<double>& right) {
  const std::size_t n = factored.size;
  for (std::size_t i = 0; i < n; ++i) {
    right[i] = (right[i] - dot(&factored.values[i * n], right.data(), i)) / factored.at(i, i);
  }
  for (std::size_t i = n; i-- > 0;) {
    right[i] /= factored.at(i, i);
    for (std::size_t k = 0; k < i; ++k) right[k] -= factored.at(i, k) * right[i];
  }
}

SymmetricMatrix inverseFactored(const SymmetricMatrix& factored) {
  const std::size_t n = factored.size;
  SymmetricMatrix inverse(n);
  std::vector<double> column(n);
  for (std::size_t c = 0; c < n; ++c) {
    std::fill(column.begin(), column.end(), 0.0);
    column[c] = 1.0;
    solveFactored(factored, column);
    for (std::size_t r = 0; r < n; ++r) inverse.at(r, c) = column[r];
  }
  return inverse;
}

void multiplyTransposed(const double* rows, std::size_t count, std::size_t columns,
                        std::size_t first_row, std::size_t last_row, double* product) {
  static const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                         __builtin_cpu_supports("bmi2");
  (v3 ? multiplyTransposedV3 : multiplyTransposedBaseline)(rows, count, columns, first_row,
                                                           last_row, product);
}

}  // namespace understudy::calibrate
