#pragma once

#include <algorithm>

#include "capture/reconstruct/reconstruct.h"

namespace understudy::reconstruct {

/// Arrays of `capacity` entries behind solutionsOf, of `capacity` behind viewsOf, and of
/// kMaxCentroids behind centroidsOf.
inline constexpr std::size_t kSolutionArrays = 14, kViewArrays = 4, kPlaceArrays = 3;

/// The kernels' view of ReconstructState::solutions.
inline PredictedSolutions solutionsOf(ReconstructState& state) {
  const auto array = [&state](std::size_t k) {
    return state.solutions.data() + k * state.capacity;
  };
  return {.step = {array(0), array(1), array(2)},
          .inverse = {array(3), array(4), array(5), array(6), array(7), array(8)},
          .squared_px = array(9),
          .residual_px = array(10),
          .rays = array(11),
          .spread = array(12),
          .root_spread = array(13)};
}

/// The kernels' view of the predictions' images in the workspace.
inline PredictedViews viewsOf(ReconstructWorkspace& workspace) {
  const std::size_t capacity = workspace.predicted_place.size() / kPlaceArrays;
  float* first = workspace.predicted.data();
  std::int32_t* place = workspace.predicted_place.data();
  return {.u = first,
          .v = first + capacity,
          .scale = first + 2 * capacity,
          .gate_px = first + 3 * capacity,
          .place = place,
          .reach = place + capacity,
          .strips = place + 2 * capacity};
}

/// The kernels' view of a camera's centroids; the state's rays must have room for them.
inline UndistortedCentroids centroidsOf(ReconstructState& state, ReconstructWorkspace& workspace,
                                        std::size_t camera) {
  return {.rays = state.rays[camera].data() + 1,
          .slack = workspace.slack.data(),
          .strip = workspace.strip.data(),
          .place = workspace.strip.data() + kMaxCentroids};
}

/// Most entries of ReconstructState::rays per camera: none, its centroids, two shares of each.
inline constexpr std::size_t kMostRays = 3 * kMaxCentroids + 9;

/// The strips of a camera: high enough that few predictions look into more than three.
inline StripGrid makeStripGrid(const ViewCamera& view) {
  StripGrid grid{.quanta_per_px = 8.0f, .least_u = view.least_u, .least_v = view.least_v};
  // A lens that sees nothing has no bounds.
  const float width = std::max(view.most_u - view.least_u, 0.0f);
  const float height = std::max(view.most_v - view.least_v, 0.0f);
  const float most = static_cast<float>(kMostQuanta);
  while (std::max(width, height) * grid.quanta_per_px > most) grid.quanta_per_px *= 0.5f;
  constexpr float kStrip_px = 8.0f;
  while (static_cast<float>(1 << grid.shift) < kStrip_px * grid.quanta_per_px) ++grid.shift;
  grid.strips = (static_cast<std::int32_t>(height * grid.quanta_per_px) >> grid.shift) + 1;
  return grid;
}

/// Entries of SortedCentroids::start.
inline std::size_t startsOf(const StripGrid& grid) {
  return static_cast<std::size_t>(grid.strips) + 2;
}

inline SortedCentroids sortedOf(const ReconstructWorkspace& workspace) {
  return {.start = workspace.start.data(),
          .place = workspace.sorted_place.data(),
          .index = workspace.sorted_index.data()};
}

}  // namespace understudy::reconstruct
