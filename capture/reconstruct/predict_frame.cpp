#include <algorithm>
#include <cmath>
#include <string>

#include "capture/reconstruct/normal_sums.h"
#include "capture/reconstruct/reconstruct.h"
#include "capture/reconstruct/view_geometry.h"

namespace understudy::reconstruct {
namespace {

core::Error outOfRange(const char* key, const char* condition) {
  return core::makeError(std::string("reconstruct settings: ") + key + " must be " + condition);
}

// Widest ideal image that a camera may have, as a share of its sensor: distortion moves corners
// outwards.
constexpr double kImageMargin = 1.3;

// Counting sort of the predictions in view by image column.
void fillBuckets(ReconstructState& state, std::size_t camera) {
  const std::size_t base = camera * state.capacity;
  std::int32_t* starts = &state.bucket_start[camera * (kBuckets + 1)];
  std::fill_n(starts, kBuckets + 1, 0);
  for (std::size_t p = 0; p < state.predictions; ++p) {
    if (state.gate_px[base + p] > 0.0f) ++starts[bucketOf(state.u[base + p]) + 1];
  }
  for (int b = 0; b < kBuckets; ++b) starts[b + 1] += starts[b];
  // Filling moves each start to its bucket's end; the shift back restores them.
  for (std::size_t p = 0; p < state.predictions; ++p) {
    if (!(state.gate_px[base + p] > 0.0f)) continue;
    const int bucket = bucketOf(state.u[base + p]);
    state.bucket_order[base + static_cast<std::size_t>(starts[bucket]++)] =
        static_cast<std::int32_t>(p);
  }
  for (int b = kBuckets; b > 0; --b) starts[b] = starts[b - 1];
  starts[0] = 0;
}

}  // namespace

core::Result<void> check(const ReconstructSettings& s) {
  const auto positive = [](double value) { return value > 0.0 && std::isfinite(value); };
  if (!positive(s.centroid_sigma_px)) return outOfRange("centroid_sigma_px", "> 0");
  if (!positive(s.gate_sigmas)) return outOfRange("gate_sigmas", "> 0");
  if (!positive(s.smallest_gate_px)) return outOfRange("smallest_gate_px", "> 0");
  if (!(s.largest_gate_px >= s.smallest_gate_px && s.largest_gate_px <= 1000.0)) {
    return outOfRange("largest_gate_px", "between smallest_gate_px and 1000");
  }
  if (!positive(s.largest_residual_px)) return outOfRange("largest_residual_px", "> 0");
  if (!(s.smallest_angle >= 0.0 && s.smallest_angle < 1.5))
    return outOfRange("smallest_angle", "in 0..1.5");
  if (!positive(s.epipolar_tolerance_px)) return outOfRange("epipolar_tolerance_px", "> 0");
  if (s.smallest_cold_rays < 2) return outOfRange("smallest_cold_rays", ">= 2");
  if (!(positive(s.nearest) && s.farthest > s.nearest))
    return outOfRange("farthest", "> nearest > 0");
  return {};
}

ReconstructState makeReconstructState(const camera::Rig& rig, std::size_t most_predictions) {
  ReconstructState state;
  for (const camera::Camera& camera : rig.cameras) {
    PreparedCamera prepared;
    prepared.camera = camera;
    prepared.focal_px = 0.5 * (camera.fx_px + camera.fy_px);
    prepared.centre = camera::centreWorld(camera);
    const glm::dmat3 rotation = glm::mat3_cast(camera.camera_from_world.rotation);
    for (int r = 0; r < 3; ++r) {
      for (int c = 0; c < 3; ++c) prepared.projection.rotation[3 * r + c] = rotation[c][r];
      prepared.projection.translation[r] = camera.camera_from_world.translation[r];
    }
    prepared.projection.focal_px = prepared.focal_px;
    state.cameras.push_back(prepared);
  }
  state.cold_cameras = makeColdCameras(state.cameras);
  const std::size_t cameras = rig.cameras.size();
  state.capacity = (most_predictions + 7) / 8 * 8;
  for (std::vector<double>* axis : {&state.x, &state.y, &state.z})
    axis->assign(state.capacity, 0.0);
  for (std::vector<double>* view : {&state.u, &state.v, &state.depth}) {
    view->assign(cameras * state.capacity, 0.0);
  }
  state.predicted.reserve(state.capacity);
  state.gate_px.assign(cameras * state.capacity, 0.0f);
  state.bucket_start.assign(cameras * (kBuckets + 1), 0);
  state.bucket_order.assign(cameras * state.capacity, 0);
  state.observations.assign(cameras * state.capacity, {});
  state.sums.assign(state.capacity * kSumsPerMarker, 0);
  state.rays.assign(state.capacity, 0);
  state.free.resize(cameras);
  for (std::vector<FreeCentroid>& free : state.free) free.reserve(2 * kMaxCentroids);
  state.received.assign(cameras, false);
  return state;
}

ReconstructWorkspace makeReconstructWorkspace(const ReconstructState& state) {
  ReconstructWorkspace w;
  w.centroid_u.resize(kMaxCentroids);
  w.centroid_v.resize(kMaxCentroids);
  w.best_prediction.resize(kMaxCentroids);
  w.second_prediction.resize(kMaxCentroids);
  w.best_prediction_distance.resize(kMaxCentroids);
  w.second_prediction_distance.resize(kMaxCentroids);
  w.best_centroid.resize(state.capacity);
  w.second_centroid.resize(state.capacity);
  w.best_centroid_distance.resize(state.capacity);
  w.second_centroid_distance.resize(state.capacity);
  w.directions.reserve(state.cameras.size());
  w.cold = makeColdSearchWorkspace(state.cold_cameras);
  return w;
}

void PredictFrame::run() const {
  const std::size_t count = std::min(predictions.markers.size(), state.capacity);
  state.predictions = count;
  state.predicted.assign(predictions.markers.begin(),
                         predictions.markers.begin() + static_cast<std::ptrdiff_t>(count));
  for (std::size_t p = 0; p < count; ++p) {
    const glm::vec3& position = predictions.markers[p].position;
    state.x[p] = static_cast<double>(position.x);
    state.y[p] = static_cast<double>(position.y);
    state.z[p] = static_cast<double>(position.z);
  }
  for (std::size_t c = 0; c < state.cameras.size(); ++c) {
    const PreparedCamera& camera = state.cameras[c];
    const std::size_t base = c * state.capacity;
    kernels.project(camera.projection, state.x.data(), state.y.data(), state.z.data(), count,
                    &state.u[base], &state.v[base], &state.depth[base]);
    const double half_width = kImageMargin * 0.5 * static_cast<double>(camera.camera.width_px);
    const double half_height = kImageMargin * 0.5 * static_cast<double>(camera.camera.height_px);
    for (std::size_t p = 0; p < count; ++p) {
      const double depth = state.depth[base + p];
      const bool in_view = depth > settings.nearest && std::abs(state.u[base + p]) < half_width &&
                           std::abs(state.v[base + p]) < half_height;
      double gate = 0.0;
      if (in_view) {
        const double sigma = static_cast<double>(predictions.markers[p].sigma);
        gate = std::clamp(settings.gate_sigmas * sigma * camera.focal_px / depth,
                          settings.smallest_gate_px, settings.largest_gate_px);
      }
      state.gate_px[base + p] = static_cast<float>(gate);
    }
    fillBuckets(state, c);
    state.free[c].clear();
    state.received[c] = false;
  }
  std::fill(state.observations.begin(), state.observations.end(), Observation{});
  std::fill(state.sums.begin(), state.sums.end(), 0);
  std::fill(state.rays.begin(), state.rays.end(), std::uint16_t{0});
}

}  // namespace understudy::reconstruct
