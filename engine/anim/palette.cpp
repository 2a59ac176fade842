#include "engine/anim/palette.h"

#include <cassert>
#include <cstddef>

namespace understudy::anim {

void makePalette(std::span<const math::RigidTransform> world_from_joint,
                 std::span<const glm::mat4> joint_from_bind, std::span<glm::mat4> world_from_bind) {
  assert(world_from_joint.size() == joint_from_bind.size());
  assert(world_from_joint.size() == world_from_bind.size());
  for (std::size_t joint = 0; joint < world_from_joint.size(); ++joint) {
    world_from_bind[joint] = math::toMatrix(world_from_joint[joint]) * joint_from_bind[joint];
  }
}

}  // namespace understudy::anim
