#pragma once

#include <span>

#include "engine/anim/skeleton.h"

namespace understudy::anim {

/// Forward kinematics: fills `world_from_joint` from local joints. All spans have skeleton.size()
/// entries.
void worldFromJoints(const Skeleton& skeleton,
                     std::span<const math::RigidTransform> parent_from_joint,
                     std::span<math::RigidTransform> world_from_joint);

/// The pose of a clip at a time in seconds from its first frame: neighbouring frames are blended
/// (slerp); times outside the clip give its first or last frame. `parent_from_joint` has
/// skeleton.size() entries.
void sampleClip(const Clip& clip, double seconds,
                std::span<math::RigidTransform> parent_from_joint);

}  // namespace understudy::anim
