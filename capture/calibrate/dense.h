#pragma once

#include <cstddef>
#include <vector>

namespace understudy::calibrate {

/// A symmetric matrix of which the lower triangle counts; a few hundred rows. Sums in a fixed
/// order: the same bytes on every machine.
struct SymmetricMatrix {
  std::size_t size = 0;
  std::vector<double> values;  ///< Row after row, square.

  explicit SymmetricMatrix(std::size_t n = 0) : size(n), values(n * n, 0.0) {}
  double& at(std::size_t row, std::size_t column) { return values[row * size + column]; }
  double at(std::size_t row, std::size_t column) const { return values[row * size + column]; }
  /// Adds to the entry of these two, in whichever order they come.
  void add(std::size_t a, std::size_t b, double value) {
    values[a >= b ? a * size + b : b * size + a] += value;
  }
};

/// Cholesky's decomposition in place, lower triangle. Pivots that are not positive become tiny: the
/// caller's priors keep that from happening.
void factor(SymmetricMatrix& matrix);

/// Solves with a factored matrix; `right` becomes the solution.
void solveFactored(const SymmetricMatrix& factored, std::vector<double>& right);

/// The whole inverse of a factored matrix, both triangles.
SymmetricMatrix inverseFactored(const SymmetricMatrix& factored);

/// Rows are a multiple of this many numbers long, for lanes.
inline constexpr std::size_t kTile = 8;

/// Writes rows first_row to last_row of rows^T * rows into the lower triangle of `product` (columns
/// x columns, row after row; entries above the diagonal are undefined). `rows` is count x columns,
/// row after row; all of columns, first_row and last_row are multiples of kTile. Takes the build
/// that suits the processor; both give the same bytes.
void multiplyTransposed(const double* rows, std::size_t count, std::size_t columns,
                        std::size_t first_row, std::size_t last_row, double* product);

/// Its two builds; the second needs AVX2.
void multiplyTransposedBaseline(const double* rows, std::size_t count, std::size_t columns,
                                std::size_t first_row, std::size_t last_row, double* product);
void multiplyTransposedV3(const double* rows, std::size_t count, std::size_t columns,
                          std::size_t first_row, std::size_t last_row, double* product);

}  // namespace understudy::calibrate
