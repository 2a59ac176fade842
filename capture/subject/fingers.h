#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <vector>

#include "capture/subject/subject.h"
#include "engine/core/result.h"

// Fingers are an extra: a subject has them where markers sit on them. A hand then has fifteen
// joints more, five digits (thumb, index, middle, ring, little finger) of three: the thumb's
// carpometacarpal, metacarpophalangeal and interphalangeal joints, the fingers'
// metacarpophalangeal, proximal and distal interphalangeal joints. The first one of a digit is a
// saddle, the others are hinges. Twenty freedoms a hand.

namespace understudy::subject {

inline constexpr std::size_t kDigits = 5, kDigitJoints = 3;
inline constexpr std::size_t kHandJoints = kDigits * kDigitJoints;

/// Markers that the fingers of one hand can have.
inline constexpr std::size_t kMostHandMarkers = 32;

/// Of a digit: flexion and abduction of its first joint, flexion of the second and of the third.
inline constexpr std::size_t kDigitFreedoms = 4;
inline constexpr std::size_t kHandFreedoms = kDigits * kDigitFreedoms;

/// The freedom of a hand that is the flexion of its joint; a saddle's abduction is the next one.
constexpr std::size_t flexionOf(std::size_t joint) {
  const std::size_t level = joint % kDigitJoints;
  return joint / kDigitJoints * kDigitFreedoms + (level == 0 ? 0 : level + 1);
}

enum class Side : std::uint8_t { left, right };

/// The part that the joint of a digit plays; digits are counted from the thumb, joints from the
/// hand outwards.
anim::HumanoidJoint fingerPart(Side side, std::size_t digit, std::size_t joint);

/// True for parts of digits.
bool isFinger(anim::HumanoidJoint part);

/// Which of a hand's joints the part is, digit after digit; nothing for other parts.
std::optional<std::size_t> handJointOf(Side side, anim::HumanoidJoint part);

/// True for joints that the solver moves as fingers: hinges and saddles.
bool isFingerJoint(const Subject& subject, int joint);

/// How many markers sit on the body; those on fingers come after them.
std::size_t bodyMarkerCount(const Subject& subject);

/// Puts the markers of fingers behind those of the body; the order within both stays.
void sortFingerMarkers(Subject& subject);

/// The subject without its fingers' markers, its finger joints fixed: what recognition and whoever
/// else knows bodies only works with. Skeleton and the order of the other markers stay.
Subject withoutFingers(const Subject& subject);

/// The joints of a hand's digits, digit after digit.
using HandJoints = std::array<int, kHandJoints>;

/// True if the subject has all the joints of that hand's digits as fingers; `joints` are they.
bool findHand(const Subject& subject, Side side, HandJoints& joints);

/// Fails where a hinge or saddle is no finger of a whole hand, or where markers of fingers stand
/// before some of the body or are too many; the error names joint or marker.
core::Result<void> checkFingers(const Subject& subject);

/// Adds the joint of a digit below `parent`, at `step` from it (metres, the parent's frame), and
/// has it play its part. What the skeleton called so before plays no part any more. Returns the
/// joint.
int addFingerJoint(Subject& subject, anim::HumanoidJoint part, int parent, const glm::vec3& step);

/// Gives a body's hand digits of usual size for its forearm, stretched in the rest pose, and says
/// how they move (setFingerModels). Nothing happens to bodies without a forearm.
void growFingers(Subject& subject, Side side);

/// Sets motion, anatomical axes and limits of the digits of a hand that has all of them, from its
/// rest pose, which must have them stretched. Flexion bends towards the palm, of the thumb across
/// it. Abduction is positive towards the thumb's side on left hands and away from it on right ones
/// (the right-handed axes of JointModel). Limits: Norkin and White, "Measurement of Joint Motion",
/// 5th edition 2016, tables of hand and thumb, widened by what performers have been seen to do.
void setFingerModels(Subject& subject, Side side);

}  // namespace understudy::subject
