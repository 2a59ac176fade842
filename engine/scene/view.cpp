#include "engine/scene/view.h"

#include <cmath>
#include <glm/gtc/matrix_transform.hpp>

namespace understudy::scene {

glm::mat4 viewFromWorld(const View& view) {
  const glm::vec3 forward = glm::normalize(view.target - view.eye);
  // Straight up or down: any other axis will do.
  const bool parallel = std::abs(glm::dot(forward, glm::normalize(view.up))) > 0.9999f;
  return glm::lookAtRH(view.eye, view.target, parallel ? glm::vec3(0.0f, 0.0f, -1.0f) : view.up);
}

glm::mat4 clipFromView(const View& view, float aspect, float near) {
  const float scale = 1.0f / std::tan(0.5f * view.vertical_fov);
  glm::mat4 clip(0.0f);
  clip[0][0] = scale / aspect;
  clip[1][1] = -scale;
  clip[2][3] = -1.0f;
  clip[3][2] = near;
  return clip;
}

}  // namespace understudy::scene
