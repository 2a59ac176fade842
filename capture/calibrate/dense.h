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

/// Writes rows^T * rows into the lower triangle of `product` (columns x columns, row after row).
/// `rows` is count x columns, row after row; `columns` is a multiple of kTile.
inline constexpr std::size_t kTile = 4;
void multiplyTransposed(const double* rows, std::size_t count, std::size_t columns,
                        std::size_t first_row, std::size_t last_row, double* product);

}  // namespace understudy::calibrate
