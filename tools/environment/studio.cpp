#include <cmath>

#include "tools/environment/arithmetic.h"
#include "tools/environment/made_environments.h"
#include "tools/environment/picture.h"

namespace understudy::environment {

namespace {

// A round stage, metres, seen from its middle.
constexpr double kEye = 1.4, kRadius = 13.0, kTruss = 5.6, kCeiling = 8.0;
const glm::dvec3 kFloorColor(0.120, 0.122, 0.127);

/// A rectangle of light: a soft box or a strip.
struct Panel {
  glm::dvec3 axis, right, up;
  glm::dvec2 half;  // Tangents of half its width and height.
  glm::dvec3 radiance;
};

Panel panelAt(double azimuth_deg, double elevation_deg, double width, double height,
              const glm::dvec3& radiance) {
  const glm::dvec3 axis = directionOf(azimuth_deg, elevation_deg);
  const glm::dvec3 right = directionOf(azimuth_deg + 90.0, 0.0);
  return {axis, right, glm::cross(right, axis), {width, height}, radiance};
}

/// How much of the panel lies in this direction, and the glow of the air and lens about it.
glm::dvec3 panelLight(const Panel& panel, const glm::dvec3& d) {
  const double along = glm::dot(d, panel.axis);
  if (along < 0.05) return glm::dvec3(0.0);
  const double x = std::abs(glm::dot(d, panel.right)) / along;
  const double y = std::abs(glm::dot(d, panel.up)) / along;
  constexpr double kEdge = 0.008;
  const double inside =
      smoothStep(kEdge, -kEdge, x - panel.half.x) * smoothStep(kEdge, -kEdge, y - panel.half.y);
  // Diffusion cloth is brightest in the middle, and held by a dark frame's cross.
  const double fall =
      1.0 -
      0.35 * (x * x / (panel.half.x * panel.half.x) + y * y / (panel.half.y * panel.half.y)) * 0.5;
  const double out_x = std::max(x - panel.half.x, 0.0), out_y = std::max(y - panel.half.y, 0.0);
  const double glow = 0.020 * exponential(-9.0 * std::sqrt(out_x * out_x + out_y * out_y));
  return panel.radiance * (inside * fall + (1.0 - inside) * glow);
}

/// The curtain: lit from lamps on the floor behind the stage, folded, fading into the dark above.
glm::dvec3 curtainLight(const glm::dvec3& d, double height) {
  const double flat = std::sqrt(d.x * d.x + d.z * d.z);
  const glm::dvec2 around(d.x / flat, d.z / flat);
  const double folds = fractalNoise(around * 17.0, 2, 11);
  const double drape = fractalNoise(around * 3.1, 2, 23);
  const double lamps = 1.0 + 0.16 * fractalNoise(around * 2.2, 1, 5);
  const double wash = 0.160 * exponential(-std::max(height, 0.0) / 2.9) * lamps + 0.024;
  const double hang = smoothStep(0.2, 1.8, height);
  const double cloth = 1.0 + hang * (0.11 * folds + 0.10 * drape);
  const glm::dvec3 color = glm::mix(glm::dvec3(1.02, 1.0, 0.985), glm::dvec3(0.86, 0.97, 1.18),
                                    smoothStep(0.0, 5.0, height));
  return color * (wash * cloth);
}

/// The dark above: beams of the trusses before a ceiling that hardly shows.
glm::dvec3 ceilingLight(const glm::dvec3& d) {
  const double way = (kTruss - kEye) / d.y;
  const glm::dvec2 at(d.x * way, d.z * way);
  const double blur = 0.02 + 0.006 * way;
  const auto beam = [&](double x) {
    const double away = std::abs(x - std::round(x / 3.2) * 3.2);
    return smoothStep(0.14 + blur, 0.14 - blur, away);
  };
  const double far = exponential(-way / 16.0);
  const double beams = std::max(beam(at.x), beam(at.y)) * far;
  return glm::dvec3(0.021, 0.0235, 0.028) + glm::dvec3(0.030, 0.031, 0.033) * beams;
}

glm::dvec3 floorLight(const glm::dvec3& d) {
  const double way = kEye / -d.y;
  const double r = way * std::sqrt(std::max(0.0, 1.0 - d.y * d.y));
  // A pool of light in the middle, and the wash before the curtain.
  const double pool = 2.6 / (1.0 + 0.012 * r * r) + 0.55;
  return kFloorColor * (pool / kPi);
}

glm::dvec3 roomLight(const glm::dvec3& d) {
  const double flat = std::sqrt(std::max(1e-12, d.x * d.x + d.z * d.z));
  const double height = kEye + kRadius * d.y / flat;
  if (d.y < 0.0) {
    // Floor and curtain meet without an edge.
    const double foot = smoothStep(0.0, 0.9, height);
    const glm::dvec3 wall = curtainLight(d, height);
    if (height > 0.9) return wall;
    const glm::dvec3 low =
        glm::mix(floorLight(d), curtainLight(d, 0.0), smoothStep(-2.0, 0.0, height));
    return glm::mix(low, wall, foot);
  }
  const glm::dvec3 wall = curtainLight(d, height);
  if (height < kTruss - 0.6) return wall;
  return glm::mix(wall, ceilingLight(d), smoothStep(kTruss - 0.6, kCeiling, height));
}

}  // namespace

scene::Environment makeStudio(std::uint32_t height_px) {
  scene::Environment studio{.name = "studio", .exposure_ev = -0.10f};
  studio.key = {.to_light = glm::vec3(directionOf(-137.8, 47.7)),
                .irradiance = {3.60f, 3.34f, 3.00f},
                .angular_size = 0.11f,
                .falloff = 0.0030f};
  studio.floor = {.color = glm::vec3(kFloorColor),
                  .reflection = 0.06f,
                  .roughness = 0.45f,
                  .fade_near = 5.0f,
                  .fade_far = 26.0f};
  const Panel panels[] = {
      panelAt(20.0, 84.0, 0.62, 0.62, {1.75, 1.78, 1.82}),   // Overhead.
      panelAt(-137.8, 42.0, 0.30, 0.30, {2.6, 2.45, 2.2}),   // Around the key.
      panelAt(46.0, 36.0, 0.13, 0.42, {9.0, 11.0, 13.6}),    // Rim, cool.
      panelAt(-62.0, 37.0, 0.11, 0.36, {7.6, 6.3, 4.9}),     // Kicker, warm.
      panelAt(112.0, 22.0, 0.34, 0.46, {0.95, 1.05, 1.20}),  // Fill.
      panelAt(176.0, 38.0, 0.36, 0.10, {2.0, 2.0, 2.0})};    // Strip behind the camera.
  fillPicture(studio, height_px, [&](const glm::dvec3& d) {
    glm::dvec3 light = roomLight(d);
    for (const Panel& panel : panels) light += panelLight(panel, d);
    return light;
  });
  return studio;
}

}  // namespace understudy::environment
