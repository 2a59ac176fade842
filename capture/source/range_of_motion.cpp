#include "capture/source/range_of_motion.h"

#include <array>
#include <cmath>

#include "capture/source/random.h"

namespace understudy::source {
namespace {

using anim::HumanoidJoint;

constexpr double kRate = 60.0;
constexpr float kRadiansPerDegree = 0.01745329252f;
constexpr double kFullTurn = 6.283185307179586;

// From where to where a part turns, degrees: flexion, twist and abduction (of the left side).
struct PartMotion {
  HumanoidJoint part;
  std::array<std::array<float, 2>, 3> degrees;
};
constexpr PartMotion kMotions[] = {
    {HumanoidJoint::spine, {{{-10, 40}, {-20, 20}, {-18, 18}}}},
    {HumanoidJoint::chest, {{{-15, 30}, {-20, 20}, {-18, 18}}}},
    {HumanoidJoint::upper_chest, {{{-12, 20}, {-15, 15}, {-15, 15}}}},
    {HumanoidJoint::neck, {{{-25, 35}, {-40, 40}, {-25, 25}}}},
    {HumanoidJoint::head, {{{-25, 25}, {-35, 35}, {-20, 20}}}},
    {HumanoidJoint::left_shoulder, {{{-8, 35}, {-10, 10}, {-25, 25}}}},
    {HumanoidJoint::left_upper_arm, {{{-50, 85}, {-55, 55}, {-80, 50}}}},
    {HumanoidJoint::left_lower_arm, {{{3, 135}, {-60, 60}, {-2, 2}}}},
    {HumanoidJoint::left_hand, {{{-60, 60}, {-10, 10}, {-25, 25}}}},
    {HumanoidJoint::left_upper_leg, {{{-20, 95}, {-35, 35}, {-12, 45}}}},
    {HumanoidJoint::left_lower_leg, {{{3, 125}, {-15, 15}, {-2, 2}}}},
    {HumanoidJoint::left_foot, {{{-40, 18}, {-25, 20}, {-18, 18}}}},
    {HumanoidJoint::left_toes, {{{-25, 55}, {-3, 3}, {-4, 4}}}},
};

HumanoidJoint mirrored(HumanoidJoint left) {
  const int index = static_cast<int>(left);
  if (left >= HumanoidJoint::left_upper_leg) {
    return static_cast<HumanoidJoint>(index + static_cast<int>(HumanoidJoint::right_upper_leg) -
                                      static_cast<int>(HumanoidJoint::left_upper_leg));
  }
  return static_cast<HumanoidJoint>(index + static_cast<int>(HumanoidJoint::right_shoulder) -
                                    static_cast<int>(HumanoidJoint::left_shoulder));
}

// One angle over time: to and fro between its ends, two tones deep.
struct Swing {
  float middle = 0, reach = 0;
  double speed = 0, phase = 0, slow_speed = 0, slow_phase = 0;

  Swing() = default;
  Swing(const std::array<float, 2>& degrees, bool mirror, Random& random) {
    middle = 0.5f * (degrees[0] + degrees[1]) * kRadiansPerDegree * (mirror ? -1.0f : 1.0f);
    reach = 0.5f * (degrees[1] - degrees[0]) * kRadiansPerDegree;
    speed = random.uniform(0.25, 0.6) * kFullTurn;
    phase = random.uniform(0.0, kFullTurn);
    slow_speed = random.uniform(0.07, 0.15) * kFullTurn;
    slow_phase = random.uniform(0.0, kFullTurn);
  }
  float at(double seconds) const {
    const double wave =
        0.7 * std::sin(speed * seconds + phase) + 0.3 * std::sin(slow_speed * seconds + slow_phase);
    return middle + reach * static_cast<float>(wave);
  }
};

struct MovedJoint {
  std::size_t joint = 0;
  glm::quat rest{1.0f, 0.0f, 0.0f, 0.0f}, axes{1.0f, 0.0f, 0.0f, 0.0f};
  Swing flexion, twist, abduction;

  glm::quat at(double seconds) const {
    const glm::quat twisted = glm::angleAxis(twist.at(seconds), glm::vec3(0, 1, 0));
    const glm::vec3 swing(flexion.at(seconds), 0.0f, abduction.at(seconds));
    const float angle = glm::length(swing);
    const glm::quat swung =
        angle > 1e-6f ? glm::angleAxis(angle, swing / angle) : glm::quat(1.0f, 0.0f, 0.0f, 0.0f);
    return glm::normalize(rest * axes * swung * twisted * glm::conjugate(axes));
  }
};

}  // namespace

anim::Clip makeRangeOfMotion(const subject::Subject& body, double seconds, std::uint64_t seed) {
  Random random(seed, 7000);
  std::vector<MovedJoint> moved;
  const auto add = [&](HumanoidJoint part, const PartMotion& motion, bool mirror) {
    const int joint = body.humanoid[part];
    // Drawn for absent parts, too: the others' motion stays the same.
    MovedJoint mover{.flexion = Swing(motion.degrees[0], false, random),
                     .twist = Swing(motion.degrees[1], mirror, random),
                     .abduction = Swing(motion.degrees[2], mirror, random)};
    if (joint < 0) return;
    mover.joint = static_cast<std::size_t>(joint);
    if (body.joints[mover.joint].motion == subject::JointMotion::fixed) return;
    mover.rest = body.skeleton.parent_from_joint[mover.joint].rotation;
    mover.axes = body.joints[mover.joint].joint_from_anatomical;
    moved.push_back(mover);
  };
  for (const PartMotion& motion : kMotions) {
    add(motion.part, motion, false);
    if (motion.part >= HumanoidJoint::left_shoulder) add(mirrored(motion.part), motion, true);
  }
  const Swing turn({-60, 60}, false, random), lean({-8, 12}, false, random);

  const std::size_t joints = body.skeleton.size();
  anim::Clip clip{.skeleton = body.skeleton, .rate_hz = kRate};
  clip.frames = static_cast<std::size_t>(seconds * kRate) + 1;
  clip.parent_from_joint.reserve(clip.frames * joints);
  for (std::size_t f = 0; f < clip.frames; ++f) {
    const double now = static_cast<double>(f) / kRate;
    const auto first = static_cast<std::ptrdiff_t>(clip.parent_from_joint.size());
    clip.parent_from_joint.insert(clip.parent_from_joint.end(),
                                  body.skeleton.parent_from_joint.begin(),
                                  body.skeleton.parent_from_joint.end());
    const auto local = clip.parent_from_joint.begin() + first;
    for (const MovedJoint& mover : moved) {
      local[static_cast<std::ptrdiff_t>(mover.joint)].rotation = mover.at(now);
    }
    local->rotation =
        glm::normalize(glm::angleAxis(turn.at(now), glm::vec3(0, 1, 0)) *
                       glm::angleAxis(lean.at(now), glm::vec3(1, 0, 0)) * local->rotation);
  }
  return clip;
}

}  // namespace understudy::source
