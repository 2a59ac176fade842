#include "capture/reconstruct/camera_health.h"

#include <algorithm>
#include <cmath>

#include "capture/reconstruct/buffers.h"
#include "capture/reconstruct/view_geometry.h"

namespace understudy::reconstruct {
namespace {

constexpr double kReferenceVariance =
    static_cast<double>(kReferenceSigma_px) * static_cast<double>(kReferenceSigma_px);
// What the assumed noise counts for before any is measured, in rays.
constexpr double kAssumedRays = 20.0;
// A ray says at most that much more than was expected: the odd wrong one does not make a camera
// bad.
constexpr double kMostSurprise = 12.0;

double squareOf(double value) { return value * value; }

// The residual of one ray against its marker as the others see it: with P = w J C J^T its share in
// its own marker, r_others = (1 - P)^-1 r (Cook and Weisberg, "Residuals and influence in
// regression", 1982, section 2.2). Its covariance is (1 - P)^-1 over the weight, so that w r
// r_others is 2 on average where the assumed noise is right.
void learnRay(const PreparedCamera& camera, const Ray& ray, const glm::dvec3& position,
              const glm::dmat3& inverse, CameraHealth& health) {
  const glm::dvec3 p = toCamera(camera.projection, position);
  if (!(p.z > 0.0)) return;
  const RayDerivative d = rayDerivative(camera, position);
  const double scale = camera.focal_px / p.z, weight = static_cast<double>(ray.weight);
  const double ru = static_cast<double>(ray.u) - p.x * scale;
  const double rv = static_cast<double>(ray.v) - p.y * scale;
  const glm::dvec3 along_u = inverse * d.u, along_v = inverse * d.v;
  const double a = 1.0 - weight * glm::dot(d.u, along_u), b = -weight * glm::dot(d.u, along_v);
  const double c = 1.0 - weight * glm::dot(d.v, along_v);
  const double determinant = a * c - b * b;
  // Without it the marker would hardly stand: the residual says nothing.
  if (!(determinant > 0.05 && a > 0.0)) return;
  const double eu = (c * ru - b * rv) / determinant, ev = (a * rv - b * ru) / determinant;
  const double surprise =
      std::min(weight * (ru * eu + rv * ev) / (2.0 * kReferenceVariance), kMostSurprise);
  health.rays += 1.0;
  health.residual_px += glm::dvec2(eu, ev);
  health.squared_px += eu * eu + ev * ev;
  health.noise_px += surprise * squareOf(health.sigma_px);
}

void learnMarker(ReconstructState& state, std::size_t prediction) {
  const PredictedSolutions s = solutionsOf(state);
  const auto at = [prediction](const float* values) {
    return static_cast<double>(values[prediction]);
  };
  const glm::dvec3 position =
      glm::dvec3(at(state.x.data()), at(state.y.data()), at(state.z.data())) +
      glm::dvec3(at(s.step[0]), at(s.step[1]), at(s.step[2]));
  const double xx = at(s.inverse[0]), xy = at(s.inverse[1]), xz = at(s.inverse[2]);
  const double yy = at(s.inverse[3]), yz = at(s.inverse[4]), zz = at(s.inverse[5]);
  const glm::dmat3 inverse(xx, xy, xz, xy, yy, yz, xz, yz, zz);
  for (std::size_t c = 0; c < state.cameras.size(); ++c) {
    const std::uint16_t index = state.ray_of[c * state.capacity + prediction];
    if (index == 0) continue;
    const Ray& ray = state.rays[c][index - 1u];
    if (ray.weight > 0.0f) learnRay(state.cameras[c], ray, position, inverse, state.health[c]);
  }
}

}  // namespace

void learnCameraHealth(const ReconstructSettings& settings, ReconstructState& state) {
  // Many at first, few later: about a thousand rays per second in either case.
  constexpr std::uint64_t kFirstFrames = 120;
  constexpr std::size_t kFirstMarkers = 16, kMarkers = 4;
  const std::size_t wanted = state.frames < kFirstFrames ? kFirstMarkers : kMarkers;
  std::size_t taken = 0;
  for (std::size_t tried = 0; tried < state.predictions && taken < wanted; ++tried) {
    state.next_health = state.next_health + 1 < state.predictions ? state.next_health + 1 : 0;
    if (state.sound[state.next_health] == 0) continue;
    learnMarker(state, state.next_health);
    ++taken;
  }
  for (CameraHealth& health : state.health) {
    if (health.rays > kHealthRays) {
      const double kept = kHealthRays / health.rays;
      health.rays *= kept;
      health.residual_px *= kept;
      health.squared_px *= kept;
      health.noise_px *= kept;
    }
    const double variance =
        (health.noise_px + kAssumedRays * squareOf(settings.centroid_sigma_px)) /
        (health.rays + kAssumedRays);
    health.sigma_px =
        std::clamp(std::sqrt(variance), settings.smallest_sigma_px, settings.largest_sigma_px);
  }
}

}  // namespace understudy::reconstruct
