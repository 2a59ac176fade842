#include "engine/scene/environment.h"

#include <cmath>
#include <numbers>

namespace understudy::scene {

namespace {

/// A lamp as a spherical Gaussian: radiance exp(sharpness (cos - 1)) about its axis.
struct SoftBox {
  glm::vec3 axis;
  float sharpness;
  glm::vec3 radiance;
};

constexpr SoftBox kSoftBoxes[] = {
    {{-0.452f, 0.740f, 0.498f}, 14.0f, {2.10f, 1.98f, 1.80f}},   // Beside the key.
    {{0.640f, 0.420f, -0.643f}, 9.0f, {1.75f, 2.10f, 2.60f}},    // Rim, cool.
    {{0.870f, 0.260f, 0.419f}, 5.0f, {0.30f, 0.34f, 0.40f}},     // Fill.
    {{-0.700f, 0.300f, -0.648f}, 10.0f, {1.15f, 1.00f, 0.84f}},  // Kicker, warm.
};

glm::vec3 roomRadiance(const glm::vec3& direction) {
  const glm::vec3 zenith(0.040f, 0.044f, 0.052f), horizon(0.190f, 0.195f, 0.206f);
  const glm::vec3 ground(0.120f, 0.116f, 0.111f);
  const float height = std::max(direction.y, 0.0f);
  glm::vec3 light = glm::mix(zenith, horizon, std::exp(-3.2f * height));
  light = glm::mix(light, ground, glm::smoothstep(0.0f, 0.3f, -direction.y));
  for (const SoftBox& box : kSoftBoxes) {
    light += box.radiance * std::exp(box.sharpness * (glm::dot(direction, box.axis) - 1.0f));
  }
  return light;
}

}  // namespace

glm::vec3 directionAt(float u, float v) {
  const float azimuth = (u - 0.5f) * 2.0f * std::numbers::pi_v<float>;
  const float polar = v * std::numbers::pi_v<float>;
  const float across = std::sin(polar);
  return {std::sin(azimuth) * across, std::cos(polar), -std::cos(azimuth) * across};
}

Environment softBoxRoom() {
  Environment room{.name = "room", .width_px = 128, .height_px = 64, .exposure_ev = -0.12f};
  room.key = {.to_light = glm::normalize(glm::vec3(-0.55f, 0.90f, 0.606f)),
              .irradiance = {3.55f, 3.30f, 2.98f},
              .angular_size = 0.11f,
              .falloff = 0.0022f};
  room.floor = {.color = {0.150f, 0.152f, 0.157f}};
  for (std::uint32_t y = 0; y < room.height_px; ++y) {
    for (std::uint32_t x = 0; x < room.width_px; ++x) {
      room.radiance.push_back(roomRadiance(
          directionAt((static_cast<float>(x) + 0.5f) / static_cast<float>(room.width_px),
                      (static_cast<float>(y) + 0.5f) / static_cast<float>(room.height_px))));
    }
  }
  return room;
}

}  // namespace understudy::scene
