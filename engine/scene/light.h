#pragma once

#include <glm/glm.hpp>

namespace understudy::scene {

/// A lamp on the stage, without shadow: a point, or a spot where its cone is narrower than a whole
/// turn.
struct Light {
  glm::vec3 position{0.0f, 3.0f, 0.0f};    ///< World, metres.
  glm::vec3 intensity{0.0f};               ///< Irradiance one metre away, linear.
  float reach = 10.0f;                     ///< Metres; nothing of it is left there.
  glm::vec3 direction{0.0f, -1.0f, 0.0f};  ///< Unit vector along a spot's axis.
  float cone_inner = 6.2831853f;           ///< Whole angle in which a spot is bright, radians.
  float cone_outer =
      6.2831853f;  ///< Whole angle outside of which it is dark; a whole turn = point.
};

/// The share of a light's intensity that reaches a point, 1 / m^2, its cone and reach counted.
float lightShare(const Light& light, const glm::vec3& point);

}  // namespace understudy::scene
