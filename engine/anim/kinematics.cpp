#include "engine/anim/kinematics.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace understudy::anim {

int findJoint(const Skeleton& skeleton, const std::string& name) {
  const auto found = std::find(skeleton.names.begin(), skeleton.names.end(), name);
  return found == skeleton.names.end() ? -1 : static_cast<int>(found - skeleton.names.begin());
}

void worldFromJoints(const Skeleton& skeleton,
                     std::span<const math::RigidTransform> parent_from_joint,
                     std::span<math::RigidTransform> world_from_joint) {
  assert(parent_from_joint.size() == skeleton.size() && world_from_joint.size() == skeleton.size());
  for (std::size_t joint = 0; joint < skeleton.size(); ++joint) {
    const int parent = skeleton.parents[joint];
    world_from_joint[joint] =
        parent == kNoParent
            ? parent_from_joint[joint]
            : world_from_joint[static_cast<std::size_t>(parent)] * parent_from_joint[joint];
  }
}

math::RigidTransform movedOn(const math::RigidTransform& parent_from_joint,
                             const glm::vec3& angular_velocity, const glm::vec3& velocity,
                             float seconds) {
  math::RigidTransform moved = parent_from_joint;
  moved.translation += velocity * seconds;
  const glm::vec3 turn = angular_velocity * seconds;
  const float angle = glm::length(turn);
  if (angle >= 1e-9f)
    moved.rotation = glm::normalize(glm::angleAxis(angle, turn / angle) * moved.rotation);
  return moved;
}

void sampleClip(const Clip& clip, double seconds,
                std::span<math::RigidTransform> parent_from_joint) {
  const std::size_t joints = clip.skeleton.size();
  assert(parent_from_joint.size() == joints && clip.frames > 0);
  const double last = static_cast<double>(clip.frames - 1);
  const double position = std::clamp(seconds * clip.rate_hz, 0.0, last);
  const std::size_t frame = static_cast<std::size_t>(position);
  const std::size_t next = std::min(frame + 1, clip.frames - 1);
  const float blend = static_cast<float>(position - static_cast<double>(frame));
  const math::RigidTransform* a = &clip.parent_from_joint[frame * joints];
  const math::RigidTransform* b = &clip.parent_from_joint[next * joints];
  for (std::size_t joint = 0; joint < joints; ++joint) {
    parent_from_joint[joint] = {glm::slerp(a[joint].rotation, b[joint].rotation, blend),
                                glm::mix(a[joint].translation, b[joint].translation, blend)};
  }
}

}  // namespace understudy::anim
