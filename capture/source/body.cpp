#include "capture/source/body.h"

#include <algorithm>
#include <cmath>

namespace understudy::source {
namespace {

using anim::HumanoidJoint;

glm::vec3 across(const glm::vec3& vector, const glm::vec3& axis) {
  return vector - axis * glm::dot(vector, axis);
}

/// A standing body's own directions.
struct Standing {
  glm::vec3 up, left, front;
};

/// Builds solids in the world and stores them in their joint's frame.
class BodyBuilder {
 public:
  BodyBuilder(const anim::HumanoidMap& humanoid,
              std::span<const math::RigidTransform> world_from_joint)
      : humanoid_(humanoid), world_from_joint_(world_from_joint) {}

  core::Result<Body> build();

 private:
  glm::vec3 place(HumanoidJoint part) const {
    return world_from_joint_[static_cast<std::size_t>(humanoid_[part])].translation;
  }
  bool has(HumanoidJoint part) const { return humanoid_[part] >= 0; }
  core::Result<void> measure();
  void addTrunk();
  void addArm(bool left);
  void addLeg(bool left);
  void addFoot(bool left);
  /// `front_hint` is the direction of angle 0, `out_hint` of angle 90; the former wins.
  void add(HumanoidJoint part, SolidShape shape, const glm::vec3& near, const glm::vec3& far,
           const glm::vec3& front_hint, const glm::vec3& out_hint, std::array<float, 4> widths);

  const anim::HumanoidMap& humanoid_;
  std::span<const math::RigidTransform> world_from_joint_;
  Standing standing_{};
  glm::vec3 hip_middle_{0.0f}, shoulder_middle_{0.0f};
  Body body_;
};

core::Result<void> BodyBuilder::measure() {
  for (const HumanoidJoint part :
       {HumanoidJoint::hips, HumanoidJoint::head, HumanoidJoint::left_upper_arm,
        HumanoidJoint::right_upper_arm, HumanoidJoint::left_lower_arm,
        HumanoidJoint::right_lower_arm, HumanoidJoint::left_hand, HumanoidJoint::right_hand,
        HumanoidJoint::left_upper_leg, HumanoidJoint::right_upper_leg,
        HumanoidJoint::left_lower_leg, HumanoidJoint::right_lower_leg, HumanoidJoint::left_foot,
        HumanoidJoint::right_foot}) {
    if (!has(part)) {
      return core::makeError("the skeleton has no " + std::string(anim::humanoidName(part)) +
                             "; a performer needs hips, head, arms and legs");
    }
  }
  hip_middle_ =
      0.5f * (place(HumanoidJoint::left_upper_leg) + place(HumanoidJoint::right_upper_leg));
  shoulder_middle_ =
      0.5f * (place(HumanoidJoint::left_upper_arm) + place(HumanoidJoint::right_upper_arm));
  const glm::vec3 spine = shoulder_middle_ - hip_middle_;
  const glm::vec3 hips_left =
      place(HumanoidJoint::left_upper_leg) - place(HumanoidJoint::right_upper_leg);
  const glm::vec3 shoulders_left =
      place(HumanoidJoint::left_upper_arm) - place(HumanoidJoint::right_upper_arm);
  // Thigh and shank are 0.245 and 0.246 of the body's height (Drillis and Contini, 1966).
  float legs = 0.0f;
  const std::array<std::array<HumanoidJoint, 3>, 2> chains{
      {{HumanoidJoint::left_upper_leg, HumanoidJoint::left_lower_leg, HumanoidJoint::left_foot},
       {HumanoidJoint::right_upper_leg, HumanoidJoint::right_lower_leg,
        HumanoidJoint::right_foot}}};
  for (const auto& chain : chains) {
    legs += 0.5f * (glm::distance(place(chain[0]), place(chain[1])) +
                    glm::distance(place(chain[1]), place(chain[2])));
  }
  body_.height = legs / 0.491f;
  if (!(body_.height > 0.3f && body_.height < 4.0f) || !(glm::length(spine) > 0.05f) ||
      !(glm::length(hips_left + shoulders_left) > 0.05f)) {
    return core::makeError("the skeleton is no standing body of 0.3 to 4 m; check its unit");
  }
  standing_.up = glm::normalize(spine);
  const glm::vec3 left = across(hips_left + shoulders_left, standing_.up);
  if (!(glm::length(left) > 0.02f)) {
    return core::makeError("the skeleton's hips and shoulders have no width");
  }
  standing_.left = glm::normalize(left);
  standing_.front = glm::cross(standing_.left, standing_.up);
  return {};
}

void BodyBuilder::add(HumanoidJoint part, SolidShape shape, const glm::vec3& near,
                      const glm::vec3& far, const glm::vec3& front_hint, const glm::vec3& out_hint,
                      std::array<float, 4> widths) {
  BodySolid solid;
  solid.part = part;
  solid.joint = carryingJoint(humanoid_, part);
  solid.shape = shape;
  solid.length = glm::distance(near, far);
  if (!(solid.length > 1e-4f)) return;
  const glm::vec3 axis = (far - near) / solid.length;
  glm::vec3 front = across(front_hint, axis);
  glm::vec3 out = across(out_hint, axis);
  if (glm::length(front) < 0.2f) front = glm::cross(out, axis);
  front = glm::normalize(front);
  // `out` is made square to both, on the side of its hint.
  const glm::vec3 side = glm::cross(axis, front);
  out = glm::dot(side, out_hint) >= 0.0f ? side : -side;
  const math::RigidTransform joint_from_world =
      inverse(world_from_joint_[static_cast<std::size_t>(solid.joint)]);
  solid.near = joint_from_world * near;
  solid.axis = joint_from_world.rotation * axis;
  solid.front = joint_from_world.rotation * front;
  solid.out = joint_from_world.rotation * out;
  solid.front_near = widths[0];
  solid.front_far = widths[1];
  solid.out_near = widths[2];
  solid.out_far = widths[3];
  body_.solids.push_back(solid);
}

// Widths and depths are shares of the body's height after Drillis and Contini (1966), as in Winter,
// Biomechanics and Motor Control of Human Movement, 2009, fig. 4.1; girths are ours.
void BodyBuilder::addTrunk() {
  const float h = body_.height;
  const auto [up, left, front] = standing_;
  const glm::vec3 spine = shoulder_middle_ - hip_middle_;
  const auto ellipsoid = [&](HumanoidJoint part, const glm::vec3& middle, float half_length,
                             float half_depth, float half_width) {
    add(part, SolidShape::ellipsoid, middle - up * half_length, middle + up * half_length, front,
        left, {half_depth, half_depth, half_width, half_width});
  };
  ellipsoid(HumanoidJoint::hips, hip_middle_ + up * (0.030f * h), 0.082f * h, 0.064f * h,
            0.092f * h);
  ellipsoid(HumanoidJoint::spine, hip_middle_ + 0.40f * spine, 0.100f * h, 0.056f * h, 0.075f * h);
  ellipsoid(HumanoidJoint::upper_chest, hip_middle_ + 0.72f * spine, 0.112f * h, 0.064f * h,
            0.088f * h);
  const glm::vec3 head = place(HumanoidJoint::head);
  add(HumanoidJoint::neck, SolidShape::capsule, shoulder_middle_ + up * (0.01f * h), head, front,
      left, {0.034f * h, 0.034f * h, 0.034f * h, 0.034f * h});
  const glm::vec3 neck_axis = head - shoulder_middle_;
  const glm::vec3 head_up =
      glm::length(neck_axis) > 0.02f ? glm::normalize(neck_axis + up * 0.1f) : up;
  const glm::vec3 middle = head + glm::normalize(head_up + up) * (0.052f * h);
  ellipsoid(HumanoidJoint::head, middle, 0.068f * h, 0.056f * h, 0.045f * h);
}

void BodyBuilder::addArm(bool left) {
  const float h = body_.height;
  const auto part = [left](HumanoidJoint left_part, HumanoidJoint right_part) {
    return left ? left_part : right_part;
  };
  const HumanoidJoint upper = part(HumanoidJoint::left_upper_arm, HumanoidJoint::right_upper_arm);
  const HumanoidJoint lower = part(HumanoidJoint::left_lower_arm, HumanoidJoint::right_lower_arm);
  const HumanoidJoint hand = part(HumanoidJoint::left_hand, HumanoidJoint::right_hand);
  const glm::vec3 outward = left ? standing_.left : -standing_.left;
  // Up for an arm in a T-pose, outward for a hanging one, between the two for one in between.
  const glm::vec3 out = glm::normalize(outward + standing_.up);
  const glm::vec3 shoulder = place(upper), elbow = place(lower), wrist = place(hand);
  const glm::vec3 neck_base = shoulder_middle_ + (shoulder - shoulder_middle_) * 0.25f;
  add(part(HumanoidJoint::left_shoulder, HumanoidJoint::right_shoulder), SolidShape::capsule,
      neck_base, shoulder, standing_.front, standing_.up,
      {0.030f * h, 0.030f * h, 0.030f * h, 0.030f * h});
  add(upper, SolidShape::capsule, shoulder, elbow, standing_.front, out,
      {0.027f * h, 0.023f * h, 0.027f * h, 0.023f * h});
  add(lower, SolidShape::capsule, elbow, wrist, standing_.front, out,
      {0.025f * h, 0.016f * h, 0.025f * h, 0.016f * h});
  const glm::vec3 forearm = wrist - elbow;
  const glm::vec3 axis = glm::length(forearm) > 0.02f ? glm::normalize(forearm) : outward;
  // To the knuckles and half the fingers, which curl.
  add(hand, SolidShape::ellipsoid, wrist, wrist + axis * (0.085f * h), standing_.front, out,
      {0.026f * h, 0.026f * h, 0.012f * h, 0.012f * h});
}

void BodyBuilder::addLeg(bool left) {
  const float h = body_.height;
  const HumanoidJoint upper = left ? HumanoidJoint::left_upper_leg : HumanoidJoint::right_upper_leg;
  const HumanoidJoint lower = left ? HumanoidJoint::left_lower_leg : HumanoidJoint::right_lower_leg;
  const HumanoidJoint foot = left ? HumanoidJoint::left_foot : HumanoidJoint::right_foot;
  const glm::vec3 outward = left ? standing_.left : -standing_.left;
  const glm::vec3 hip = place(upper), knee = place(lower), ankle = place(foot);
  add(upper, SolidShape::capsule, hip, knee, standing_.front, outward,
      {0.048f * h, 0.033f * h, 0.048f * h, 0.033f * h});
  add(lower, SolidShape::capsule, knee, ankle, standing_.front, outward,
      {0.033f * h, 0.020f * h, 0.033f * h, 0.020f * h});
  addFoot(left);
}

void BodyBuilder::addFoot(bool left) {
  const float h = body_.height;
  const HumanoidJoint foot = left ? HumanoidJoint::left_foot : HumanoidJoint::right_foot;
  const HumanoidJoint toes = left ? HumanoidJoint::left_toes : HumanoidJoint::right_toes;
  const glm::vec3 outward = left ? standing_.left : -standing_.left;
  const glm::vec3 ankle = place(foot);
  glm::vec3 forward = standing_.front;
  glm::vec3 ball = ankle + forward * (0.085f * h) - standing_.up * (0.025f * h);
  if (has(toes) && glm::distance(place(toes), ankle) > 0.02f * h) {
    ball = place(toes);
    const glm::vec3 flat = across(ball - ankle, standing_.up);
    if (glm::length(flat) > 0.01f * h) forward = glm::normalize(flat);
  }
  const glm::vec3 heel = ankle - standing_.up * (0.018f * h) - forward * (0.022f * h);
  add(foot, SolidShape::capsule, heel, ball, standing_.up, outward,
      {0.022f * h, 0.014f * h, 0.022f * h, 0.024f * h});
  add(toes, SolidShape::capsule, ball, ball + forward * (0.040f * h), standing_.up, outward,
      {0.013f * h, 0.010f * h, 0.020f * h, 0.018f * h});
}

core::Result<Body> BodyBuilder::build() {
  if (const core::Result<void> measured = measure(); !measured) return measured.error();
  addTrunk();
  for (const bool left : {true, false}) {
    addArm(left);
    addLeg(left);
  }
  return body_;
}

}  // namespace

const BodySolid* Body::find(anim::HumanoidJoint part) const {
  if (part == HumanoidJoint::chest) part = HumanoidJoint::upper_chest;
  for (const BodySolid& solid : solids) {
    if (solid.part == part) return &solid;
  }
  return nullptr;
}

core::Result<Body> makeBody(const anim::HumanoidMap& humanoid,
                            std::span<const math::RigidTransform> world_from_joint) {
  return BodyBuilder(humanoid, world_from_joint).build();
}

int carryingJoint(const anim::HumanoidMap& humanoid, HumanoidJoint part) {
  while (humanoid[part] < 0 && part != HumanoidJoint::hips) {
    switch (part) {
      case HumanoidJoint::left_toes:
        part = HumanoidJoint::left_foot;
        break;
      case HumanoidJoint::right_toes:
        part = HumanoidJoint::right_foot;
        break;
      case HumanoidJoint::left_shoulder:
      case HumanoidJoint::right_shoulder:
      case HumanoidJoint::neck:
        part = HumanoidJoint::upper_chest;
        break;
      case HumanoidJoint::upper_chest:
        part = HumanoidJoint::chest;
        break;
      case HumanoidJoint::chest:
        part = HumanoidJoint::spine;
        break;
      default:
        part = HumanoidJoint::hips;
    }
  }
  return humanoid[part];
}

glm::vec3 surfacePoint(const BodySolid& solid, float along, float around, float clearance) {
  float front = glm::mix(solid.front_near, solid.front_far, std::clamp(along, 0.0f, 1.0f));
  float out = glm::mix(solid.out_near, solid.out_far, std::clamp(along, 0.0f, 1.0f));
  if (solid.shape == SolidShape::ellipsoid) {
    const float height = std::clamp(2.0f * along - 1.0f, -1.0f, 1.0f);
    const float section = std::sqrt(1.0f - height * height);
    front = solid.front_near * section;
    out = solid.out_near * section;
  }
  const float cosine = std::cos(around), sine = std::sin(around);
  // Radius of the elliptical section in this direction.
  const float radius =
      front * out /
      std::sqrt(std::max(1e-12f, out * out * cosine * cosine + front * front * sine * sine));
  const glm::vec3 sideways = solid.front * cosine + solid.out * sine;
  glm::vec3 normal = sideways;
  float reach = along;
  if (solid.shape == SolidShape::ellipsoid) {
    const float half = 0.5f * solid.length;
    const float height = std::clamp(2.0f * along - 1.0f, -1.0f, 1.0f) * half;
    normal =
        glm::normalize(solid.axis * (height / (half * half)) +
                       solid.front * (radius * cosine / (solid.front_near * solid.front_near)) +
                       solid.out * (radius * sine / (solid.out_near * solid.out_near)));
  } else if (along < 0.0f || along > 1.0f) {
    // Over the round end: `along` beyond the axis turns the normal towards it.
    const float beyond = (along < 0.0f ? -along : along - 1.0f) * solid.length;
    const float lift = std::min(1.0f, beyond / std::max(radius, 1e-4f));
    const float flat = std::sqrt(1.0f - lift * lift);
    normal = sideways * flat + solid.axis * (along < 0.0f ? -lift : lift);
    reach = std::clamp(along, 0.0f, 1.0f);
    return solid.near + solid.axis * (reach * solid.length) + normal * (radius + clearance);
  }
  return solid.near + solid.axis * (reach * solid.length) + sideways * radius + normal * clearance;
}

PosedSolid poseSolid(const BodySolid& solid, const math::RigidTransform& world_from_joint,
                     float shrink) {
  PosedSolid posed;
  posed.shape = solid.shape;
  posed.near = world_from_joint * solid.near;
  const glm::vec3 axis = world_from_joint.rotation * solid.axis;
  posed.far = posed.near + axis * solid.length;
  posed.middle = 0.5f * (posed.near + posed.far);
  const auto smaller = [shrink](float width) { return std::max(0.002f, width - shrink); };
  if (solid.shape == SolidShape::ellipsoid) {
    const float half = smaller(0.5f * solid.length);
    const float front = smaller(solid.front_near), out = smaller(solid.out_near);
    const glm::mat3 rows(world_from_joint.rotation * solid.front / front,
                         world_from_joint.rotation * solid.out / out, axis / half);
    posed.unit_from_world = glm::transpose(rows);
    posed.bound = std::max({half, front, out});
  } else {
    // Round sections of the same area.
    posed.radius_near = smaller(std::sqrt(solid.front_near * solid.out_near));
    posed.radius_far = smaller(std::sqrt(solid.front_far * solid.out_far));
    posed.bound = 0.5f * solid.length + std::max(posed.radius_near, posed.radius_far);
  }
  return posed;
}

namespace {

bool ellipsoidBlocks(const PosedSolid& solid, const glm::vec3& eye, const glm::vec3& target) {
  const glm::vec3 from = solid.unit_from_world * (eye - solid.middle);
  const glm::vec3 step = solid.unit_from_world * (target - eye);
  const float length2 = glm::dot(step, step);
  const float share =
      length2 > 0.0f ? std::clamp(-glm::dot(from, step) / length2, 0.0f, 1.0f) : 0.0f;
  const glm::vec3 nearest = from + step * share;
  return glm::dot(nearest, nearest) < 1.0f;
}

// Closest points of two segments (Ericson, Real-Time Collision Detection, 2005, section 5.1.9).
bool capsuleBlocks(const PosedSolid& solid, const glm::vec3& eye, const glm::vec3& target) {
  const glm::vec3 d1 = target - eye, d2 = solid.far - solid.near, r = eye - solid.near;
  const float a = glm::dot(d1, d1), e = glm::dot(d2, d2), f = glm::dot(d2, r);
  const float c = glm::dot(d1, r), b = glm::dot(d1, d2);
  const float denominator = a * e - b * b;
  float s = denominator > 1e-12f ? std::clamp((b * f - c * e) / denominator, 0.0f, 1.0f) : 0.0f;
  float t = e > 0.0f ? (b * s + f) / e : 0.0f;
  if (t < 0.0f || t > 1.0f) {
    t = std::clamp(t, 0.0f, 1.0f);
    s = a > 0.0f ? std::clamp((b * t - c) / a, 0.0f, 1.0f) : 0.0f;
  }
  const glm::vec3 between = (eye + d1 * s) - (solid.near + d2 * t);
  const float radius = glm::mix(solid.radius_near, solid.radius_far, t);
  return glm::dot(between, between) < radius * radius;
}

}  // namespace

bool blocks(const PosedSolid& solid, const glm::vec3& eye, const glm::vec3& target) {
  const glm::vec3 d = target - eye, to_middle = solid.middle - eye;
  const float length2 = glm::dot(d, d);
  const float share =
      length2 > 0.0f ? std::clamp(glm::dot(to_middle, d) / length2, 0.0f, 1.0f) : 0.0f;
  const glm::vec3 miss = to_middle - d * share;
  if (glm::dot(miss, miss) > solid.bound * solid.bound) return false;
  return solid.shape == SolidShape::ellipsoid ? ellipsoidBlocks(solid, eye, target)
                                              : capsuleBlocks(solid, eye, target);
}

}  // namespace understudy::source
