#pragma once

#include <algorithm>
#include <glm/glm.hpp>

#include "capture/reconstruct/normal_sums.h"
#include "capture/reconstruct/reconstruct.h"

namespace understudy::reconstruct {

/// A world point in camera axes.
inline glm::dvec3 toCamera(const ProjectionCamera& camera, const glm::dvec3& p) {
  const double* r = camera.rotation;
  return {r[0] * p.x + r[1] * p.y + r[2] * p.z + camera.translation[0],
          r[3] * p.x + r[4] * p.y + r[5] * p.z + camera.translation[1],
          r[6] * p.x + r[7] * p.y + r[8] * p.z + camera.translation[2]};
}

/// Derivative of the ideal image by the world point, which must lie in front of the camera.
inline RayDerivative rayDerivative(const PreparedCamera& camera, const glm::dvec3& point_world) {
  const glm::dvec3 p = toCamera(camera.projection, point_world);
  const double* r = camera.projection.rotation;
  const double scale = camera.focal_px / p.z;
  const double x = p.x / p.z, y = p.y / p.z;
  const glm::dvec3 right(r[0], r[1], r[2]), down(r[3], r[4], r[5]), forward(r[6], r[7], r[8]);
  return {scale * (right - x * forward), scale * (down - y * forward)};
}

/// World direction (not normalised) of an ideal image position.
inline glm::dvec3 rayWorld(const PreparedCamera& camera, double u, double v) {
  const double* r = camera.projection.rotation;
  const double x = u / camera.focal_px, y = v / camera.focal_px;
  return {r[0] * x + r[3] * y + r[6], r[1] * x + r[4] * y + r[7], r[2] * x + r[5] * y + r[8]};
}

/// Adds one weighted ray to the normal equations about `point_world`; returns its squared residual
/// in px^2, not weighted.
inline double addRay(const PreparedCamera& camera, const glm::dvec3& point_world, double u,
                     double v, double weight, NormalEquations& equations) {
  const glm::dvec3 p = toCamera(camera.projection, point_world);
  const RayDerivative d = rayDerivative(camera, point_world);
  const double scale = camera.focal_px / p.z;
  const double ru = u - p.x * scale, rv = v - p.y * scale;
  int k = 0;
  for (int r = 0; r < 3; ++r) {
    for (int c = r; c < 3; ++c)
      equations.information[k++] += weight * (d.u[r] * d.u[c] + d.v[r] * d.v[c]);
    equations.gradient[r] += weight * (d.u[r] * ru + d.v[r] * rv);
  }
  equations.squared_px += weight * (ru * ru + rv * rv);
  return ru * ru + rv * rv;
}

}  // namespace understudy::reconstruct
