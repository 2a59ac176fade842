#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "engine/math/rigid_transform.h"

namespace understudy::anim {

inline constexpr int kNoParent = -1;

/// A hierarchy of joints, parents first. All vectors have one entry per joint.
struct Skeleton {
  std::vector<std::string> names;
  std::vector<int>
      parents;  ///< Index of the parent, smaller than the joint's own; kNoParent for roots.
  std::vector<math::RigidTransform> parent_from_joint;  ///< The rest pose.

  std::size_t size() const { return parents.size(); }
};

/// Index of the joint of this name, or -1.
int findJoint(const Skeleton& skeleton, const std::string& name);

/// Recorded motion of one skeleton at a constant rate.
struct Clip {
  Skeleton skeleton;
  double rate_hz = 0.0;
  std::size_t frames = 0;
  std::vector<math::RigidTransform> parent_from_joint;  ///< frames x joints, frame after frame.
  std::vector<std::string> warnings;  ///< What the reader repaired or guessed, one line each.
};

}  // namespace understudy::anim
