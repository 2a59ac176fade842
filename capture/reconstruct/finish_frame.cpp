#include <algorithm>
#include <cmath>

#include "capture/reconstruct/normal_sums.h"
#include "capture/reconstruct/reconstruct.h"
#include "capture/reconstruct/view_geometry.h"

namespace understudy::reconstruct {
namespace {

// Smallest cosine between any two of the marker's rays.
double smallestCosine(const std::vector<glm::dvec3>& directions) {
  double smallest = 1.0;
  for (std::size_t i = 0; i < directions.size(); ++i) {
    for (std::size_t j = i + 1; j < directions.size(); ++j) {
      smallest = std::min(smallest, glm::dot(directions[i], directions[j]));
    }
  }
  return smallest;
}

glm::dvec3 directionTo(const PreparedCamera& camera, const glm::dvec3& point) {
  return glm::normalize(point - camera.centre);
}

// Fills the marker from the solved equations; false where its rays are too parallel.
bool makeMarker(const FinishFrame& job, const glm::dvec3& position,
                const NormalEquations& equations, const glm::dmat3& inverse, std::size_t rays,
                frame::Marker& marker) {
  const double cosine = smallestCosine(job.workspace.directions);
  if (cosine > 1.0 - 0.5 * job.settings.smallest_angle * job.settings.smallest_angle) return false;
  const double variance = job.settings.centroid_sigma_px * job.settings.centroid_sigma_px;
  const double freedoms = 2.0 * static_cast<double>(rays) - 3.0;
  const double excess = std::max(1.0, equations.squared_px / (freedoms * variance));
  marker.position = glm::vec3(position);
  marker.covariance = glm::mat3(inverse * (variance * excess));
  marker.residual_px =
      static_cast<float>(std::sqrt(equations.squared_px / static_cast<double>(rays)));
  marker.rays = static_cast<std::uint16_t>(rays);
  // The angle is for people and gates: the chord's length is close enough and the same on every
  // machine.
  marker.angle = static_cast<float>(std::sqrt(std::max(0.0, 2.0 * (1.0 - cosine))));
  return true;
}

void release(ReconstructState& state, std::size_t camera, Observation& seen) {
  if (seen.centroid < 0) return;
  state.free[camera].push_back({seen.u, seen.v, 0.0f, seen.centroid, false});
  seen = {};
}

// The exact sums of the rays that are still trusted, about `position`.
std::size_t sumRays(const ReconstructState& state, std::size_t prediction,
                    const glm::dvec3& position, NormalEquations& equations) {
  equations = {};
  std::size_t rays = 0;
  for (std::size_t c = 0; c < state.cameras.size(); ++c) {
    const Observation& seen = state.observations[c * state.capacity + prediction];
    if (!(seen.weight > 0.0)) continue;
    addRay(state.cameras[c], position, seen.u, seen.v, seen.weight, equations);
    ++rays;
  }
  return rays;
}

// Drops the worst ray beyond the residual gate; true if one was dropped.
bool dropWorstRay(const FinishFrame& job, std::size_t prediction, const glm::dvec3& position) {
  ReconstructState& state = job.state;
  double worst = job.settings.largest_residual_px * job.settings.largest_residual_px;
  std::size_t worst_camera = state.cameras.size();
  for (std::size_t c = 0; c < state.cameras.size(); ++c) {
    const Observation& seen = state.observations[c * state.capacity + prediction];
    if (!(seen.weight > 0.0)) continue;
    NormalEquations unused;
    const double squared = addRay(state.cameras[c], position, seen.u, seen.v, 1.0, unused);
    if (squared > worst) {
      worst = squared;
      worst_camera = c;
    }
  }
  if (worst_camera == state.cameras.size()) return false;
  release(state, worst_camera, state.observations[worst_camera * state.capacity + prediction]);
  ++job.counters.dropped_rays;
  return true;
}

// Solves one predicted marker from the sums its packets left, and checks every ray at the solution.
bool finishPredicted(const FinishFrame& job, std::size_t prediction, frame::Marker& marker) {
  ReconstructState& state = job.state;
  if (state.rays[prediction] < 2) return false;
  const std::int64_t* sums = &state.sums[prediction * kSumsPerMarker];
  NormalEquations equations;
  for (int k = 0; k < 6; ++k)
    equations.information[k] = static_cast<double>(sums[k]) / kInformationScale;
  for (int k = 0; k < 3; ++k)
    equations.gradient[k] = static_cast<double>(sums[6 + k]) / kGradientScale;
  glm::dvec3 step;
  glm::dmat3 inverse;
  if (!solveNormalEquations(equations, step, inverse)) return false;
  glm::dvec3 position =
      glm::dvec3(state.x[prediction], state.y[prediction], state.z[prediction]) + step;
  constexpr int kMostDrops = 4;
  for (int pass = 0; pass <= kMostDrops; ++pass) {
    if (sumRays(state, prediction, position, equations) < 2) return false;
    if (!solveNormalEquations(equations, step, inverse)) return false;
    position += step;
    if (pass == kMostDrops || !dropWorstRay(job, prediction, position)) break;
  }
  const std::size_t rays = sumRays(state, prediction, position, equations);
  if (rays < 2) return false;
  job.workspace.directions.clear();
  for (std::size_t c = 0; c < state.cameras.size(); ++c) {
    if (state.observations[c * state.capacity + prediction].weight > 0.0) {
      job.workspace.directions.push_back(directionTo(state.cameras[c], position));
    }
  }
  if (!makeMarker(job, position, equations, inverse, rays, marker)) return false;
  if (static_cast<double>(marker.residual_px) > job.settings.largest_residual_px) return false;
  marker.prediction = static_cast<std::int32_t>(prediction);
  return true;
}

}  // namespace

void FinishFrame::run() const {
  cloud.stamp = stamp;
  cloud.markers.clear();
  for (std::size_t p = 0; p < state.predictions; ++p) {
    frame::Marker marker;
    if (finishPredicted(*this, p, marker) && cloud.markers.size() < cloud.markers.capacity()) {
      cloud.markers.push_back(marker);
    }
  }
  SearchCold{.settings = settings,
             .state = state,
             .workspace = workspace.cold,
             .cloud = cloud,
             .counters = counters}
      .run();
}

}  // namespace understudy::reconstruct
