#include "tests/support/light_fit.h"

#include <algorithm>
#include <cmath>

namespace understudy::test {

ShadowFit fitShadow(std::span<const CasterBall> casters, const glm::vec3& to_key,
                    std::uint32_t map_size_px) {
  ShadowFit fit;
  if (casters.empty()) return fit;
  const glm::vec3 right = glm::normalize(glm::cross(glm::vec3(0.0f, 0.0f, -1.0f), to_key));
  const glm::vec3 up = glm::cross(to_key, right);
  const auto inLight = [&](const glm::vec3& p) {
    return glm::vec3(glm::dot(p, right), glm::dot(p, up), -glm::dot(p, to_key));
  };
  glm::vec3 low(1e30f), high(-1e30f);
  for (const CasterBall& ball : casters) {
    const glm::vec3 centre = inLight(ball.centre);
    low = glm::min(low, centre - ball.radius);
    high = glm::max(high, centre + ball.radius);
  }
  constexpr float kStep = 0.25f, kMargin = 0.15f;
  const float size = std::max(high.x - low.x, high.y - low.y) + 2.0f * kMargin;
  fit.metres = std::ceil(size / kStep) * kStep;
  const float texel = fit.metres / static_cast<float>(map_size_px);
  const glm::vec2 middle = glm::floor(glm::vec2(low + high) * 0.5f / texel) * texel;

  float far = high.z;
  for (const float x : {-0.5f, 0.5f}) {
    for (const float y : {-0.5f, 0.5f}) {
      const glm::vec2 corner = middle + glm::vec2(x, y) * fit.metres;
      // The floor where right * x + up * y - to_key * depth has height 0.
      const float depth = (right.y * corner.x + up.y * corner.y) / std::max(to_key.y, 0.05f);
      far = std::max(far, depth);
    }
  }
  const float near = low.z - kMargin;
  fit.range = far + kMargin - near;
  for (int axis = 0; axis < 3; ++axis) {
    fit.shadow_from_world[axis][0] = right[axis] / fit.metres;
    fit.shadow_from_world[axis][1] = up[axis] / fit.metres;
    fit.shadow_from_world[axis][2] = -to_key[axis] / fit.range;
  }
  fit.shadow_from_world[3] = glm::vec4(0.5f - middle.x / fit.metres, 0.5f - middle.y / fit.metres,
                                       -near / fit.range, 1.0f);
  return fit;
}

}  // namespace understudy::test
