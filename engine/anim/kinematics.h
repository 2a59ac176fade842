#pragma once

#include <span>

#include "engine/anim/skeleton.h"

namespace understudy::anim {

/// Forward kinematics: fills `world_from_joint` from local joints. All spans have skeleton.size()
/// entries.
void worldFromJoints(const Skeleton& skeleton,
                     std::span<const math::RigidTransform> parent_from_joint,
                     std::span<math::RigidTransform> world_from_joint);

/// Where a joint is after that time at those velocities: turned about `angular_velocity` (the
/// parent's frame, rad/s), moved by `velocity` (m/s).
math::RigidTransform movedOn(const math::RigidTransform& parent_from_joint,
                             const glm::vec3& angular_velocity, const glm::vec3& velocity,
                             float seconds);

/// The pose of a clip at a time in seconds from its first frame: neighbouring frames are blended
/// (slerp); times outside the clip give its first or last frame. `parent_from_joint` has
/// skeleton.size() entries.
void sampleClip(const Clip& clip, double seconds,
                std::span<math::RigidTransform> parent_from_joint);

}  // namespace understudy::anim
