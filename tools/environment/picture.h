#pragma once

#include <algorithm>
#include <thread>
#include <vector>

#include "engine/math/elementary.h"
#include "engine/scene/environment.h"

namespace understudy::environment {

inline constexpr double kPi = 3.14159265358979323846;

/// Unit vector of an azimuth (0 = -Z, a quarter turn = +X) and an elevation, degrees.
inline glm::dvec3 directionOf(double azimuth_deg, double elevation_deg) {
  const auto azimuth = math::sineCosine(azimuth_deg * kPi / 180.0);
  const auto elevation = math::sineCosine(elevation_deg * kPi / 180.0);
  return {azimuth.sine * elevation.cosine, elevation.sine, -azimuth.cosine * elevation.cosine};
}

/// Fills the environment's picture, twice as wide as high, by calling `radiance(direction)` for
/// every pixel, row by row in several threads.
template <class Radiance>
void fillPicture(scene::Environment& environment, std::uint32_t height_px,
                 const Radiance& radiance) {
  environment.width_px = 2 * height_px;
  environment.height_px = height_px;
  environment.radiance.resize(std::size_t{2} * height_px * height_px);
  const auto fillRow = [&](std::uint32_t y) {
    const double elevation_deg = 90.0 - (y + 0.5) * 180.0 / height_px;
    for (std::uint32_t x = 0; x < environment.width_px; ++x) {
      const double azimuth_deg = (x + 0.5) * 360.0 / environment.width_px - 180.0;
      environment.radiance[std::size_t{y} * environment.width_px + x] =
          glm::vec3(radiance(directionOf(azimuth_deg, elevation_deg)));
    }
  };
  const std::uint32_t count = std::clamp(std::thread::hardware_concurrency(), 1u, 16u);
  std::vector<std::jthread> threads;
  for (std::uint32_t t = 0; t < count; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint32_t y = t; y < height_px; y += count) fillRow(y);
    });
  }
}

}  // namespace understudy::environment
