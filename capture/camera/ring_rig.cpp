#include "capture/camera/ring_rig.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace understudy::camera {
namespace {

// About normal; the sum of twelve uniforms gives the same bytes with every C++ library.
double normal(std::mt19937_64& random) {
  double sum = -6.0;
  for (int i = 0; i < 12; ++i) sum += static_cast<double>(random() >> 11) * 0x1p-53;
  return sum;
}

math::RigidTransformd lookAt(const glm::dvec3& position, const glm::dvec3& target) {
  const glm::dvec3 forward = glm::normalize(target - position);
  const glm::dvec3 right = glm::normalize(glm::cross(forward, glm::dvec3(0, 1, 0)));
  const glm::dvec3 down = glm::cross(forward, right);
  const glm::dmat3 world_from_camera(right, down, forward);
  return inverse(
      math::RigidTransformd{glm::normalize(glm::quat_cast(world_from_camera)), position});
}

glm::dquat turn(const glm::dvec3& rotation_vector) {
  const double angle = glm::length(rotation_vector);
  return angle > 0.0 ? glm::angleAxis(angle, rotation_vector / angle) : glm::dquat(1, 0, 0, 0);
}

/// How one camera's calibration is wrong, per unit of error.
struct CameraError {
  glm::dvec3 rotation, translation;
  double focal, k1;
  glm::dvec2 centre;
};

Camera applyError(const Camera& camera, const CameraError& error, double scale) {
  Camera result = camera;
  const math::RigidTransformd shift{turn(error.rotation * scale), error.translation * scale};
  result.camera_from_world = shift * camera.camera_from_world;
  result.camera_from_world.rotation = glm::normalize(result.camera_from_world.rotation);
  result.fx_px *= 1.0 + error.focal * scale;
  result.fy_px *= 1.0 + error.focal * scale;
  result.cx_px += error.centre.x * scale;
  result.cy_px += error.centre.y * scale;
  result.lens.k1 += error.k1 * scale;
  return result;
}

// RMS distance in the image between the two cameras' views of points around `distance`.
double imageDifference(const Camera& a, const Camera& b, double distance) {
  double sum = 0;
  int count = 0;
  const math::RigidTransformd world_from_camera = inverse(a.camera_from_world);
  for (int row = 1; row < 6; ++row) {
    for (int column = 1; column < 6; ++column) {
      for (const double depth_share : {0.6, 1.0, 1.4}) {
        const glm::dvec2 ray =
            normalisedFromPixel(a, {a.width_px * column / 6.0, a.height_px * row / 6.0});
        const glm::dvec3 point =
            world_from_camera * (glm::dvec3(ray, 1.0) * (distance * depth_share));
        const glm::dvec2 difference = project(a, point) - project(b, point);
        sum += glm::dot(difference, difference);
        ++count;
      }
    }
  }
  return std::sqrt(sum / count);
}

}  // namespace

Rig makeRingRig(std::size_t cameras, std::size_t actors, double rate_hz) {
  constexpr double kTurn = 6.283185307179586476925;
  Rig rig{.cameras = {}, .rate_hz = rate_hz};
  const double radius = 5.0 * std::sqrt(std::max(1.0, static_cast<double>(actors) / 4.0));
  for (std::size_t i = 0; i < cameras; ++i) {
    const double angle = kTurn * static_cast<double>(i) / static_cast<double>(cameras);
    const double height = i % 2 == 0 ? 2.4 : 3.6;
    Camera camera;
    camera.name = fmt::format("camera_{:02}", i + 1);
    camera.width_px = 2048;
    camera.height_px = 1088;
    camera.fx_px = camera.fy_px = 1500.0;
    camera.cx_px = 1024.0;
    camera.cy_px = 544.0;
    camera.lens = {.k1 = -0.1, .k2 = 0.02};
    camera.camera_from_world =
        lookAt({radius * std::sin(angle), height, radius * std::cos(angle)}, {0.0, 1.0, 0.0});
    rig.cameras.push_back(camera);
  }
  return rig;
}

Rig perturbRig(const Rig& rig, double error_px, std::uint64_t seed) {
  Rig result = rig;
  if (!(error_px > 0.0)) return result;
  glm::dvec3 middle{0.0};
  for (const Camera& camera : rig.cameras) middle += centreWorld(camera);
  middle /= static_cast<double>(std::max<std::size_t>(1, rig.cameras.size()));
  for (std::size_t i = 0; i < rig.cameras.size(); ++i) {
    const Camera& camera = rig.cameras[i];
    std::mt19937_64 random(seed * 0x9e3779b97f4a7c15ull + i + 1);
    const double to_middle = glm::distance(centreWorld(camera), middle);
    const double distance = to_middle > 0.5 ? to_middle : 5.0;
    // Each part by itself moves the image by about one pixel.
    const double f = camera.fx_px;
    const auto vector = [&](double sigma) {
      return glm::dvec3(normal(random), normal(random), normal(random)) * sigma;
    };
    const CameraError error{.rotation = vector(0.7 / f),
                            .translation = vector(0.5 * distance / f),
                            .focal = normal(random) / (0.5 * camera.width_px),
                            .k1 = normal(random) * 0.5 / f,
                            .centre = glm::dvec2(normal(random), normal(random)) * 0.5};
    double scale = error_px;
    for (int step = 0; step < 3; ++step) {
      const double difference = imageDifference(camera, applyError(camera, error, scale), distance);
      if (!(difference > 0.0)) break;
      scale *= error_px / difference;
    }
    result.cameras[i] = applyError(camera, error, scale);
  }
  return result;
}

Camera bumpCamera(const Camera& camera, double shift_px) {
  Camera result = camera;
  const glm::dvec3 axis = glm::normalize(glm::dvec3(0.6, 0.8, 0.0));
  result.camera_from_world =
      math::RigidTransformd{glm::angleAxis(shift_px / camera.fx_px, axis), glm::dvec3(0.0)} *
      camera.camera_from_world;
  return result;
}

}  // namespace understudy::camera
