#pragma once

#include <cstdint>
#include <glm/glm.hpp>
#include <string>
#include <vector>

#include "engine/math/lens.h"
#include "engine/math/rigid_transform.h"

namespace understudy::camera {

/// A calibrated camera. Camera axes: +X right, +Y down in the image, +Z out of the lens. Pixel (0,
/// 0) is the image's corner, the first pixel's centre is (0.5, 0.5).
struct Camera {
  std::string name;
  std::uint32_t width_px = 0, height_px = 0;
  double fx_px = 0, fy_px = 0;  ///< Focal lengths.
  double cx_px = 0, cy_px = 0;  ///< Principal point.
  math::Lens lens;
  math::RigidTransformd camera_from_world;
};

/// The calibrated cameras of a stage. A camera's number in packets is its index here.
struct Rig {
  std::vector<Camera> cameras;
  double rate_hz = 240.0;  ///< The exposure grid.
};

/// Where the camera sees the point, in px, also outside the image. The point must lie in front
/// (camera z > 0).
glm::dvec2 project(const Camera& camera, const glm::dvec3& point_world);

/// Camera z of the point; it is in front if > 0.
double depth(const Camera& camera, const glm::dvec3& point_world);

/// The undistorted normalised image point (x/z, y/z) of a pixel position.
glm::dvec2 normalisedFromPixel(const Camera& camera, const glm::dvec2& position_px);

/// Centre of the camera in the world.
glm::dvec3 centreWorld(const Camera& camera);

}  // namespace understudy::camera
