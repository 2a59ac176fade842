#include "engine/anim/retarget.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>

#include "engine/anim/kinematics.h"

namespace understudy::anim {
namespace {

using enum HumanoidJoint;

std::size_t at(int joint) { return static_cast<std::size_t>(joint); }

// The joints after `from` up to and with `to`, from the body outwards.
std::vector<int> chainBetween(const Skeleton& skeleton, int from, int to) {
  std::vector<int> chain;
  for (int joint = to; joint > from; joint = skeleton.parents[at(joint)]) chain.push_back(joint);
  std::reverse(chain.begin(), chain.end());
  return chain;
}

// Hips, spine joints and neck joints of a humanoid, extra ones included.
struct Trunk {
  std::vector<int> spines;
  std::vector<int> necks;
  int top = -1;  // The last spine joint, or the hips.
};

Trunk trunkOf(const Skeleton& skeleton, const HumanoidMap& map) {
  Trunk trunk;
  trunk.top = map[hips];
  for (const HumanoidJoint part : {spine, chest, upper_chest}) {
    if (map[part] >= 0) trunk.top = map[part];
  }
  trunk.spines = chainBetween(skeleton, map[hips], trunk.top);
  if (map[neck] >= 0) {
    trunk.necks = chainBetween(skeleton, trunk.top, skeleton.parents[at(map[head])]);
  }
  return trunk;
}

bool isBelow(const Skeleton& skeleton, int joint, int ancestor) {
  while (joint > ancestor) joint = skeleton.parents[at(joint)];
  return joint == ancestor;
}

// Fingers that nobody moves would be stretched as in the T-pose; a hand at rest curls them. Fingers
// that are curled already stay as they are.
void relaxFinger(const Skeleton& skeleton, const int* phalanges, TPose& pose) {
  const glm::vec3 along = pose.positions[at(phalanges[2])] - pose.positions[at(phalanges[0])];
  if (std::abs(along.x) < 0.95f * glm::length(along)) return;
  constexpr float kCurl[] = {0.30f, 0.35f, 0.25f};  // Radians.
  for (int i = 0; i < 3; ++i) {
    const glm::quat turn = glm::angleAxis(std::copysign(kCurl[i], -along.x), glm::vec3(0, 0, 1));
    for (std::size_t joint = at(phalanges[i]); joint < skeleton.size(); ++joint) {
      if (!isBelow(skeleton, static_cast<int>(joint), phalanges[i])) continue;
      pose.rotations[joint] = turn * pose.rotations[joint];
    }
  }
}

void relaxFingers(const Skeleton& skeleton, const HumanoidMap& map, const HumanoidMap& source_map,
                  TPose& pose) {
  for (const HumanoidJoint first : {left_index_proximal, right_index_proximal}) {
    for (std::size_t finger = 0; finger < 4; ++finger) {
      const std::size_t part = static_cast<std::size_t>(first) + 3 * finger;
      const int* phalanges = &map.joint[part];
      const bool complete = phalanges[0] >= 0 && phalanges[1] >= 0 && phalanges[2] >= 0;
      if (complete && source_map.joint[part] < 0) relaxFinger(skeleton, phalanges, pose);
    }
  }
}

core::Result<void> checkHumanoid(const HumanoidMap& map, const char* whose) {
  std::vector<std::string> missing;
  if (isHumanoid(map, &missing)) return {};
  std::string names;
  for (const std::string& name : missing) names += (names.empty() ? "" : ", ") + name;
  return core::makeError(fmt::format(
      "the {} skeleton cannot be retargeted: no joint was recognised for {}; rename its joints",
      whose, names));
}

}  // namespace

std::optional<float> standingAnkleHeight(const Clip& clip, const HumanoidMap& map) {
  if (clip.frames == 0 || map[left_foot] < 0 || map[right_foot] < 0) return std::nullopt;
  const std::size_t joints = clip.skeleton.size();
  std::vector<math::RigidTransform> world(joints);
  std::vector<float> heights;
  for (std::size_t frame = 0; frame < clip.frames; ++frame) {
    worldFromJoints(clip.skeleton,
                    std::span(clip.parent_from_joint).subspan(frame * joints, joints), world);
    heights.push_back(std::min(world[at(map[left_foot])].translation.y,
                               world[at(map[right_foot])].translation.y));
  }
  const auto tenth = heights.begin() + static_cast<std::ptrdiff_t>(heights.size() / 10);
  std::nth_element(heights.begin(), tenth, heights.end());
  return *tenth;
}

core::Result<Retargeter> Retargeter::make(const Skeleton& source, const HumanoidMap& source_map,
                                          const Skeleton& target, const HumanoidMap& target_map,
                                          const RetargetSettings& settings) {
  if (auto checked = checkHumanoid(source_map, "source"); !checked) return checked.error();
  if (auto checked = checkHumanoid(target_map, "target"); !checked) return checked.error();

  const TPose source_t = makeTPose(source, source_map);
  TPose target_t = makeTPose(target, target_map);
  if (source_t.leg_length <= 0.0f || target_t.leg_length <= 0.0f) {
    return core::makeError("a skeleton without leg length cannot be retargeted; check its offsets");
  }
  Retargeter result;
  result.source_ = source;
  result.target_ = target;
  result.source_map_ = source_map;
  result.target_map_ = target_map;
  result.scale_ = target_t.leg_length / source_t.leg_length;
  result.source_ankle_height_ = settings.source_ankle_height.value_or(source_t.ankle_height);
  result.target_ankle_height_ = settings.target_ankle_height.value_or(target_t.ankle_height);
  for (const glm::quat& q : source_t.rotations) {
    result.joint_from_source_t_.push_back(glm::conjugate(q));
  }
  relaxFingers(target, target_map, source_map, target_t);
  result.target_t_from_joint_ = target_t.rotations;
  result.world_from_source_.resize(source.size());
  result.world_from_target_.resize(target.size());

  result.turns_.resize(target.size());
  for (std::size_t part = 0; part < kHumanoidJointCount; ++part) {
    const int joint = target_map.joint[part];
    if (joint >= 0) result.turns_[at(joint)].first = source_map.joint[part];
  }
  const Trunk from = trunkOf(source, source_map), to = trunkOf(target, target_map);
  // The i-th of m joints turns as the source does at the share i / m of its own chain.
  const auto share = [&](const std::vector<int>& joints, std::vector<int> knots, bool end_open) {
    const std::size_t count = joints.size() + (end_open ? 1 : 0);
    for (std::size_t i = 0; i < joints.size(); ++i) {
      const float place =
          static_cast<float>((i + 1) * (knots.size() - 1)) / static_cast<float>(count);
      const std::size_t knot = std::min(static_cast<std::size_t>(place), knots.size() - 1);
      const std::size_t next = std::min(knot + 1, knots.size() - 1);
      result.turns_[at(joints[i])] = {knots[knot], knots[next], place - static_cast<float>(knot)};
    }
  };
  std::vector<int> spine_knots{source_map[hips]}, neck_knots{from.top};
  spine_knots.insert(spine_knots.end(), from.spines.begin(), from.spines.end());
  share(to.spines, spine_knots, false);
  // A source without a neck shares the head's turn with the target's.
  const bool no_neck = from.necks.empty();
  neck_knots.insert(neck_knots.end(), from.necks.begin(), from.necks.end());
  if (no_neck) neck_knots.push_back(source_map[head]);
  share(to.necks, neck_knots, no_neck);
  return result;
}

void Retargeter::retarget(std::span<const math::RigidTransform> source_parent_from_joint,
                          std::span<math::RigidTransform> target_parent_from_joint) const {
  assert(source_parent_from_joint.size() == source_.size());
  assert(target_parent_from_joint.size() == target_.size());
  worldFromJoints(source_, source_parent_from_joint, world_from_source_);
  const auto turnOf = [&](int joint) {
    return world_from_source_[at(joint)].rotation * joint_from_source_t_[at(joint)];
  };
  for (std::size_t joint = 0; joint < target_.size(); ++joint) {
    const int parent = target_.parents[joint];
    math::RigidTransform& local = target_parent_from_joint[joint];
    local = target_.parent_from_joint[joint];
    const Turn& turn = turns_[joint];
    if (turn.first >= 0) {
      glm::quat world_turn = turnOf(turn.first);
      if (turn.blend > 0.0f) world_turn = glm::slerp(world_turn, turnOf(turn.second), turn.blend);
      const glm::quat world = world_turn * target_t_from_joint_[joint];
      local.rotation = glm::normalize(
          parent == kNoParent ? world
                              : glm::conjugate(world_from_target_[at(parent)].rotation) * world);
    } else if (parent != kNoParent) {
      // Against its parent as in the T-pose, which for unknown joints is as in the rest pose.
      local.rotation = glm::normalize(glm::conjugate(target_t_from_joint_[at(parent)]) *
                                      target_t_from_joint_[joint]);
    }
    world_from_target_[joint] =
        parent == kNoParent ? local : world_from_target_[at(parent)] * local;
  }
  placePelvis(target_parent_from_joint);
}

// Pelvises are compared at the middle of the hip joints, because skeletons disagree on where the
// joint called hips is.
void Retargeter::placePelvis(std::span<math::RigidTransform> target_parent_from_joint) const {
  const auto pelvisOf = [](const std::vector<math::RigidTransform>& world, const HumanoidMap& map) {
    return 0.5f * (world[at(map[left_upper_leg])].translation +
                   world[at(map[right_upper_leg])].translation);
  };
  glm::vec3 pelvis = pelvisOf(world_from_source_, source_map_);
  pelvis.y -= source_ankle_height_;
  pelvis *= scale_;
  pelvis.y += target_ankle_height_;
  const int joint = target_map_[hips];
  const int parent = target_.parents[at(joint)];
  const glm::vec3 offset =
      world_from_target_[at(joint)].translation - pelvisOf(world_from_target_, target_map_);
  const glm::vec3 hips_world = pelvis + offset;
  target_parent_from_joint[at(joint)].translation =
      parent == kNoParent ? hips_world : math::inverse(world_from_target_[at(parent)]) * hips_world;
}

}  // namespace understudy::anim
