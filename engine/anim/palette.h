#pragma once

#include <glm/glm.hpp>
#include <span>

#include "engine/math/rigid_transform.h"

namespace understudy::anim {

/// Fills the matrices that skinning multiplies bind-pose vertices with: world_from_bind[i] =
/// world_from_joint[i] * joint_from_bind[i]. All spans have one entry per joint.
void makePalette(std::span<const math::RigidTransform> world_from_joint,
                 std::span<const glm::mat4> joint_from_bind, std::span<glm::mat4> world_from_bind);

}  // namespace understudy::anim
