#include <algorithm>
#include <cassert>
#include <cmath>

#include "capture/reconstruct/normal_sums.h"
#include "capture/reconstruct/reconstruct.h"
#include "capture/reconstruct/view_geometry.h"

namespace understudy::reconstruct {
namespace {

constexpr double kFar = 1e30;

// Undistorts the centroids of the packet into the workspace.
std::size_t undistortCentroids(const MatchCamera& job, const PreparedCamera& camera) {
  const std::size_t count = std::min(job.centroids.size(), kMaxCentroids);
  for (std::size_t i = 0; i < count; ++i) {
    const frame::Centroid& centroid = job.centroids[i];
    const glm::dvec2 normalised = camera::normalisedFromPixel(
        camera.camera, {static_cast<double>(centroid.x_px), static_cast<double>(centroid.y_px)});
    job.workspace.centroid_u[i] = normalised.x * camera.focal_px;
    job.workspace.centroid_v[i] = normalised.y * camera.focal_px;
  }
  return count;
}

void offer(double distance, std::int32_t who, double& best_distance, std::int32_t& best,
           double& second_distance, std::int32_t& second) {
  if (distance < best_distance || (distance == best_distance && who < best)) {
    second_distance = best_distance;
    second = best;
    best_distance = distance;
    best = who;
  } else if (distance < second_distance) {
    second_distance = distance;
    second = who;
  }
}

// For every centroid and every prediction: the nearest and second nearest of the other kind inside
// the gate.
void findNearest(const MatchCamera& job, std::size_t count) {
  ReconstructWorkspace& w = job.workspace;
  const ReconstructState& state = job.state;
  const std::size_t base = job.camera * state.capacity;
  std::fill_n(w.best_prediction.begin(), count, -1);
  std::fill_n(w.second_prediction.begin(), count, -1);
  std::fill_n(w.best_prediction_distance.begin(), count, kFar);
  std::fill_n(w.second_prediction_distance.begin(), count, kFar);
  std::fill_n(w.best_centroid.begin(), state.predictions, -1);
  std::fill_n(w.second_centroid.begin(), state.predictions, -1);
  std::fill_n(w.best_centroid_distance.begin(), state.predictions, kFar);
  std::fill_n(w.second_centroid_distance.begin(), state.predictions, kFar);
  const std::int32_t* starts = &state.bucket_start[job.camera * (kBuckets + 1)];
  for (std::size_t i = 0; i < count; ++i) {
    const double u = w.centroid_u[i], v = w.centroid_v[i];
    const int first = bucketOf(u - job.settings.largest_gate_px);
    const int last = bucketOf(u + job.settings.largest_gate_px);
    for (std::int32_t k = starts[first]; k < starts[last + 1]; ++k) {
      const std::size_t p =
          static_cast<std::size_t>(state.bucket_order[base + static_cast<std::size_t>(k)]);
      const double du = u - state.u[base + p], dv = v - state.v[base + p];
      const double distance = du * du + dv * dv;
      const double gate = static_cast<double>(state.gate_px[base + p]);
      if (distance > gate * gate) continue;
      offer(distance, static_cast<std::int32_t>(p), w.best_prediction_distance[i],
            w.best_prediction[i], w.second_prediction_distance[i], w.second_prediction[i]);
      offer(distance, static_cast<std::int32_t>(i), w.best_centroid_distance[p], w.best_centroid[p],
            w.second_centroid_distance[p], w.second_centroid[p]);
    }
  }
}

void accumulate(const MatchCamera& job, const PreparedCamera& camera, std::size_t prediction,
                const Observation& seen) {
  ReconstructState& state = job.state;
  const glm::dvec3 position(state.x[prediction], state.y[prediction], state.z[prediction]);
  const std::size_t at = job.camera * state.capacity + prediction;
  const RayDerivative d = rayDerivative(camera, position);
  const double ru = seen.u - state.u[at], rv = seen.v - state.v[at];
  std::int64_t* sums = &state.sums[prediction * kSumsPerMarker];
  int k = 0;
  for (int r = 0; r < 3; ++r) {
    for (int c = r; c < 3; ++c) {
      sums[k++] += toFixed(seen.weight * (d.u[r] * d.u[c] + d.v[r] * d.v[c]), kInformationScale);
    }
  }
  for (int r = 0; r < 3; ++r) {
    sums[k++] += toFixed(seen.weight * (d.u[r] * ru + d.v[r] * rv), kGradientScale);
  }
  sums[k] += toFixed(seen.weight * (ru * ru + rv * rv), kResidualScale);
  ++state.rays[prediction];
}

// Two markers whose blob has become one: a second prediction without a blob of its own lies within
// this one, and the blob is as long as the two together would be.
bool isMerged(const MatchCamera& job, std::size_t centroid) {
  const ReconstructWorkspace& w = job.workspace;
  const std::int32_t other = w.second_prediction[centroid];
  if (other < 0 ||
      w.best_centroid[static_cast<std::size_t>(other)] != static_cast<std::int32_t>(centroid))
    return false;
  const frame::Centroid& blob = job.centroids[centroid];
  const double diameter = 2.0 * static_cast<double>(blob.radius_px);
  if (w.second_prediction_distance[centroid] > (diameter + 1.0) * (diameter + 1.0)) return false;
  const std::size_t base = job.camera * job.state.capacity;
  const std::size_t p = base + static_cast<std::size_t>(w.best_prediction[centroid]);
  const std::size_t q = base + static_cast<std::size_t>(other);
  const double du = job.state.u[p] - job.state.u[q], dv = job.state.v[p] - job.state.v[q];
  const double apart = std::sqrt(du * du + dv * dv);
  return static_cast<double>(blob.elongation) > 1.0 + 0.4 * apart / diameter;
}

// Lets one blob stand for both its markers: its middle is the middle of the two, whose offset is
// known from the predictions.
void observeMerged(const MatchCamera& job, std::size_t centroid) {
  const ReconstructWorkspace& w = job.workspace;
  constexpr double kMergedWeight = 0.15;
  const std::size_t base = job.camera * job.state.capacity;
  const std::size_t pair[2] = {static_cast<std::size_t>(w.best_prediction[centroid]),
                               static_cast<std::size_t>(w.second_prediction[centroid])};
  for (int k = 0; k < 2; ++k) {
    const std::size_t own = base + pair[k], other = base + pair[1 - k];
    job.state.observations[own] = {
        .u = w.centroid_u[centroid] + 0.5 * (job.state.u[own] - job.state.u[other]),
        .v = w.centroid_v[centroid] + 0.5 * (job.state.v[own] - job.state.v[other]),
        .weight = kMergedWeight,
        .centroid = static_cast<std::int32_t>(centroid)};
    accumulate(job, job.state.cameras[job.camera], pair[k], job.state.observations[own]);
  }
}

// True if the centroid could as well be another marker's, whose own blob is not to be seen.
bool isAmbiguous(const MatchCamera& job, std::size_t centroid) {
  const ReconstructWorkspace& w = job.workspace;
  const std::int32_t other = w.second_prediction[centroid];
  if (other < 0 ||
      w.best_centroid[static_cast<std::size_t>(other)] != static_cast<std::int32_t>(centroid))
    return false;
  return w.second_prediction_distance[centroid] < 4.0 * w.best_prediction_distance[centroid];
}

}  // namespace

void MatchCamera::run() const {
  assert(camera < state.cameras.size());
  const PreparedCamera& prepared = state.cameras[camera];
  const std::size_t count = undistortCentroids(*this, prepared);
  findNearest(*this, count);
  std::vector<FreeCentroid>& free = state.free[camera];
  free.clear();
  state.received[camera] = true;
  for (std::size_t i = 0; i < count; ++i) {
    const std::int32_t prediction = workspace.best_prediction[i];
    const bool mutual =
        prediction >= 0 && workspace.best_centroid[static_cast<std::size_t>(prediction)] ==
                               static_cast<std::int32_t>(i);
    if (!mutual) {
      free.push_back({workspace.centroid_u[i], workspace.centroid_v[i], centroids[i].radius_px,
                      static_cast<std::int32_t>(i), false});
      continue;
    }
    const std::size_t p = static_cast<std::size_t>(prediction);
    if (isMerged(*this, i)) {
      ++counters.merged;
      observeMerged(*this, i);
      continue;
    }
    Observation& seen = state.observations[camera * state.capacity + p];
    seen = {.u = workspace.centroid_u[i],
            .v = workspace.centroid_v[i],
            .weight = isAmbiguous(*this, i) ? 0.0 : 1.0,
            .centroid = static_cast<std::int32_t>(i)};
    if (seen.weight > 0.0) accumulate(*this, prepared, p, seen);
  }
}

}  // namespace understudy::reconstruct
