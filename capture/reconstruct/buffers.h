#pragma once

#include "capture/reconstruct/reconstruct.h"

namespace understudy::reconstruct {

/// Arrays of `capacity` entries behind solutionsOf, of `capacity` behind viewsOf and of
/// kMaxCentroids behind centroidsOf.
inline constexpr std::size_t kSolutionArrays = 13, kViewArrays = 4, kCentroidArrays = 3;

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
          .cell = workspace.predicted_cell.data()};
}

/// The kernels' view of the undistorted centroids in the workspace.
inline UndistortedCentroids centroidsOf(ReconstructWorkspace& workspace) {
  float* first = workspace.undistorted.data();
  return {.u = first,
          .v = first + kMaxCentroids,
          .weight = first + 2 * kMaxCentroids,
          .cell = workspace.centroid_cell.data()};
}

}  // namespace understudy::reconstruct
