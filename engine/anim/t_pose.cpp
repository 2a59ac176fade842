#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <utility>

#include "engine/anim/kinematics.h"
#include "engine/anim/retarget.h"

namespace understudy::anim {
namespace {

using enum HumanoidJoint;

constexpr double kShort = 1e-6;    // Bones shorter than this have no direction.
constexpr double kHanging = 0.87;  // A foot steeper than 60 degrees does not stand.
constexpr glm::dvec3 kLeft{1, 0, 0}, kUp{0, 1, 0}, kForward{0, 0, 1};

std::size_t at(int joint) { return static_cast<std::size_t>(joint); }

// The shortest turn that takes one direction to another; half a turn goes about the forward axis.
glm::dquat shortestTurn(const glm::dvec3& from, const glm::dvec3& to) {
  const double length = glm::length(from);
  if (length < kShort) return glm::dquat(1, 0, 0, 0);
  const glm::dvec3 a = from / length;
  const double cosine = glm::dot(a, to);
  if (cosine < -0.999999) return glm::dquat(0, 0, 0, 1);
  const glm::dvec3 axis = glm::cross(a, to);
  return glm::normalize(glm::dquat(1.0 + cosine, axis.x, axis.y, axis.z));
}

// Turns a limb's bone to where it belongs in the T-pose: first seen from the front, as arms are
// lowered and legs spread in rest poses, then the rest. So an A-pose loses nothing to twist.
glm::dquat limbTurn(const glm::dvec3& from, const glm::dvec3& to) {
  const glm::dvec3 seen{from.x, from.y, 0.0};
  if (glm::length(seen) < 0.5 * glm::length(from)) return shortestTurn(from, to);
  const glm::dquat first = shortestTurn(seen, to);
  return shortestTurn(first * from, to) * first;
}

// A direction that is near an axis of the file was meant to be that axis: a head in front of the
// ankles must not tilt the whole body.
glm::dvec3 snapped(const glm::dvec3& direction) {
  constexpr double kNear = 0.9;  // Cosine of 26 degrees.
  for (int axis = 0; axis < 3; ++axis) {
    if (std::abs(direction[axis]) < kNear) continue;
    glm::dvec3 result(0.0);
    result[axis] = std::copysign(1.0, direction[axis]);
    return result;
  }
  return direction;
}

class TPoseMaker {
 public:
  TPoseMaker(const Skeleton& skeleton, const HumanoidMap& map)
      : skeleton_(skeleton), map_(map), size_(skeleton.size()) {}

  bool isStanding() {
    findRest();
    uprightRest();
    for (const auto& [upper, lower, foot, toes] :
         {std::array{left_upper_leg, left_lower_leg, left_foot, left_toes},
          std::array{right_upper_leg, right_lower_leg, right_foot, right_toes}}) {
      if (!pointsDown(upper, lower) || !pointsDown(lower, foot)) return false;
      if (map_[toes] < 0) continue;
      const glm::dvec3 along = rest(toes) - rest(foot);
      if (along.z <= 0.0 || along.y < -kHanging * glm::length(along)) return false;
    }
    return pointsDown(head, hips) && rest(left_upper_leg).x > rest(right_upper_leg).x &&
           rest(left_upper_arm).x > rest(right_upper_arm).x;
  }

  TPose run() {
    findRest();
    uprightRest();
    turnBones();
    TPose pose;
    for (std::size_t joint = 0; joint < size_; ++joint) {
      pose.rotations.emplace_back(glm::normalize(turned_[joint] * rotations_[joint]));
      pose.positions.emplace_back(placed_[joint]);
    }
    pose.leg_length = static_cast<float>(legLength());
    pose.ankle_height = static_cast<float>(ankleHeight());
    return pose;
  }

 private:
  glm::dvec3 rest(HumanoidJoint part) const { return positions_[at(map_[part])]; }
  glm::dvec3 middle(HumanoidJoint a, HumanoidJoint b) const { return 0.5 * (rest(a) + rest(b)); }

  bool pointsDown(HumanoidJoint from, HumanoidJoint to) const {
    const glm::dvec3 bone = rest(to) - rest(from);
    return bone.y < -0.7 * glm::length(bone);
  }

  void findRest() {
    std::vector<math::RigidTransform> world(size_);
    worldFromJoints(skeleton_, skeleton_.parent_from_joint, world);
    for (const math::RigidTransform& joint : world) {
      positions_.emplace_back(joint.translation);
      rotations_.emplace_back(glm::normalize(glm::dquat(joint.rotation)));
    }
  }

  // Turns the rest pose so that it stands along +Y and looks along +Z.
  void uprightRest() {
    const glm::dvec3 tall = rest(head) - middle(left_foot, right_foot);
    const glm::dvec3 wide = (rest(left_upper_leg) - rest(right_upper_leg)) +
                            (rest(left_upper_arm) - rest(right_upper_arm));
    if (glm::length(tall) < kShort) return;
    const glm::dvec3 up = snapped(glm::normalize(tall));
    const glm::dvec3 level = wide - glm::dot(wide, up) * up;
    if (glm::length(level) < kShort) return;
    const glm::dvec3 left = glm::normalize(level);
    const glm::dmat3 rest_from_body(left, up, glm::cross(left, up));
    const glm::dquat body_from_rest = glm::conjugate(glm::quat_cast(rest_from_body));
    for (glm::dvec3& position : positions_) position = body_from_rest * position;
    for (glm::dquat& rotation : rotations_) rotation = body_from_rest * rotation;
  }

  // The wanted direction of a limb's bone.
  struct Bone {
    HumanoidJoint joint, end;
    glm::dvec3 direction;
  };

  void turnBones() {
    const Bone bones[] = {
        {left_upper_arm, left_lower_arm, kLeft},    {left_lower_arm, left_hand, kLeft},
        {right_upper_arm, right_lower_arm, -kLeft}, {right_lower_arm, right_hand, -kLeft},
        {left_hand, left_middle_proximal, kLeft},   {right_hand, right_middle_proximal, -kLeft},
        {left_upper_leg, left_lower_leg, -kUp},     {left_lower_leg, left_foot, -kUp},
        {right_upper_leg, right_lower_leg, -kUp},   {right_lower_leg, right_foot, -kUp},
    };
    for (std::size_t joint = 0; joint < size_; ++joint) {
      const int parent = skeleton_.parents[joint];
      const bool root = parent == kNoParent;
      turned_.push_back(root ? glm::dquat(1, 0, 0, 0) : turned_[at(parent)]);
      placed_.push_back(root ? positions_[joint]
                             : placed_[at(parent)] +
                                   turned_[joint] * (positions_[joint] - positions_[at(parent)]));
      for (const Bone& bone : bones) {
        if (map_[bone.joint] != static_cast<int>(joint) || map_[bone.end] < 0) continue;
        const glm::dvec3 direction = turned_[joint] * (rest(bone.end) - rest(bone.joint));
        turned_[joint] = limbTurn(direction, bone.direction) * turned_[joint];
      }
      if (map_[left_hand] == static_cast<int>(joint))
        levelPalm(joint, left_index_proximal, left_little_proximal);
      if (map_[right_hand] == static_cast<int>(joint))
        levelPalm(joint, right_index_proximal, right_little_proximal);
      if (map_[left_foot] == static_cast<int>(joint)) setFoot(joint, left_lower_leg, left_toes);
      if (map_[right_foot] == static_cast<int>(joint)) setFoot(joint, right_lower_leg, right_toes);
      if (firstOfTorso() == static_cast<int>(joint)) straightenTorso(joint);
    }
  }

  // Palms look down: from little finger to index is forward.
  void levelPalm(std::size_t hand, HumanoidJoint index, HumanoidJoint little) {
    if (map_[index] < 0 || map_[little] < 0) return;
    glm::dvec3 across = turned_[hand] * (rest(index) - rest(little));
    across.x = 0.0;
    if (glm::length(across) < kShort) return;
    turned_[hand] = glm::angleAxis(std::atan2(across.y, across.z), kLeft) * turned_[hand];
  }

  // A rest pose stands flat on its feet, so a foot keeps its tilt and only looks forward. Where the
  // legs are spread widely nobody stood (the CMU library's skeletons): there feet go with the legs.
  void setFoot(std::size_t foot, HumanoidJoint lower_leg, HumanoidJoint toes) {
    constexpr double kStanding = 0.978;  // Cosine of 12 degrees.
    const glm::dvec3 shin = positions_[foot] - rest(lower_leg);
    if (-shin.y > kStanding * glm::length(shin)) turned_[foot] = glm::dquat(1, 0, 0, 0);
    if (map_[toes] < 0) return;
    glm::dvec3 along = turned_[foot] * (rest(toes) - positions_[foot]);
    const double length = glm::length(along);
    if (length < kShort) return;
    if (along.y < -kHanging * length) {
      turned_[foot] = shortestTurn(along, glm::normalize(glm::dvec3(0, -0.4, 0.9))) * turned_[foot];
      return;
    }
    along.y = 0.0;
    turned_[foot] = shortestTurn(along, kForward) * turned_[foot];
  }

  int firstOfTorso() const { return map_[spine] >= 0 ? map_[spine] : map_[neck]; }

  // Natural curves of the back stay; a rest pose that leans far is set upright.
  void straightenTorso(std::size_t joint) {
    const int top =
        map_[neck] >= 0 && map_[neck] != static_cast<int>(joint) ? map_[neck] : map_[head];
    const glm::dvec3 along = positions_[at(top)] - positions_[joint];
    if (glm::length(along) < kShort || along.y / glm::length(along) > 0.9) return;
    turned_[joint] = shortestTurn(turned_[joint] * along, kUp) * turned_[joint];
  }

  double legLength() const {
    const auto leg = [&](HumanoidJoint upper, HumanoidJoint lower, HumanoidJoint foot) {
      return glm::distance(rest(upper), rest(lower)) + glm::distance(rest(lower), rest(foot));
    };
    return 0.5 * (leg(left_upper_leg, left_lower_leg, left_foot) +
                  leg(right_upper_leg, right_lower_leg, right_foot));
  }

  double ankleHeight() const {
    const double leg = legLength();
    const double ankle = middle(left_foot, right_foot).y;
    double lowest = ankle;  // Of the feet and everything that hangs on them.
    for (std::size_t joint = 0; joint < size_; ++joint) {
      for (int part = static_cast<int>(joint); part >= 0; part = skeleton_.parents[at(part)]) {
        if (part != map_[left_foot] && part != map_[right_foot]) continue;
        lowest = std::min(lowest, positions_[joint].y);
      }
    }
    // Shares of leg length: an ankle joint is about 9 cm over the floor, a toe joint 2 cm.
    const bool stands =
        lowest > -0.02 * leg && lowest < 0.06 * leg && ankle > 0.03 * leg && ankle < 0.2 * leg;
    if (stands) return ankle;
    return std::clamp(ankle - lowest + 0.02 * leg, 0.09 * leg, 0.15 * leg);
  }

  const Skeleton& skeleton_;
  const HumanoidMap& map_;
  std::size_t size_;
  std::vector<glm::dvec3> positions_, placed_;  // Rest pose, upright; T-pose.
  std::vector<glm::dquat> rotations_;           // Rest pose, upright.
  std::vector<glm::dquat> turned_;  // T-pose against the upright rest pose, in the world.
};

}  // namespace

bool isStanding(const Skeleton& skeleton, const HumanoidMap& map) {
  return TPoseMaker(skeleton, map).isStanding();
}

Skeleton standingSkeleton(const Clip& clip, const HumanoidMap& map) {
  Skeleton skeleton = clip.skeleton;
  if (clip.frames == 0 || isStanding(skeleton, map)) return skeleton;
  const std::size_t joints = skeleton.size();
  std::vector<math::RigidTransform> world(joints);
  std::size_t best_frame = 0;
  float best = -10.0f;
  for (std::size_t frame = 0; frame < clip.frames; ++frame) {
    worldFromJoints(skeleton, std::span(clip.parent_from_joint).subspan(frame * joints, joints),
                    world);
    // Straight legs and a back above them; +Y is up in every clip.
    float upright = 0.0f;
    for (const auto& [low, high] : {std::pair(left_foot, left_lower_leg),
                                    {right_foot, right_lower_leg},
                                    {left_lower_leg, left_upper_leg},
                                    {right_lower_leg, right_upper_leg},
                                    {hips, head}}) {
      const glm::vec3 bone = world[at(map[high])].translation - world[at(map[low])].translation;
      const float length = glm::length(bone);
      if (length > 0.0f) upright += bone.y / length;
    }
    if (upright <= best) continue;
    best = upright;
    best_frame = frame;
  }
  const auto pose = std::span(clip.parent_from_joint).subspan(best_frame * joints, joints);
  skeleton.parent_from_joint.assign(pose.begin(), pose.end());
  return skeleton;
}

TPose makeTPose(const Skeleton& skeleton, const HumanoidMap& map) {
  return TPoseMaker(skeleton, map).run();
}

}  // namespace understudy::anim
