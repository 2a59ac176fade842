#include "capture/subject/anatomy.h"

namespace understudy::subject {

float anatomicalLimit(anim::HumanoidJoint part) {
  using anim::HumanoidJoint;
  constexpr float kNone = 3.14159265f;
  switch (part) {
    case HumanoidJoint::spine:
    case HumanoidJoint::chest:
    case HumanoidJoint::upper_chest:
      return 1.7f;  // One of them may carry the whole trunk.
    case HumanoidJoint::neck:
    case HumanoidJoint::head:
      return 1.25f;
    case HumanoidJoint::left_shoulder:
    case HumanoidJoint::right_shoulder:
      return 1.2f;
    case HumanoidJoint::left_hand:
    case HumanoidJoint::right_hand:
      return 2.2f;  // With the forearm's turn, where that has no joint of its own.
    case HumanoidJoint::left_foot:
    case HumanoidJoint::right_foot:
      return 1.8f;
    case HumanoidJoint::left_toes:
    case HumanoidJoint::right_toes:
      return 1.5f;
    default:
      return kNone;
  }
}

void setAnatomicalLimits(Subject& subject) {
  for (int part = 0; part < anim::kHumanoidJointCount; ++part) {
    const int joint = subject.humanoid.joint[static_cast<std::size_t>(part)];
    if (joint < 0) continue;
    subject.joints[static_cast<std::size_t>(joint)].limit =
        anatomicalLimit(static_cast<anim::HumanoidJoint>(part));
  }
}

}  // namespace understudy::subject
