#include "tools/recorded/flexions.h"

#include <cmath>
#include <limits>
#include <optional>

#include "engine/anim/kinematics.h"

namespace understudy::recorded {
namespace {

using anim::HumanoidJoint;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

glm::dvec3 unit(const glm::dvec3& v) {
  const double length = glm::length(v);
  return length > 1e-9 ? v / length : glm::dvec3(0.0);
}

// What is left of a vector without its part along an axis.
glm::dvec3 across(const glm::dvec3& v, const glm::dvec3& axis) {
  return v - axis * glm::dot(v, axis);
}

double degrees(double y, double x) { return glm::degrees(std::atan2(y, x)); }

// Axes that stay put in the frames of joints: known from the rest pose.
struct BodyAxes {
  glm::dvec3 left_hips{0.0}, up_hips{0.0}, forward_hips{0.0};
  glm::dvec3 left_thigh[2], forward_foot[2];  // Left and right, in the frames of thigh and foot.
};

// A leg's or arm's joints, left or right.
struct Limb {
  std::size_t top = 0, middle = 0, end = 0;
};

std::optional<Limb> limbOf(const anim::HumanoidMap& map, HumanoidJoint top, HumanoidJoint middle,
                           HumanoidJoint end) {
  if (map[top] < 0 || map[middle] < 0 || map[end] < 0) return std::nullopt;
  return Limb{static_cast<std::size_t>(map[top]), static_cast<std::size_t>(map[middle]),
              static_cast<std::size_t>(map[end])};
}

struct Body {
  std::size_t hips = 0;
  std::array<std::optional<Limb>, 2> leg, arm;
};

std::optional<BodyAxes> findAxes(const anim::Skeleton& skeleton, const Body& body) {
  if (!body.leg[0] || !body.leg[1]) return std::nullopt;
  std::vector<math::RigidTransform> rest(skeleton.size());
  anim::worldFromJoints(skeleton, skeleton.parent_from_joint, rest);
  const auto intoFrame = [&](std::size_t joint, const glm::dvec3& world) {
    return glm::conjugate(glm::dquat(rest[joint].rotation)) * world;
  };
  const glm::dvec3 left = unit(glm::dvec3(rest[body.leg[0]->top].translation) -
                               glm::dvec3(rest[body.leg[1]->top].translation));
  const glm::dvec3 up(0, 1, 0);
  const glm::dvec3 forward = unit(glm::cross(left, up));
  BodyAxes axes;
  axes.left_hips = intoFrame(body.hips, left);
  axes.forward_hips = intoFrame(body.hips, forward);
  axes.up_hips = glm::cross(axes.forward_hips, axes.left_hips);
  for (std::size_t side = 0; side < 2; ++side) {
    axes.left_thigh[side] = intoFrame(body.leg[side]->top, left);
    axes.forward_foot[side] = intoFrame(body.leg[side]->end, forward);
  }
  return axes;
}

void addLegs(const Body& body, const BodyAxes& axes,
             const std::vector<math::RigidTransformd>& world, FlexionAngles& angles) {
  const glm::dquat& pelvis = world[body.hips].rotation;
  for (std::size_t side = 0; side < 2; ++side) {
    const Limb& leg = *body.leg[side];
    const glm::dvec3 thigh = unit(world[leg.middle].translation - world[leg.top].translation);
    const glm::dvec3 shank = unit(world[leg.end].translation - world[leg.middle].translation);
    const glm::dvec3 foot = world[leg.end].rotation * axes.forward_foot[side];
    const glm::dvec3 left = world[leg.top].rotation * axes.left_thigh[side];
    const auto at = [&](Flexion flexion) -> double& {
      return angles[static_cast<std::size_t>(flexion) + side];
    };
    at(Flexion::left_hip) = degrees(glm::dot(thigh, pelvis * axes.forward_hips),
                                    -glm::dot(thigh, pelvis * axes.up_hips));
    const glm::dvec3 thigh_side = across(thigh, left), shank_side = across(shank, left);
    at(Flexion::left_knee) = degrees(glm::dot(glm::cross(thigh_side, shank_side), left),
                                     glm::dot(thigh_side, shank_side));
    at(Flexion::left_ankle) =
        90.0 - degrees(glm::length(glm::cross(-shank, foot)), glm::dot(-shank, foot));
  }
}

}  // namespace

std::string_view flexionName(Flexion flexion) {
  constexpr std::string_view kNames[] = {"left_hip",   "right_hip",   "left_knee",  "right_knee",
                                         "left_ankle", "right_ankle", "left_elbow", "right_elbow"};
  return kNames[static_cast<std::size_t>(flexion)];
}

std::vector<FlexionAngles> measureFlexions(const anim::Skeleton& skeleton,
                                           const anim::HumanoidMap& humanoid,
                                           const RecordedMotion& motion) {
  using enum HumanoidJoint;
  Body body{.hips = static_cast<std::size_t>(std::max(humanoid[hips], 0))};
  body.leg = {limbOf(humanoid, left_upper_leg, left_lower_leg, left_foot),
              limbOf(humanoid, right_upper_leg, right_lower_leg, right_foot)};
  body.arm = {limbOf(humanoid, left_upper_arm, left_lower_arm, left_hand),
              limbOf(humanoid, right_upper_arm, right_lower_arm, right_hand)};
  const std::optional<BodyAxes> axes = findAxes(skeleton, body);
  std::vector<FlexionAngles> all;
  for (const std::vector<math::RigidTransformd>& world : motion.world_from_joint) {
    FlexionAngles angles;
    angles.fill(kNone);
    if (!world.empty() && axes) addLegs(body, *axes, world, angles);
    for (std::size_t side = 0; side < 2 && !world.empty(); ++side) {
      if (!body.arm[side]) continue;
      const Limb& arm = *body.arm[side];
      const glm::dvec3 upper = world[arm.middle].translation - world[arm.top].translation;
      const glm::dvec3 lower = world[arm.end].translation - world[arm.middle].translation;
      angles[static_cast<std::size_t>(Flexion::left_elbow) + side] =
          degrees(glm::length(glm::cross(upper, lower)), glm::dot(upper, lower));
    }
    all.push_back(angles);
  }
  return all;
}

}  // namespace understudy::recorded
