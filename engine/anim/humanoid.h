#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/anim/skeleton.h"

namespace understudy::anim {

/// The joints of Understudy's humanoid, parents first. Names are those of VRM 1.0 in snake_case; a
/// joint sits at the near end of its bone (left_lower_arm is the elbow, left_hand the wrist,
/// left_foot the ankle).
enum class HumanoidJoint : std::uint8_t {
  hips,
  spine,
  chest,
  upper_chest,
  neck,
  head,
  left_shoulder,
  left_upper_arm,
  left_lower_arm,
  left_hand,
  right_shoulder,
  right_upper_arm,
  right_lower_arm,
  right_hand,
  left_upper_leg,
  left_lower_leg,
  left_foot,
  left_toes,
  right_upper_leg,
  right_lower_leg,
  right_foot,
  right_toes,
  left_thumb_metacarpal,
  left_thumb_proximal,
  left_thumb_distal,
  left_index_proximal,
  left_index_intermediate,
  left_index_distal,
  left_middle_proximal,
  left_middle_intermediate,
  left_middle_distal,
  left_ring_proximal,
  left_ring_intermediate,
  left_ring_distal,
  left_little_proximal,
  left_little_intermediate,
  left_little_distal,
  right_thumb_metacarpal,
  right_thumb_proximal,
  right_thumb_distal,
  right_index_proximal,
  right_index_intermediate,
  right_index_distal,
  right_middle_proximal,
  right_middle_intermediate,
  right_middle_distal,
  right_ring_proximal,
  right_ring_intermediate,
  right_ring_distal,
  right_little_proximal,
  right_little_intermediate,
  right_little_distal,
  count
};
inline constexpr int kHumanoidJointCount = static_cast<int>(HumanoidJoint::count);

/// Our name of the joint, such as "left_upper_arm".
std::string_view humanoidName(HumanoidJoint joint);
/// The joint of that name, or HumanoidJoint::count.
HumanoidJoint humanoidJoint(std::string_view name);

/// Which joint of a skeleton plays each part of the humanoid.
struct HumanoidMap {
  /// Of a skeleton that plays no part.
  static constexpr std::array<int, kHumanoidJointCount> none() {
    std::array<int, kHumanoidJointCount> absent{};
    for (int& joint : absent) joint = -1;
    return absent;
  }

  /// Index in the skeleton, -1 where it has none.
  std::array<int, kHumanoidJointCount> joint = none();
  std::vector<int> unmapped;  ///< Joints of the skeleton that play no part.

  int operator[](HumanoidJoint part) const { return joint[static_cast<std::size_t>(part)]; }
};

/// Recognises the humanoid in a skeleton by its joint names (ours, VRM 0 and 1, Mixamo, CMU,
/// HumanIK, Bandai, MakeHuman, Unreal and plain English; namespaces, case and separators do not
/// matter) and the hierarchy. What is not recognised stays -1 and is listed; nothing is guessed
/// from shape.
HumanoidMap recogniseHumanoid(const Skeleton& skeleton);

/// True if the parts that a performance needs are there: hips, head, both upper and lower arms,
/// hands, upper and lower legs and feet. `missing`, if given, lists the names of the others.
bool isHumanoid(const HumanoidMap& map, std::vector<std::string>* missing = nullptr);

}  // namespace understudy::anim
