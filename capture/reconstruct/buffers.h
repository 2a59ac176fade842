#pragma once

#include "capture/reconstruct/reconstruct.h"

namespace understudy::reconstruct {

/// Arrays of `capacity` entries behind solutionsOf, of `capacity` behind viewsOf and of
/// kMaxCentroids behind centroidsOf.
inline constexpr std::size_t kSolutionArrays = 13, kViewArrays = 4, kCentroidArrays = 4;

/// The kernels' view of ReconstructState::solutions.
inline PredictedSolutions solutionsOf(ReconstructState& state) {
  const auto array = [&state](std::size_t k) {
    return state.solutions.data() + k * state.capacity;
  };
  return {.step = {array(0), array(1), array(2)},
          .inverse = {array(3), array(4), array(5), array(6), array(7), array(8)},
          .squared_px = array(9),
          .weights = array(10),
          .rays = array(11),
          .spread = array(12)};
}

/// The kernels' view of the predictions' images in the workspace.
inline PredictedViews viewsOf(ReconstructWorkspace& workspace) {
  const std::size_t capacity = workspace.predicted_cell.size();
  float* first = workspace.predicted.data();
  return {.u = first,
          .v = first + capacity,
          .scale = first + 2 * capacity,
          .gate_px = first + 3 * capacity,
          .cell = workspace.predicted_cell.data(),
          .word = workspace.predicted_word.data()};
}

/// The kernels' view of the undistorted centroids in the workspace.
inline UndistortedCentroids centroidsOf(ReconstructWorkspace& workspace) {
  float* first = workspace.undistorted.data();
  return {.u = first,
          .v = first + kMaxCentroids,
          .weight = first + 2 * kMaxCentroids,
          .slack = first + 3 * kMaxCentroids};
}

/// Levels of the cell grid: cells of 8 px and twice as much per level.
inline constexpr int kGridLevels = 5;

inline CellGrid makeGrid(const ViewCamera& view, int level) {
  const float cell = static_cast<float>(8 << level);
  const auto cells = [cell](float from, float to) {
    return static_cast<std::int32_t>((to - from) / cell) + 4;
  };
  CellGrid grid{.cell_px = cell,
                .least_u = view.least_u,
                .least_v = view.least_v,
                .columns = cells(view.least_u, view.most_u),
                .rows = cells(view.least_v, view.most_v)};
  grid.nowhere = grid.columns * grid.rows + kCellsBehind;
  return grid;
}

/// Entries of a map.
inline std::size_t cellsOf(const CellGrid& grid) {
  return static_cast<std::size_t>(grid.nowhere) + 1;
}

/// The finest level whose map stays small, however large the image.
inline int finestLevel(const ViewCamera& view) {
  constexpr std::size_t kMostCells = 1 << 19;
  int level = 0;
  while (level + 1 < kGridLevels && cellsOf(makeGrid(view, level)) > kMostCells) ++level;
  return level;
}

}  // namespace understudy::reconstruct
