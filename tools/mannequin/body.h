#pragma once

#include <array>

#include "engine/anim/humanoid.h"
#include "tools/mannequin/implicit.h"

namespace understudy::mannequin {

/// One joint of the mannequin's skeleton: where it sits in the T-pose. Its axes are the world's.
struct JointRest {
  anim::HumanoidJoint joint;
  anim::HumanoidJoint parent;  ///< HumanoidJoint::count for the hips.
  Vec3 position;
};

/// All joints of the humanoid, in the order of the enumeration.
std::array<JointRest, anim::kHumanoidJointCount> bodyJoints();

/// The shapes that make up the body, metres, T-pose, facing +z, left half (x > 0) and middle.
std::vector<Part> bodyParts();

/// The five fingers of the left hand alone, thumb first: which finger a point belongs to.
std::vector<Shape> fingerShapes();

}  // namespace understudy::mannequin
