#include "engine/render/reflectance.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>

#include "engine/render/low_discrepancy.h"

namespace understudy::render {

glm::vec2 reflectance(float n_v, float roughness) {
  constexpr std::uint32_t kSamples = 256;
  n_v = std::max(n_v, 1e-3f);
  const float alpha = std::max(roughness * roughness, 1e-3f);
  const glm::vec3 to_eye(std::sqrt(1.0f - n_v * n_v), 0.0f, n_v);
  const auto shadowed = [&](float cosine) {
    return std::sqrt(cosine * cosine * (1.0f - alpha * alpha) + alpha * alpha);
  };
  glm::vec2 sum(0.0f);
  for (std::uint32_t i = 0; i < kSamples; ++i) {
    const float u = (static_cast<float>(i) + 0.5f) / static_cast<float>(kSamples);
    const float angle = 2.0f * std::numbers::pi_v<float> * radicalInverse(i);
    const float cosine = std::sqrt((1.0f - u) / (1.0f + (alpha * alpha - 1.0f) * u));
    const float sine = std::sqrt(std::max(0.0f, 1.0f - cosine * cosine));
    const glm::vec3 half_way(sine * std::cos(angle), sine * std::sin(angle), cosine);
    const float v_h = glm::dot(to_eye, half_way);
    const float n_l = 2.0f * v_h * cosine - n_v;
    if (n_l <= 0.0f || v_h <= 0.0f) continue;
    const float visibility = 0.5f / (n_l * shadowed(n_v) + n_v * shadowed(n_l));
    const float weight = 4.0f * visibility * n_l * v_h / std::max(cosine, 1e-4f);
    const float fresnel = std::pow(1.0f - v_h, 5.0f);
    sum += weight * glm::vec2(1.0f - fresnel, fresnel);
  }
  return glm::clamp(sum / static_cast<float>(kSamples), 0.0f, 1.0f);
}

std::vector<std::uint16_t> reflectanceMap(std::uint32_t side) {
  std::vector<std::uint16_t> texels;
  texels.reserve(std::size_t{2} * side * side);
  for (std::uint32_t y = 0; y < side; ++y) {
    for (std::uint32_t x = 0; x < side; ++x) {
      const float scale = 1.0f / static_cast<float>(side);
      const glm::vec2 value = reflectance((static_cast<float>(x) + 0.5f) * scale,
                                          (static_cast<float>(y) + 0.5f) * scale);
      texels.push_back(static_cast<std::uint16_t>(std::lround(value.x * 65535.0f)));
      texels.push_back(static_cast<std::uint16_t>(std::lround(value.y * 65535.0f)));
    }
  }
  return texels;
}

}  // namespace understudy::render
