#include "engine/scene/light.h"

#include <algorithm>
#include <cmath>

namespace understudy::scene {

float lightShare(const Light& light, const glm::vec3& point) {
  const glm::vec3 away = point - light.position;
  const float square = glm::dot(away, away);
  const float ratio = square / (light.reach * light.reach);
  const float window = std::clamp(1.0f - ratio * ratio, 0.0f, 1.0f);
  const float near = std::max(square, 1e-4f);
  float share = window * window / near;
  if (light.cone_outer < 6.28318f) {
    const float inner = std::cos(0.5f * light.cone_inner),
                outer = std::cos(0.5f * light.cone_outer);
    const float cosine = glm::dot(away, light.direction) / std::sqrt(near);
    const float lit = std::clamp((cosine - outer) / std::max(inner - outer, 1e-4f), 0.0f, 1.0f);
    share *= lit * lit;
  }
  return share;
}

}  // namespace understudy::scene
