#include "capture/subject/finger_markers.h"

#include <algorithm>
#include <cmath>

#include "capture/subject/fingers.h"

namespace understudy::subject {
namespace {

constexpr float kThick = 0.0095f, kThin = 0.007f;  // Half a finger at its root and tip, metres.
constexpr float kTipShare = 0.85f;                 // Of a last bone to the one before it.
constexpr float kRadiansPerDegree = 0.01745329252f;

glm::vec3 placeOn(const Subject& body, const HandJoints& joints, Side side, std::size_t at,
                  const MarkerPlace& place, float radius) {
  const auto joint = static_cast<std::size_t>(joints[at]);
  const bool is_last = at % kDigitJoints + 1 == kDigitJoints;
  const auto bone = static_cast<std::size_t>(is_last ? joints[at] : joints[at + 1]);
  const float length =
      glm::length(body.skeleton.parent_from_joint[bone].translation) * (is_last ? kTipShare : 1.0f);
  // Its z points to the palm, its x away from the thumb on a left hand.
  const glm::mat3 axes = glm::mat3_cast(body.joints[joint].joint_from_anatomical);
  const float share =
      (static_cast<float>(at % kDigitJoints) + place.along) / static_cast<float>(kDigitJoints);
  const float clear = glm::mix(kThick, kThin, std::clamp(share, 0.0f, 1.0f)) + radius;
  const float around = place.around_deg * kRadiansPerDegree;
  const float thumbwards = side == Side::left ? -1.0f : 1.0f;
  return place.along * length * axes[1] - clear * std::cos(around) * axes[2] +
         clear * std::sin(around) * thumbwards * axes[0];
}

}  // namespace

void wearFingers(const MarkerSet& set, std::span<const std::string> names, Subject& body) {
  for (const Side side : {Side::left, Side::right}) {
    const auto isHere = [&](const MarkerPlace& place) {
      return handJointOf(side, place.joint).has_value() &&
             std::find(names.begin(), names.end(), place.name) != names.end();
    };
    if (std::none_of(set.markers.begin(), set.markers.end(), isHere)) continue;
    growFingers(body, side);
    HandJoints joints{};
    if (!findHand(body, side, joints)) continue;
    for (const MarkerPlace& place : set.markers) {
      if (!isHere(place)) continue;
      const std::size_t at = *handJointOf(side, place.joint);
      const float radius = place.radius > 0.0f ? place.radius : set.marker_radius;
      body.markers.push_back({.name = place.name,
                              .joint = joints[at],
                              .offset_joint = placeOn(body, joints, side, at, place, radius)});
    }
  }
}

}  // namespace understudy::subject
