#include "capture/subject/rest_body.h"

#include <cmath>

#include "engine/anim/kinematics.h"

namespace understudy::subject {

using anim::HumanoidJoint;

std::optional<glm::dvec3> unitVector(const glm::dvec3& v) {
  const double length = std::sqrt(glm::dot(v, v));
  if (!(length > 1e-4)) return std::nullopt;
  return v / length;
}

RestBody measureRest(const Subject& subject) {
  RestBody body;
  body.world.resize(subject.skeleton.size());
  anim::worldFromJoints(subject.skeleton, subject.skeleton.parent_from_joint, body.world);
  const auto place = [&](HumanoidJoint part) {
    const int joint = subject.humanoid[part];
    return joint < 0
               ? std::nullopt
               : std::optional(glm::dvec3(body.world[static_cast<std::size_t>(joint)].translation));
  };
  const auto left = place(HumanoidJoint::left_upper_leg);
  const auto right = place(HumanoidJoint::right_upper_leg);
  const auto top =
      place(HumanoidJoint::neck) ? place(HumanoidJoint::neck) : place(HumanoidJoint::head);
  if (!left || !right || !top) return body;
  const auto across = unitVector(*left - *right);
  const auto up = unitVector(*top - 0.5 * (*left + *right));
  if (!across || !up) return body;
  const auto front = unitVector(glm::cross(*across, *up));
  if (!front) return body;
  body.left = *across;
  body.front = *front;
  body.up = glm::cross(body.front, body.left);
  body.sound = true;
  return body;
}

std::optional<glm::dvec3> boneDirection(const RestBody& body, const Subject& subject, int joint,
                                        int tip) {
  const auto at = [&](int j) {
    return glm::dvec3(body.world[static_cast<std::size_t>(j)].translation);
  };
  if (tip >= 0) return unitVector(at(tip) - at(joint));
  // Joints of no length repeat their parent's place.
  for (int j = joint; j >= 0;) {
    j = subject.skeleton.parents[static_cast<std::size_t>(j)];
    if (j < 0) break;
    if (const auto direction = unitVector(at(joint) - at(j))) return direction;
  }
  return std::nullopt;
}

}  // namespace understudy::subject
