#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace understudy::label {

inline constexpr double kForbidden = 1e9;  ///< Cost of a pair that must not be made.

/// Scratch of `assign`; reserve for the largest problem.
struct AssignmentWorkspace {
  std::vector<double> row_price, column_price, least;
  std::vector<std::int32_t> column_row, way;
  std::vector<std::uint8_t> used;
};

void reserve(AssignmentWorkspace& workspace, std::size_t most);

/// Cheapest one-to-one assignment of rows to columns (Kuhn 1955 and Munkres 1957, in the O(n^3)
/// form of shortest augmenting paths by Jonker and Volgenant 1987). `cost` is rows x columns, row
/// after row, rows <= columns; kForbidden marks pairs that must not be made. Fills `column_of_row`,
/// -1 where a row only got a forbidden pair.
void assign(std::span<const double> cost, std::size_t rows, std::size_t columns,
            AssignmentWorkspace& workspace, std::span<std::int32_t> column_of_row);

}  // namespace understudy::label
