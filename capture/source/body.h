#pragma once

#include <array>
#include <glm/glm.hpp>
#include <optional>
#include <span>
#include <vector>

#include "engine/anim/humanoid.h"
#include "engine/anim/skeleton.h"
#include "engine/core/result.h"
#include "engine/math/rigid_transform.h"

namespace understudy::source {

enum class SolidShape : std::uint8_t { ellipsoid, capsule };

/// One segment of a performer's body: an ellipsoid, or a capsule that tapers. Rides on one joint;
/// all vectors are in that joint's frame. `axis`, `front` and `out` are unit vectors at right
/// angles.
struct BodySolid {
  anim::HumanoidJoint part = anim::HumanoidJoint::hips;
  int joint = 0;
  SolidShape shape = SolidShape::capsule;
  glm::vec3 near{0.0f};  ///< Where the axis begins.
  glm::vec3 axis{0.0f, 1.0f, 0.0f};
  glm::vec3 front{0.0f, 0.0f, 1.0f};
  glm::vec3 out{1.0f, 0.0f, 0.0f};
  float length = 0;
  float front_near = 0, front_far = 0;  ///< Half widths towards the front; ellipsoids: the former.
  float out_near = 0, out_far = 0;      ///< Half widths towards the outside.
};

/// The body of a performer, its girths scaled with the height.
struct Body {
  float height = 0;
  std::vector<BodySolid> solids;

  const BodySolid* find(anim::HumanoidJoint part) const;
};

/// Builds the body round a skeleton that stands in the pose `world_from_joint` (+Y up). Fails where
/// bones that every body needs are missing or have no length.
core::Result<Body> makeBody(const anim::HumanoidMap& humanoid,
                            std::span<const math::RigidTransform> world_from_joint);

/// The nearest ancestor of the part, or itself, that the skeleton plays.
int carryingJoint(const anim::HumanoidMap& humanoid, anim::HumanoidJoint part);

/// A point over the solid's surface in its joint's frame: `along` from near to far end, `around`
/// in radians from front to outside, `clearance` in metres above the surface.
glm::vec3 surfacePoint(const BodySolid& solid, float along, float around, float clearance);

/// A solid in the world, ready for occlusion tests.
struct PosedSolid {
  SolidShape shape = SolidShape::capsule;
  glm::vec3 middle{0.0f};
  float bound = 0;                  ///< Radius of a sphere round the middle that holds it.
  glm::mat3 unit_from_world;        ///< Ellipsoids: to the unit sphere.
  glm::vec3 near{0.0f}, far{0.0f};  ///< Capsules: the axis.
  float radius_near = 0, radius_far = 0;
};

/// The solid at its joint's place, everywhere `shrink` metres smaller.
PosedSolid poseSolid(const BodySolid& solid, const math::RigidTransform& world_from_joint,
                     float shrink);

/// True if the solid stands between the two points.
bool blocks(const PosedSolid& solid, const glm::vec3& eye, const glm::vec3& target);

/// True if the point is inside.
inline bool contains(const PosedSolid& solid, const glm::vec3& point) {
  return blocks(solid, point, point);
}

}  // namespace understudy::source
