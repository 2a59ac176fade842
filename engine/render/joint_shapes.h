#pragma once

#include <cstddef>
#include <glm/glm.hpp>
#include <span>
#include <vector>

#include "engine/scene/character.h"
#include "shaders/shared/character.h"

namespace understudy::render {

/// The flesh that one joint moves, in the bind pose, metres.
struct JointShape {
  glm::vec3 centre{0.0f};          ///< Of a ball around every vertex the joint has a share in.
  float reach = -1.0f;             ///< The ball's radius; negative where the joint moves nothing.
  glm::vec3 from{0.0f}, to{0.0f};  ///< Axis of a round stick like the vertices it owns.
  float radius = 0.0f;             ///< The stick's radius; 0 where it owns too few.
};

/// Measures the shapes of all joints.
std::vector<JointShape> jointShapes(std::span<const shaders::BindVertex> vertices,
                                    std::size_t joint_count);

}  // namespace understudy::render
