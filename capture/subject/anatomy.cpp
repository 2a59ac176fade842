#include "capture/subject/anatomy.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "capture/subject/rest_body.h"
#include "engine/math/elementary.h"
#include "engine/math/exponential.h"

namespace understudy::subject {
namespace {

using anim::HumanoidJoint;

enum class Towards : std::uint8_t { front, back, up };

// Degrees about the anatomical axes; of limbs, the left one's, outwards and inwards turns positive
// for what AAOS names first.
struct PartRange {
  HumanoidJoint part;
  HumanoidJoint tip;  // The bone points there; count: along its parent's bone.
  Towards bends;
  double flexion, extension, abduction, adduction, twist_in, twist_out;
};

// Trunk and neck: the whole column's range each, since one joint may carry all of it. A hinge whose
// axis lies 17 degrees off the body's bends by a third of its flexion to the side: knees have room
// for that; elbows, whose axis follows the upper arm's turn, have all of it. Feet have room for
// what skeletons call level.
constexpr PartRange kRanges[] = {
    {HumanoidJoint::spine, HumanoidJoint::neck, Towards::front, 80, 30, 35, 35, 45, 45},
    {HumanoidJoint::chest, HumanoidJoint::neck, Towards::front, 80, 30, 35, 35, 45, 45},
    {HumanoidJoint::upper_chest, HumanoidJoint::neck, Towards::front, 80, 30, 35, 35, 45, 45},
    {HumanoidJoint::neck, HumanoidJoint::head, Towards::front, 60, 60, 45, 45, 80, 80},
    {HumanoidJoint::head, HumanoidJoint::count, Towards::front, 60, 60, 45, 45, 80, 80},
    {HumanoidJoint::left_shoulder, HumanoidJoint::left_upper_arm, Towards::up, 40, 15, 35, 35, 25,
     25},
    {HumanoidJoint::left_upper_arm, HumanoidJoint::left_lower_arm, Towards::front, 180, 180, 180,
     180, 180, 180},
    {HumanoidJoint::left_lower_arm, HumanoidJoint::left_hand, Towards::front, 150, 30, 140, 140, 85,
     85},
    {HumanoidJoint::left_hand, HumanoidJoint::count, Towards::front, 80, 80, 80, 80, 140, 140},
    {HumanoidJoint::left_upper_leg, HumanoidJoint::left_lower_leg, Towards::front, 120, 30, 55, 35,
     60, 60},
    {HumanoidJoint::left_lower_leg, HumanoidJoint::left_foot, Towards::back, 140, 10, 35, 35, 30,
     30},
    {HumanoidJoint::left_foot, HumanoidJoint::left_toes, Towards::up, 65, 65, 50, 50, 45, 45},
    {HumanoidJoint::left_toes, HumanoidJoint::count, Towards::up, 70, 45, 20, 20, 20, 20},
};

constexpr double kShare = 1.2, kMarginDegrees = 9.0;

HumanoidJoint mirrored(HumanoidJoint part) {
  constexpr int kArm = static_cast<int>(HumanoidJoint::right_shoulder) -
                       static_cast<int>(HumanoidJoint::left_shoulder);
  constexpr int kLeg = static_cast<int>(HumanoidJoint::right_upper_leg) -
                       static_cast<int>(HumanoidJoint::left_upper_leg);
  const int index = static_cast<int>(part);
  if (part >= HumanoidJoint::left_shoulder && part <= HumanoidJoint::left_hand) {
    return static_cast<HumanoidJoint>(index + kArm);
  }
  if (part >= HumanoidJoint::left_upper_leg && part <= HumanoidJoint::left_toes) {
    return static_cast<HumanoidJoint>(index + kLeg);
  }
  return part;
}

AxisLimit limitOf(double upper_degrees, double lower_degrees, double shift) {
  const auto widened = [](double degrees) {
    return (kShare * degrees + kMarginDegrees) * kRadiansPerDegree;
  };
  constexpr double kNone = 3.14159265;
  return {.lower = static_cast<float>(std::max(-widened(lower_degrees) - shift, -kNone)),
          .upper = static_cast<float>(std::min(widened(upper_degrees) - shift, kNone))};
}

void setAxes(const RestBody& body, const Subject& subject, HumanoidJoint part, JointModel& model) {
  for (const PartRange& range : kRanges) {
    const bool right = part != range.part;
    if (right && part != mirrored(range.part)) continue;
    const int joint = subject.humanoid[part];
    const HumanoidJoint tip = right ? mirrored(range.tip) : range.tip;
    const auto along = boneDirection(body, subject, joint,
                                     tip < HumanoidJoint::count ? subject.humanoid[tip] : -1);
    if (!along) return;
    const glm::dvec3 towards = range.bends == Towards::front  ? body.front
                               : range.bends == Towards::back ? -body.front
                                                              : body.up;
    const auto axis = unitVector(glm::cross(*along, towards));
    if (!axis) return;
    const glm::dmat3 axes(*axis, *along, glm::cross(*axis, *along));
    model.joint_from_anatomical = glm::quat(glm::normalize(
        glm::conjugate(glm::dquat(body.world[static_cast<std::size_t>(joint)].rotation)) *
        glm::quat_cast(axes)));
    // Hinges count from the straight limb, however the rest pose bends it.
    double bent = 0.0;
    if (range.part == HumanoidJoint::left_lower_arm ||
        range.part == HumanoidJoint::left_lower_leg) {
      if (const auto above = boneDirection(body, subject, joint, -1)) {
        bent = math::arcTangent2(glm::dot(glm::cross(*above, *along), *axis),
                                 glm::dot(*above, *along));
      }
    }
    model.flexion = limitOf(range.flexion, range.extension, bent);
    model.abduction = right ? limitOf(range.adduction, range.abduction, 0.0)
                            : limitOf(range.abduction, range.adduction, 0.0);
    model.twist = right ? limitOf(range.twist_out, range.twist_in, 0.0)
                        : limitOf(range.twist_in, range.twist_out, 0.0);
    return;
  }
}

}  // namespace

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

glm::dvec3 anatomicalAngles(const JointModel& model, const glm::dquat& rest_from_joint) {
  const glm::dquat axes(model.joint_from_anatomical);
  glm::dquat turn = glm::conjugate(axes) * rest_from_joint * axes;
  if (turn.w < 0.0) turn = -turn;
  const double length = std::sqrt(turn.w * turn.w + turn.y * turn.y);
  // Half a turn of swing leaves the twist open.
  const glm::dquat twist = length > 1e-9 ? glm::dquat(turn.w / length, 0.0, turn.y / length, 0.0)
                                         : glm::dquat(1.0, 0.0, 0.0, 0.0);
  const glm::dvec3 swing = math::vectorFromRotation(turn * glm::conjugate(twist));
  return {swing.x, 2.0 * math::arcTangent2(twist.y, twist.w), swing.z};
}

void setAnatomicalAxes(Subject& subject) {
  const RestBody body = measureRest(subject);
  if (!body.sound) return;
  for (int i = 0; i < anim::kHumanoidJointCount; ++i) {
    const auto part = static_cast<HumanoidJoint>(i);
    const int joint = subject.humanoid[part];
    if (joint >= 0) setAxes(body, subject, part, subject.joints[static_cast<std::size_t>(joint)]);
  }
}

void setAnatomicalLimits(Subject& subject) {
  for (int part = 0; part < anim::kHumanoidJointCount; ++part) {
    const int joint = subject.humanoid.joint[static_cast<std::size_t>(part)];
    if (joint < 0) continue;
    subject.joints[static_cast<std::size_t>(joint)].limit =
        anatomicalLimit(static_cast<HumanoidJoint>(part));
  }
  setAnatomicalAxes(subject);
}

}  // namespace understudy::subject
