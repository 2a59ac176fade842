#pragma once

#include <glm/glm.hpp>
#include <optional>
#include <vector>

#include "capture/subject/subject.h"
#include "engine/math/rigid_transform.h"

namespace understudy::subject {

/// A body as its rest pose shows it: where its joints are, and its own directions.
struct RestBody {
  std::vector<math::RigidTransform> world;  ///< From each joint.
  glm::dvec3 left{1, 0, 0}, up{0, 1, 0}, front{0, 0, 1};
  bool sound = false;  ///< False: hips, neck or head are missing or have no size.
};

RestBody measureRest(const Subject& subject);

/// The vector at length 1; nothing for one of next to no length.
std::optional<glm::dvec3> unitVector(const glm::dvec3& v);

/// Where the bone of a joint points in the rest pose: to its tip, or (-1) on from its parent.
std::optional<glm::dvec3> boneDirection(const RestBody& body, const Subject& subject, int joint,
                                        int tip);

}  // namespace understudy::subject
