#include "capture/label/assignment.h"

#include <algorithm>
#include <cassert>

namespace understudy::label {

void reserve(AssignmentWorkspace& w, std::size_t most) {
  w.row_price.reserve(most + 1);
  w.column_price.reserve(most + 1);
  w.least.reserve(most + 1);
  w.column_row.reserve(most + 1);
  w.way.reserve(most + 1);
  w.used.reserve(most + 1);
}

void assign(std::span<const double> cost, std::size_t rows, std::size_t columns,
            AssignmentWorkspace& w, std::span<std::int32_t> column_of_row) {
  assert(rows <= columns && cost.size() >= rows * columns && column_of_row.size() >= rows);
  // Index 0 of the work arrays is the virtual column where each search starts; rows and columns
  // count from 1.
  w.row_price.assign(rows + 1, 0.0);
  w.column_price.assign(columns + 1, 0.0);
  w.column_row.assign(columns + 1, 0);
  w.way.assign(columns + 1, 0);
  for (std::size_t row = 1; row <= rows; ++row) {
    w.column_row[0] = static_cast<std::int32_t>(row);
    w.least.assign(columns + 1, 1e300);
    w.used.assign(columns + 1, 0);
    std::size_t column = 0;
    do {
      w.used[column] = 1;
      const std::size_t current = static_cast<std::size_t>(w.column_row[column]);
      double delta = 1e300;
      std::size_t next = 0;
      for (std::size_t j = 1; j <= columns; ++j) {
        if (w.used[j]) continue;
        const double reduced =
            cost[(current - 1) * columns + j - 1] - w.row_price[current] - w.column_price[j];
        if (reduced < w.least[j]) {
          w.least[j] = reduced;
          w.way[j] = static_cast<std::int32_t>(column);
        }
        if (w.least[j] < delta) {
          delta = w.least[j];
          next = j;
        }
      }
      for (std::size_t j = 0; j <= columns; ++j) {
        if (w.used[j]) {
          w.row_price[static_cast<std::size_t>(w.column_row[j])] += delta;
          w.column_price[j] -= delta;
        } else {
          w.least[j] -= delta;
        }
      }
      column = next;
    } while (w.column_row[column] != 0);
    while (column != 0) {
      const std::size_t before = static_cast<std::size_t>(w.way[column]);
      w.column_row[column] = w.column_row[before];
      column = before;
    }
  }
  std::fill_n(column_of_row.begin(), rows, -1);
  for (std::size_t j = 1; j <= columns; ++j) {
    const std::int32_t row = w.column_row[j];
    if (row == 0) continue;
    const std::size_t r = static_cast<std::size_t>(row - 1);
    if (cost[r * columns + j - 1] < kForbidden) column_of_row[r] = static_cast<std::int32_t>(j - 1);
  }
}

}  // namespace understudy::label
