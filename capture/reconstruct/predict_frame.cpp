#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "capture/reconstruct/buffers.h"
#include "capture/reconstruct/camera_health.h"
#include "capture/reconstruct/reconstruct.h"
#include "capture/reconstruct/view_camera.h"

namespace understudy::reconstruct {
namespace {

RaySums makeRaySums(std::size_t capacity) {
  RaySums sums;
  sums.all.assign(capacity * kSumsPerMarker, 0.0);
  sums.fresh.assign(capacity * kSumsPerMarker, 0);
  return sums;
}

core::Error outOfRange(const char* key, const char* condition) {
  return core::makeError(std::string("reconstruct settings: ") + key + " must be " + condition);
}

}  // namespace

core::Result<void> check(const ReconstructSettings& s) {
  const auto positive = [](double value) { return value > 0.0 && std::isfinite(value); };
  if (!positive(s.smallest_sigma_px)) return outOfRange("smallest_sigma_px", "> 0");
  if (!(s.smallest_sigma_px >= 0.001)) return outOfRange("smallest_sigma_px", ">= 0.001");
  if (!(s.largest_sigma_px >= s.smallest_sigma_px && s.largest_sigma_px <= 100.0)) {
    return outOfRange("largest_sigma_px", "between smallest_sigma_px and 100");
  }
  if (!positive(s.centroid_sigma_px)) return outOfRange("centroid_sigma_px", "> 0");
  if (!positive(s.gate_sigmas)) return outOfRange("gate_sigmas", "> 0");
  if (!positive(s.smallest_gate_px)) return outOfRange("smallest_gate_px", "> 0");
  if (!(s.largest_gate_px >= s.smallest_gate_px && s.largest_gate_px <= 200.0)) {
    return outOfRange("largest_gate_px", "between smallest_gate_px and 200");
  }
  if (!positive(s.largest_residual_px)) return outOfRange("largest_residual_px", "> 0");
  if (!(s.smallest_angle >= 0.0 && s.smallest_angle < 1.5))
    return outOfRange("smallest_angle", "in 0..1.5");
  if (!positive(s.epipolar_tolerance_px)) return outOfRange("epipolar_tolerance_px", "> 0");
  if (s.smallest_cold_rays < 2) return outOfRange("smallest_cold_rays", ">= 2");
  if (s.two_ray_frames < 0 || s.two_ray_frames == 1)
    return outOfRange("two_ray_frames", "0, or 2 or more");
  if (!(s.smallest_two_ray_angle >= 0.0 && s.smallest_two_ray_angle < 1.5))
    return outOfRange("smallest_two_ray_angle", "in 0..1.5");
  if (!(positive(s.nearest) && s.farthest > s.nearest))
    return outOfRange("farthest", "> nearest > 0");
  return {};
}

ReconstructState makeReconstructState(const camera::Rig& rig, std::size_t most_predictions) {
  ReconstructState state;
  for (const camera::Camera& camera : rig.cameras) state.cameras.push_back(prepareCamera(camera));
  constexpr std::size_t kMostPredictions = 65528;  // One more and twice more fit 16 bits.
  state.capacity = roundUp(std::clamp<std::size_t>(most_predictions, 1, kMostPredictions));
  state.cold_rig = makeColdRig(state.cameras);
  state.two_rays = makeTwoRayState();
  const std::size_t cameras = rig.cameras.size();
  const float nowhere = std::numeric_limits<float>::quiet_NaN();
  state.x.assign(state.capacity, nowhere);
  state.y.assign(state.capacity, nowhere);
  state.z.assign(state.capacity, nowhere);
  state.reach.assign(state.capacity, 0.0f);
  state.sums = makeRaySums(state.capacity);
  state.rays.resize(cameras);
  for (std::vector<Ray>& rays : state.rays) {
    rays.reserve(kMostRays);
    rays.resize(1);
  }
  state.centroids.assign(cameras, 0);
  state.ray_of.assign(cameras * raysPerCamera(state), 0);
  state.orders.resize(cameras);
  for (CameraOrder& order : state.orders) {
    order.owners.reserve(kMaxCentroids);
    order.contender.reserve(state.capacity);
    order.contended.reserve(state.capacity);
  }
  state.free.resize(cameras);
  for (std::vector<FreeCentroid>& free : state.free) free.reserve(2 * kMaxCentroids);
  state.received.assign(cameras, 0);
  state.solutions.assign(kSolutionArrays * state.capacity, 0.0f);
  state.sound.assign(state.capacity, 0);
  state.health.resize(cameras);
  return state;
}

namespace {

// What MatchCamera needs of it.
ReconstructWorkspace makeMatchWorkspace(const ReconstructState& state) {
  ReconstructWorkspace w;
  const std::size_t capacity = state.capacity;
  w.predicted.assign(kViewArrays * capacity, 0.0f);
  w.predicted_place.assign(kPlaceArrays * capacity, 0);
  static_assert(kMaxCentroids == roundUp(kMaxCentroids));
  w.slack.assign(kMaxCentroids, 0.0f);
  w.centroid_place.assign(kPlacesInSight + kMaxCentroids + 4 * kPlacesInSight, kNoPlace);
  w.raster_keys.assign(kMaxCentroids, 0);
  w.sorted_keys.assign(kMaxCentroids, 0);
  w.sorted_rays.resize(kMaxCentroids);
  w.sorted_slack.assign(kMaxCentroids, 0.0f);
  w.sorted_place.assign(kMaxCentroids, kNoPlace);
  w.padded.resize(8);
  w.owner.reserve(kMaxCentroids);
  const std::size_t doubts = kMaxCentroids + 2 * capacity;
  w.doubtful.assign(doubts, 0);
  w.doubtful_from.assign(doubts, 0);
  w.unclaimed.assign(kMaxCentroids, 0);
  w.unclaimed_place.assign(kMaxCentroids, kNoPlace);
  w.queue.assign(kMaxCentroids, 0);
  w.disputed.reserve(capacity);
  w.is_disputed.assign(capacity, 0);
  w.near.assign(capacity, 0);
  w.left.assign(kMaxCentroids, 0);
  w.nearest.assign(kMaxCentroids, 0);
  w.second.assign(kMaxCentroids, 0);
  w.nearest_centroid.assign(capacity, 0);
  return w;
}

}  // namespace

ReconstructWorkspace makeReconstructWorkspace(const ReconstructState& state) {
  ReconstructWorkspace w = makeMatchWorkspace(state);
  w.directions.reserve(state.cameras.size());
  w.cold = makeColdSearchWorkspace(state.cold_rig);
  return w;
}

MatchShare makeMatchShare(const ReconstructState& state) {
  return {
      .sums = makeRaySums(state.capacity), .workspace = makeMatchWorkspace(state), .counters = {}};
}

void PredictFrame::run() const {
  learnCameraHealth(settings, state);
  state.kernels = &kernels;
  const std::size_t before = state.predictions;
  const std::size_t count = std::min(predictions.markers.size(), state.capacity);
  state.predictions = count;
  for (std::size_t p = 0; p < count; ++p) {
    const frame::PredictedMarker& predicted = predictions.markers[p];
    state.x[p] = predicted.position.x;
    state.y[p] = predicted.position.y;
    state.z[p] = predicted.position.z;
    state.reach[p] = static_cast<float>(settings.gate_sigmas) * predicted.sigma;
  }
  for (std::size_t p = count; p < before; ++p) {  // What is not finite is seen by no camera.
    state.x[p] = state.y[p] = state.z[p] = std::numeric_limits<float>::quiet_NaN();
  }
  const std::size_t sums = roundUp(std::max(before, count)) * kSumsPerMarker;
  std::fill_n(state.sums.all.begin(), sums, 0.0);
  if (state.sums.unflushed > 0) std::fill_n(state.sums.fresh.begin(), sums, 0);
  state.sums.unflushed = 0;
  state.sums.flushed = false;
  std::fill_n(state.sound.begin(), std::max(before, count), std::uint8_t{0});
  for (std::size_t c = 0; c < state.cameras.size(); ++c) {
    state.free[c].clear();
    state.received[c] = 0;
  }
  ++state.frames;
}

}  // namespace understudy::reconstruct
