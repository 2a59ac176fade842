#include "capture/source/true_hand.h"

#include <algorithm>
#include <cmath>

namespace understudy::source {
namespace {

using subject::kDigitJoints;
using subject::kDigits;
using subject::kHandJoints;

constexpr float kRadiansPerDegree = 0.01745329252f;
constexpr double kFullTurn = 6.283185307179586;

// A digit of somebody of 1.75 m: root along the hand, towards the thumb's side and towards its
// back, direction, lengths of the bones, thickness at both ends; millimetres.
struct TrueDigit {
  glm::vec3 root, direction;
  float lengths[kDigitJoints];
  float thick, thin;
};
constexpr TrueDigit kTrueDigits[kDigits] = {
    {{22, 22, -8}, {0.70f, 0.62f, -0.35f}, {44, 31, 26}, 10.5f, 8.5f},
    {{90, 27, 0}, {1.0f, 0.06f, 0.0f}, {43, 25, 23}, 9.0f, 7.0f},
    {{93, 5, 1}, {1.0f, 0.0f, 0.0f}, {47, 29, 25}, 9.0f, 7.0f},
    {{87, -15, 0}, {1.0f, -0.05f, 0.0f}, {43, 27, 24}, 8.5f, 6.5f},
    {{78, -33, -3}, {1.0f, -0.14f, 0.0f}, {34, 19, 21}, 7.5f, 6.0f},
};

// Shapes of the hand in degrees: flexion of the first and second joint of each digit (the thumb's
// second and third), then how far digits fan out, then the thumb's first joint: flexion, abduction.
struct HandForm {
  float bend[kDigits][2];
  float fan, thumb_flexion, thumb_abduction;
};
constexpr HandForm kForms[] = {
    {{{0, 0}, {0, 2}, {0, 2}, {0, 2}, {0, 2}}, 3, 0, 0},                  // Flat.
    {{{40, 50}, {80, 95}, {82, 98}, {82, 98}, {80, 92}}, 0, 22, -6},      // Fist.
    {{{10, 15}, {22, 28}, {26, 34}, {28, 36}, {28, 32}}, 2, 8, 2},        // At rest.
    {{{35, 35}, {2, 5}, {78, 92}, {80, 95}, {76, 88}}, 2, 20, -4},        // Points.
    {{{38, 30}, {3, 6}, {4, 8}, {78, 92}, {78, 88}}, 9, 22, -8},          // Two.
    {{{40, 20}, {2, 5}, {3, 6}, {5, 8}, {70, 80}}, 7, 26, -10},           // Three.
    {{{-5, -5}, {78, 90}, {82, 96}, {82, 96}, {78, 90}}, 0, -18, 10},     // Thumb up.
    {{{22, 34}, {42, 46}, {14, 18}, {12, 14}, {10, 12}}, 6, 24, -8},      // Pinch.
    {{{24, 38}, {50, 52}, {54, 56}, {48, 50}, {40, 44}}, 2, 26, -8},      // Purse.
    {{{8, 10}, {2, 88}, {4, 92}, {4, 92}, {4, 86}}, 1, 4, 2},             // Hook.
    {{{14, 30}, {-15, 62}, {-15, 64}, {-15, 62}, {-12, 58}}, 10, -4, 8},  // Claw.
    {{{-4, -8}, {-10, 3}, {-10, 3}, {-8, 3}, {-8, 3}}, 14, -14, 12},      // Spread.
    {{{12, 12}, {66, 8}, {68, 8}, {68, 8}, {64, 8}}, 0, 10, 0},           // On edge.
    {{{36, 40}, {4, 6}, {78, 92}, {80, 92}, {6, 8}}, 6, 22, -4},          // Horns.
    {{{-2, 0}, {76, 90}, {80, 94}, {78, 92}, {0, 4}}, 4, -14, 8},         // Telephone.
};
constexpr float kFan[kDigits] = {0.6f, 1.0f, 0.1f, -0.6f, -1.3f};

// From 0 to 1 without a jerk (Flash and Hogan, 1985).
float eased(double share) {
  const double s = std::clamp(share, 0.0, 1.0);
  return static_cast<float>(s * s * s * (10.0 - s * (15.0 - 6.0 * s)));
}

glm::vec3 bendOf(const HandForm& form, std::size_t digit, std::size_t joint) {
  if (digit > 0) {
    return {joint < 2 ? form.bend[digit][joint] : 0.0f, joint == 0 ? form.fan * kFan[digit] : 0.0f,
            0.0f};
  }
  if (joint > 0) return {form.bend[0][joint - 1], 0.0f, 0.0f};
  // The thumb turns as it comes over.
  return {form.thumb_flexion, form.thumb_abduction + form.fan * kFan[0], 0.2f * form.thumb_flexion};
}

}  // namespace

FingerMotion::FingerMotion(Random& random) {
  constexpr double kSeconds = 90.0;
  Key key{.begin = 0, .lasts = 0, .shape = random.below(std::size(kForms))};
  while (key.begin < kSeconds) {
    keys_.push_back(key);
    key.begin += key.lasts + random.uniform(0.05, 0.7);
    key.lasts = random.uniform(0.18, 0.6);
    key.shape = (key.shape + 1 + random.below(std::size(kForms) - 1)) % std::size(kForms);
  }
  length_ = keys_.back().begin;
  for (double& delay : delay_) delay = random.uniform(0.0, 0.08);
  for (float& share : tip_share_) share = static_cast<float>(random.uniform(0.5, 0.8));
  for (auto& tone : tone_) {
    tone = {random.uniform(0.3, 2.2) * kFullTurn, random.uniform(0.0, kFullTurn),
            random.uniform(2.0, 8.0)};
  }
}

std::array<glm::vec3, kHandJoints> FingerMotion::at(double seconds) const {
  std::array<glm::vec3, kHandJoints> angles{};
  for (std::size_t i = 0; i < kHandJoints; ++i) {
    const std::size_t digit = i / kDigitJoints, joint = i % kDigitJoints;
    const double now = std::fmod(std::abs(seconds), length_) - delay_[digit];
    const auto next =
        std::upper_bound(keys_.begin(), keys_.end(), now,
                         [](double time, const Key& key) { return time < key.begin; });
    const Key& key = next == keys_.begin() ? keys_.front() : *(next - 1);
    const Key& before = next - keys_.begin() < 2 ? keys_.front() : *(next - 2);
    const float share = key.lasts > 0 ? eased((now - key.begin) / key.lasts) : 1.0f;
    angles[i] = glm::mix(bendOf(kForms[before.shape], digit, joint),
                         bendOf(kForms[key.shape], digit, joint), share);
    const auto& tone = tone_[i];
    const float own = static_cast<float>(tone[2] * std::sin(tone[0] * seconds + tone[1]));
    angles[i].x += own;
    if (joint == 0)
      angles[i].y += 0.4f * static_cast<float>(tone[2] * std::sin(0.7 * tone[0] * seconds));
  }
  for (std::size_t digit = 1; digit < kDigits; ++digit) {
    const std::size_t tip = digit * kDigitJoints + 2;
    angles[tip].x = 0.6f * angles[tip].x + tip_share_[digit] * std::max(angles[tip - 1].x, 0.0f);
  }
  for (glm::vec3& angle : angles) angle *= kRadiansPerDegree;
  return angles;
}

TrueHand::TrueHand(subject::Side side, const BodySolid& palm, float height, Random& random,
                   subject::Subject& subject, std::vector<BodySolid>& solids)
    : side_(side), motion_(random) {
  constexpr float kGrown = 1.75f, kMetres = 0.001f;
  const auto vary = [&](double share) {
    return static_cast<float>(1.0 + share * std::clamp(random.normal(), -2.0, 2.0));
  };
  const glm::mat3 joint_from_hand(palm.axis, palm.front, palm.out);
  const float size = kMetres * height / kGrown * vary(0.03);
  for (std::size_t i = 0; i < kHandJoints; ++i) {
    const std::size_t digit = i / kDigitJoints, joint = i % kDigitJoints;
    const TrueDigit& shape = kTrueDigits[digit];
    const glm::vec3 direction = joint_from_hand * glm::normalize(shape.direction);
    const bool is_root = joint == 0;
    steps_[i] = is_root ? palm.near + size * (joint_from_hand * shape.root)
                        : size * shape.lengths[joint - 1] * vary(0.04) * direction;
    const glm::vec3 palmwards = digit == 0 ? glm::vec3(0.0f, -0.75f, -0.65f) : glm::vec3(0, 0, -1);
    const glm::vec3 flexion = glm::normalize(glm::cross(direction, joint_from_hand * palmwards));
    const glm::vec3 front = glm::cross(direction, flexion);
    glm::vec3 tilt(0.0f);
    for (int k = 0; k < 3; ++k)
      tilt[k] = 2.0f * kRadiansPerDegree * static_cast<float>(random.normal());
    axes_[i] = glm::normalize(
        glm::quat(1.0f, 0.5f * tilt.x, 0.5f * tilt.y, 0.5f * tilt.z) *
        glm::quat_cast(glm::mat3(flexion, direction, glm::cross(flexion, direction))));
    const anim::HumanoidJoint part = subject::fingerPart(side, digit, joint);
    const int above = is_root ? palm.joint : static_cast<int>(joints_[i - 1]);
    joints_[i] = static_cast<std::size_t>(subject::addFingerJoint(subject, part, above, steps_[i]));
    const float share = static_cast<float>(joint) / static_cast<float>(kDigitJoints);
    const auto width = [&](float at) { return size * glm::mix(shape.thick, shape.thin, at); };
    const float near = width(share), far = width(share + 1.0f / static_cast<float>(kDigitJoints));
    // Angle 0 is the back of the digit, 90 degrees its thumb's side.
    solids.push_back({.part = part,
                      .joint = static_cast<int>(joints_[i]),
                      .shape = SolidShape::capsule,
                      .near = glm::vec3(0.0f),
                      .axis = direction,
                      .front = front,
                      .out = flexion * (side == subject::Side::left ? -1.0f : 1.0f),
                      .length = size * shape.lengths[joint],
                      .front_near = near,
                      .front_far = far,
                      .out_near = near,
                      .out_far = far});
  }
  subject::setFingerModels(subject, side);
}

void TrueHand::pose(double seconds, std::span<math::RigidTransform> parent_from_joint) const {
  const std::array<glm::vec3, kHandJoints> angles = motion_.at(seconds);
  for (std::size_t i = 0; i < kHandJoints; ++i) {
    const float abduction = side_ == subject::Side::left ? angles[i].y : -angles[i].y;
    const glm::quat turn = glm::angleAxis(angles[i].x, glm::vec3(1, 0, 0)) *
                           glm::angleAxis(abduction, glm::vec3(0, 0, 1)) *
                           glm::angleAxis(angles[i].z, glm::vec3(0, 1, 0));
    parent_from_joint[joints_[i]] = {glm::normalize(axes_[i] * turn * glm::conjugate(axes_[i])),
                                     steps_[i]};
  }
}

BodySolid palmOf(const BodySolid& hand) {
  constexpr float kShare = 0.66f, kThickness = 0.8f;
  BodySolid palm = hand;
  palm.length *= kShare;
  palm.out_near *= kThickness;
  palm.out_far *= kThickness;
  return palm;
}

}  // namespace understudy::source
