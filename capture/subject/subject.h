#pragma once

#include <glm/glm.hpp>
#include <glm/gtc/quaternion.hpp>
#include <span>
#include <string>
#include <vector>

#include "engine/anim/humanoid.h"
#include "engine/anim/skeleton.h"

namespace understudy::subject {

/// How a joint may move against its parent.
enum class JointMotion : std::uint8_t {
  fixed,  ///< Stays in its rest pose.
  ball,   ///< Three rotations.
  free,   ///< Three rotations and three translations: roots, props, loose segments.
  hinge,  ///< Fingers (fingers.h): flexion about the x of its anatomical axes.
  saddle  ///< Fingers: flexion about their x, then abduction about the z that this turned.
};

/// How far a joint may turn about one of its anatomical axes, radians from the rest pose, a soft
/// limit. Minus and plus pi mean none.
struct AxisLimit {
  float lower = -3.14159265f, upper = 3.14159265f;

  bool limits() const { return lower > -3.14f || upper < 3.14f; }
  bool operator==(const AxisLimit&) const = default;
};

/// What the solver may do with one joint.
struct JointModel {
  JointMotion motion = JointMotion::ball;
  /// Largest turn away from the rest pose in radians, a soft limit. Pi means none.
  float limit = 3.14159265f;
  /// The anatomical axes in the joint's own frame: x bends the bone forward (knee: back; foot and
  /// toes: up; clavicle: up), y runs along the bone, z is across both. The angles about them are
  /// anatomicalAngles' (anatomy.h).
  glm::quat joint_from_anatomical{1.0f, 0.0f, 0.0f, 0.0f};
  AxisLimit flexion, abduction, twist;  ///< About x, z and y of those axes.
  /// How far off the joint may be shown where the sizes are off that calibration found: standard
  /// deviation per axis, metres. 0: nothing is known of it.
  float place_sigma = 0.0f;

  bool hasAxisLimits() const { return flexion.limits() || abduction.limits() || twist.limits(); }
};

/// What a second joint has of a marker whose skin lies over both, as in linear blend skinning
/// (Magnenat-Thalmann, Laperriere and Thalmann, "Joint-dependent local deformations for hand
/// animation and object grasping", 1988).
struct SkinShare {
  int joint = -1;                ///< The marker's joint's parent or child; -1: none.
  float share = 0.0f;            ///< 0..1; the marker's own joint has the rest.
  glm::vec3 offset_joint{0.0f};  ///< Where the marker sits in this joint's frame, metres.

  bool operator==(const SkinShare&) const = default;
};

/// One marker glued to one joint, or to the skin between two.
struct SubjectMarker {
  std::string name;
  int joint = 0;                 ///< Index in the skeleton: the one that it follows most.
  glm::vec3 offset_joint{0.0f};  ///< Where it sits in the joint's frame, metres.
  SkinShare also{};
};

/// Where a marker is for given transforms of all joints, in float or double, in their target frame.
template <class Transform>
auto markerPlace(const SubjectMarker& marker, std::span<const Transform> joints) {
  using Vector = decltype(Transform{}.translation);
  using Number = typename Vector::value_type;
  const Vector place = joints[static_cast<std::size_t>(marker.joint)] * Vector(marker.offset_joint);
  if (marker.also.joint < 0) return place;
  const Vector other =
      joints[static_cast<std::size_t>(marker.also.joint)] * Vector(marker.also.offset_joint);
  return place + static_cast<Number>(marker.also.share) * (other - place);
}

/// A performer or prop as the solver knows it: bones, joint models, marker offsets. A prop has one
/// joint.
struct Subject {
  std::string name;
  anim::Skeleton skeleton;
  std::vector<JointModel> joints;  ///< One per joint of the skeleton.
  std::vector<SubjectMarker> markers;
  anim::HumanoidMap humanoid;  ///< Parts that the skeleton plays; all -1 for a prop.
};

}  // namespace understudy::subject
