#pragma once

#include <algorithm>

#include "capture/reconstruct/reconstruct.h"

namespace understudy::reconstruct {

/// The kernels take so many predictions or centroids at a time.
constexpr std::size_t roundUp(std::size_t count) { return (count + 7) / 8 * 8; }

/// Arrays of `capacity` entries behind solutionsOf, and behind viewsOf: of floats, and of integers.
inline constexpr std::size_t kSolutionArrays = 14, kViewArrays = 4, kPlaceArrays = 2;

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
inline PredictedViews viewsOf(ReconstructWorkspace& workspace, const PlaceGrid& grid) {
  const std::size_t capacity = workspace.predicted.size() / kViewArrays;
  float* first = workspace.predicted.data();
  std::int32_t* place = workspace.predicted_place.data();
  return {.u = first,
          .v = first + capacity,
          .scale = first + 2 * capacity,
          .gate_px = first + 3 * capacity,
          .place = place,
          .reach = place + capacity,
          .quanta_per_px = grid.quanta_per_px};
}

/// The kernels' view of a camera's centroids; the state's rays must have room for them.
inline UndistortedCentroids centroidsOf(ReconstructState& state, ReconstructWorkspace& workspace,
                                        std::size_t camera) {
  return {.rays = state.rays[camera].data() + 1,
          .slack = workspace.slack.data(),
          .place = workspace.centroid_place.data() + kPlacesInSight};
}

/// Adds up the fresh sums of `from` in all sums of `to`, and sets them to zero.
inline void flush(const ReconstructState& state, RaySums& from, RaySums& to) {
  if (from.unflushed == 0) return;
  state.kernels->flush(from.fresh.data(), roundUp(state.predictions), to.all.data());
  from.unflushed = 0;
  to.flushed = true;
}

/// Most entries of ReconstructState::rays per camera: none, its centroids, two shares of each.
inline constexpr std::size_t kMostRays = 3 * kMaxCentroids + 9;

/// The quanta of a camera: as fine as its image allows.
inline PlaceGrid makePlaceGrid(const ViewCamera& view) {
  PlaceGrid grid{.quanta_per_px = kQuantaPerPx, .least_u = view.least_u, .least_v = view.least_v};
  // A lens that sees nothing has no bounds.
  const float width = std::max(view.most_u - view.least_u, 0.0f);
  const float height = std::max(view.most_v - view.least_v, 0.0f);
  const float most = static_cast<float>(kMostQuanta);
  while (std::max(width, height) * grid.quanta_per_px > most) grid.quanta_per_px *= 0.5f;
  return grid;
}

}  // namespace understudy::reconstruct
