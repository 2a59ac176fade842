#include "capture/subject/fingers.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "capture/subject/anatomy.h"
#include "capture/subject/rest_body.h"

namespace understudy::subject {
namespace {

using anim::HumanoidJoint;

// A digit of a stretched hand in shares of the hand's length: where it begins (along the hand,
// towards the thumb's side, towards its back), where it points, and the lengths of its first two
// bones. Lengths after Buryanov and Kotiuk, "Proportions of hand segments", International Journal
// of Morphology 28 (2010), rounded.
struct DigitShape {
  glm::dvec3 root, direction;
  double first, second;
};

constexpr DigitShape kShapes[kDigits] = {
    {{0.11, 0.12, -0.045}, {0.72, 0.62, -0.32}, 0.245, 0.167},
    {{0.470, 0.130, 0.0}, {1.0, 0.05, 0.0}, 0.211, 0.118},
    {{0.475, 0.020, 0.0}, {1.0, 0.0, 0.0}, 0.236, 0.139},
    {{0.450, -0.085, 0.0}, {1.0, -0.05, 0.0}, 0.219, 0.136},
    {{0.405, -0.180, 0.0}, {1.0, -0.12, 0.0}, 0.173, 0.096},
};

// Drillis and Contini (1966), as in Winter (2009), figure 4.1: 0.108 and 0.146 of the stature.
constexpr double kHandPerForearm = 0.108 / 0.146;

// Degrees of each joint of a digit.
struct DigitLimits {
  double flexion[kDigitJoints][2];
  double abduction[2];
};

constexpr DigitLimits kThumbLimits{{{-35, 40}, {-15, 65}, {-25, 90}}, {-35, 35}};
constexpr DigitLimits kFingerLimits{{{-40, 98}, {-10, 115}, {-15, 90}}, {-28, 28}};

// A hand's own directions in the world.
struct HandAxes {
  glm::dvec3 along, thumbwards, dorsal;
};

HumanoidJoint sided(Side side, HumanoidJoint left, HumanoidJoint right) {
  return side == Side::left ? left : right;
}

HumanoidJoint handPart(Side side) {
  return sided(side, HumanoidJoint::left_hand, HumanoidJoint::right_hand);
}

std::optional<HandAxes> makeAxes(Side side, const glm::dvec3& along, const glm::dvec3& hint) {
  const auto thumbwards = unitVector(hint - along * glm::dot(hint, along));
  if (!thumbwards) return std::nullopt;
  const glm::dvec3 back = glm::cross(*thumbwards, along);
  return HandAxes{along, *thumbwards, side == Side::left ? back : -back};
}

// The hand of somebody at rest: on from the forearm, the thumb to the front.
std::optional<HandAxes> axesOfForearm(const RestBody& body, const Subject& subject, Side side) {
  const int hand = subject.humanoid[handPart(side)];
  if (!body.sound || hand < 0) return std::nullopt;
  const auto along = boneDirection(body, subject, hand, -1);
  return along ? makeAxes(side, *along, body.front) : std::nullopt;
}

// By the knuckles.
std::optional<HandAxes> axesOfKnuckles(const RestBody& body, const Subject& subject, Side side,
                                       const HandJoints& joints) {
  const auto at = [&](int joint) {
    return glm::dvec3(body.world[static_cast<std::size_t>(joint)].translation);
  };
  glm::dvec3 middle(0.0);
  for (std::size_t digit = 1; digit < kDigits; ++digit)
    middle += 0.25 * at(joints[digit * kDigitJoints]);
  const auto along = unitVector(middle - at(subject.humanoid[handPart(side)]));
  if (!along) return std::nullopt;
  return makeAxes(side, *along, at(joints[kDigitJoints]) - at(joints[4 * kDigitJoints]));
}

AxisLimit limitOf(const double (&degrees)[2]) {
  return {.lower = static_cast<float>(degrees[0] * kRadiansPerDegree),
          .upper = static_cast<float>(degrees[1] * kRadiansPerDegree)};
}

}  // namespace

HumanoidJoint fingerPart(Side side, std::size_t digit, std::size_t joint) {
  const HumanoidJoint first =
      sided(side, HumanoidJoint::left_thumb_metacarpal, HumanoidJoint::right_thumb_metacarpal);
  return static_cast<HumanoidJoint>(static_cast<std::size_t>(first) + digit * kDigitJoints + joint);
}

bool isFinger(HumanoidJoint part) {
  return part >= HumanoidJoint::left_thumb_metacarpal && part < HumanoidJoint::count;
}

std::optional<std::size_t> handJointOf(Side side, HumanoidJoint part) {
  const int index = static_cast<int>(part) - static_cast<int>(fingerPart(side, 0, 0));
  if (index < 0 || index >= static_cast<int>(kHandJoints)) return std::nullopt;
  return static_cast<std::size_t>(index);
}

bool isFingerJoint(const Subject& subject, int joint) {
  const auto index = static_cast<std::size_t>(joint);
  if (index >= subject.joints.size()) return false;
  const JointMotion motion = subject.joints[index].motion;
  return motion == JointMotion::hinge || motion == JointMotion::saddle;
}

std::size_t bodyMarkerCount(const Subject& subject) {
  const auto first = std::find_if(
      subject.markers.begin(), subject.markers.end(),
      [&](const SubjectMarker& marker) { return isFingerJoint(subject, marker.joint); });
  return static_cast<std::size_t>(first - subject.markers.begin());
}

void sortFingerMarkers(Subject& subject) {
  std::stable_partition(
      subject.markers.begin(), subject.markers.end(),
      [&](const SubjectMarker& marker) { return !isFingerJoint(subject, marker.joint); });
}

Subject withoutFingers(const Subject& subject) {
  Subject body = subject;
  body.markers.resize(bodyMarkerCount(subject));
  for (JointModel& model : body.joints) {
    if (model.motion == JointMotion::hinge || model.motion == JointMotion::saddle)
      model.motion = JointMotion::fixed;
  }
  return body;
}

bool findHand(const Subject& subject, Side side, HandJoints& joints) {
  for (std::size_t i = 0; i < kHandJoints; ++i) {
    joints[i] = subject.humanoid[fingerPart(side, i / kDigitJoints, i % kDigitJoints)];
    if (joints[i] < 0) return false;
    const std::size_t joint = static_cast<std::size_t>(joints[i]);
    const int above = i % kDigitJoints == 0 ? subject.humanoid[handPart(side)] : joints[i - 1];
    const JointMotion motion = i % kDigitJoints == 0 ? JointMotion::saddle : JointMotion::hinge;
    if (above < 0 || subject.skeleton.parents[joint] != above ||
        subject.joints[joint].motion != motion)
      return false;
  }
  return true;
}

core::Result<void> checkFingers(const Subject& subject) {
  std::vector<bool> is_finger(subject.joints.size(), false);
  HandJoints joints{};
  for (const Side side : {Side::left, Side::right}) {
    if (!findHand(subject, side, joints)) continue;
    for (const int joint : joints) is_finger[static_cast<std::size_t>(joint)] = true;
    const auto on_hand = std::count_if(
        subject.markers.begin(), subject.markers.end(), [&](const SubjectMarker& marker) {
          return std::find(joints.begin(), joints.end(), marker.joint) != joints.end();
        });
    if (on_hand > static_cast<std::ptrdiff_t>(kMostHandMarkers)) {
      return core::makeError("the fingers of a hand have " + std::to_string(on_hand) +
                             " markers; at most " + std::to_string(kMostHandMarkers) +
                             " are possible");
    }
  }
  for (std::size_t joint = 0; joint < subject.joints.size(); ++joint) {
    if (!isFingerJoint(subject, static_cast<int>(joint)) || is_finger[joint]) continue;
    return core::makeError("joint '" + subject.skeleton.names[joint] +
                           "' is a hinge or saddle, but no finger of a whole hand: these are five "
                           "digits on the hand's joint, each a saddle and two hinges; make it a "
                           "ball or fixed");
  }
  for (std::size_t m = bodyMarkerCount(subject); m < subject.markers.size(); ++m) {
    if (isFingerJoint(subject, subject.markers[m].joint)) continue;
    return core::makeError("marker '" + subject.markers[m].name +
                           "' of the body stands behind markers of fingers; put it before them");
  }
  return {};
}

int addFingerJoint(Subject& subject, HumanoidJoint part, int parent, const glm::vec3& step) {
  anim::Skeleton& skeleton = subject.skeleton;
  int& plays = subject.humanoid.joint[static_cast<std::size_t>(part)];
  if (plays >= 0) subject.humanoid.unmapped.push_back(plays);
  plays = static_cast<int>(skeleton.size());
  std::string name(anim::humanoidName(part));
  while (std::find(skeleton.names.begin(), skeleton.names.end(), name) != skeleton.names.end())
    name += "_";
  skeleton.names.push_back(std::move(name));
  skeleton.parents.push_back(parent);
  skeleton.parent_from_joint.push_back({glm::quat(1.0f, 0.0f, 0.0f, 0.0f), step});
  subject.joints.emplace_back();
  return plays;
}

void growFingers(Subject& subject, Side side) {
  const RestBody body = measureRest(subject);
  const auto axes = axesOfForearm(body, subject, side);
  if (!axes) return;
  const int hand = subject.humanoid[handPart(side)];
  const int elbow = subject.skeleton.parents[static_cast<std::size_t>(hand)];
  const math::RigidTransform& world_from_hand = body.world[static_cast<std::size_t>(hand)];
  const double length =
      kHandPerForearm *
      static_cast<double>(glm::distance(world_from_hand.translation,
                                        body.world[static_cast<std::size_t>(elbow)].translation));
  const glm::dmat3 world_from_axes(axes->along, axes->thumbwards, axes->dorsal);
  const glm::dmat3 hand_from_axes =
      glm::mat3_cast(glm::conjugate(glm::dquat(world_from_hand.rotation))) * world_from_axes;
  for (std::size_t digit = 0; digit < kDigits; ++digit) {
    const DigitShape& shape = kShapes[digit];
    const glm::dvec3 direction = hand_from_axes * *unitVector(shape.direction);
    const glm::dvec3 steps[kDigitJoints] = {length * (hand_from_axes * shape.root),
                                            length * shape.first * direction,
                                            length * shape.second * direction};
    int above = hand;
    for (std::size_t joint = 0; joint < kDigitJoints; ++joint) {
      above =
          addFingerJoint(subject, fingerPart(side, digit, joint), above, glm::vec3(steps[joint]));
    }
  }
  setFingerModels(subject, side);
}

void setFingerModels(Subject& subject, Side side) {
  HandJoints joints{};
  for (std::size_t i = 0; i < kHandJoints; ++i) {
    joints[i] = subject.humanoid[fingerPart(side, i / kDigitJoints, i % kDigitJoints)];
    if (joints[i] < 0) return;
  }
  const RestBody body = measureRest(subject);
  const auto axes = axesOfKnuckles(body, subject, side, joints);
  if (!axes) return;
  for (std::size_t i = 0; i < kHandJoints; ++i) {
    const std::size_t joint = i % kDigitJoints;
    const bool thumb = i < kDigitJoints, last = joint + 1 == kDigitJoints;
    const auto along = boneDirection(body, subject, joints[i], last ? -1 : joints[i + 1]);
    const glm::dvec3 towards = thumb ? -0.8 * axes->thumbwards - 0.6 * axes->dorsal : -axes->dorsal;
    const auto axis = along ? unitVector(glm::cross(*along, towards)) : std::nullopt;
    if (!axis) return;
    JointModel& model = subject.joints[static_cast<std::size_t>(joints[i])];
    const DigitLimits& limits = thumb ? kThumbLimits : kFingerLimits;
    model = {.motion = joint == 0 ? JointMotion::saddle : JointMotion::hinge,
             .flexion = limitOf(limits.flexion[joint])};
    if (joint == 0) model.abduction = limitOf(limits.abduction);
    const glm::dmat3 turn(*axis, *along, glm::cross(*axis, *along));
    const math::RigidTransform& world = body.world[static_cast<std::size_t>(joints[i])];
    model.joint_from_anatomical = glm::quat(
        glm::normalize(glm::conjugate(glm::dquat(world.rotation)) * glm::quat_cast(turn)));
  }
}

}  // namespace understudy::subject
