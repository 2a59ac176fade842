#include "capture/calibrate/compare_subjects.h"

#include <cassert>
#include <cmath>

#include "capture/subject/clip_geometry.h"
#include "capture/subject/fingers.h"
#include "engine/math/exponential.h"

namespace understudy::calibrate {
namespace {

using subject::JointMotion;
using subject::Subject;

// What hangs on a joint, through joints that cannot turn, in the joint's frame.
struct Hanging {
  struct Part {
    std::size_t joint;
    glm::dmat3 turn;  // From the part's frame to the joint's.
    glm::dvec3 place;
  };
  std::vector<Part> parts;
  std::vector<glm::dvec3> points;
};

Hanging collect(const Subject& subject, std::size_t joint) {
  Hanging hanging;
  hanging.parts.push_back({joint, glm::dmat3(1.0), glm::dvec3(0.0)});
  for (std::size_t at = 0; at < hanging.parts.size(); ++at) {
    const Hanging::Part part = hanging.parts[at];
    for (const subject::SubjectMarker& marker : subject.markers) {
      if (static_cast<std::size_t>(marker.joint) != part.joint) continue;
      hanging.points.push_back(part.place + part.turn * glm::dvec3(marker.offset_joint));
    }
    for (std::size_t child = 0; child < subject.skeleton.size(); ++child) {
      if (subject.skeleton.parents[child] != static_cast<int>(part.joint)) continue;
      const math::RigidTransform& local = subject.skeleton.parent_from_joint[child];
      const glm::dvec3 place = part.place + part.turn * glm::dvec3(local.translation);
      hanging.points.push_back(place);
      if (subject.joints[child].motion == JointMotion::fixed) {
        hanging.parts.push_back(
            {child, part.turn * glm::mat3_cast(glm::dquat(local.rotation)), place});
      }
    }
  }
  return hanging;
}

// Moves all that hangs on a joint in the joint's frame.
void move(const Hanging& hanging, const glm::dmat3& turn, const glm::dvec3& shift,
          Subject& subject) {
  for (const Hanging::Part& part : hanging.parts) {
    // Where the part's own origin and points come to, seen from the moved part.
    const glm::dmat3 back = glm::transpose(part.turn);
    const bool first = part.joint == hanging.parts.front().joint;
    const auto moved = [&](const glm::vec3& point) {
      return glm::vec3(
          back * (turn * (part.turn * glm::dvec3(point)) + (first ? shift : glm::dvec3(0.0))));
    };
    for (subject::SubjectMarker& marker : subject.markers) {
      if (static_cast<std::size_t>(marker.joint) == part.joint) {
        marker.offset_joint = moved(marker.offset_joint);
      }
      if (marker.also.joint == static_cast<int>(part.joint)) {
        marker.also.offset_joint = moved(marker.also.offset_joint);
      }
    }
    for (std::size_t child = 0; child < subject.skeleton.size(); ++child) {
      if (subject.skeleton.parents[child] != static_cast<int>(part.joint)) continue;
      math::RigidTransform& rest = subject.skeleton.parent_from_joint[child];
      rest.translation = moved(rest.translation);
      // The axes of a finger's root are the hand's.
      if (subject::isFingerJoint(subject, static_cast<int>(child))) {
        const glm::dquat turned = glm::quat_cast(back * turn * part.turn);
        rest.rotation = glm::normalize(glm::quat(turned * glm::dquat(rest.rotation)));
      }
    }
  }
}

// A point on a joint as the next joint that can turn carries it.
glm::dvec3 carried(const Subject& subject, int joint, glm::dvec3 point) {
  while (joint >= 0 &&
         subject.joints[static_cast<std::size_t>(joint)].motion == JointMotion::fixed) {
    const math::RigidTransform& local =
        subject.skeleton.parent_from_joint[static_cast<std::size_t>(joint)];
    point = glm::dvec3(local.translation) + glm::dquat(local.rotation) * point;
    joint = subject.skeleton.parents[static_cast<std::size_t>(joint)];
  }
  return point;
}

glm::dvec3 placeOf(const Subject& subject, std::size_t joint) {
  return carried(subject, subject.skeleton.parents[joint],
                 glm::dvec3(subject.skeleton.parent_from_joint[joint].translation));
}

glm::dvec3 placeOf(const Subject& subject, const subject::SubjectMarker& marker) {
  return carried(subject, marker.joint, glm::dvec3(marker.offset_joint));
}

}  // namespace

void takeFramesOf(const Subject& convention, Subject& subject) {
  assert(convention.skeleton.size() == subject.skeleton.size());
  assert(convention.markers.size() == subject.markers.size());
  for (std::size_t joint = 0; joint < subject.skeleton.size(); ++joint) {
    const JointMotion motion = subject.joints[joint].motion;
    // A finger's axes say what its frames are.
    if (motion == JointMotion::fixed || subject::isFingerJoint(subject, static_cast<int>(joint)))
      continue;
    const Hanging from = collect(subject, joint), to = collect(convention, joint);
    if (motion == JointMotion::free) {
      const math::RigidTransformd fit = subject::fitRigid(from.points, to.points);
      move(from, glm::mat3_cast(fit.rotation), fit.translation, subject);
      continue;
    }
    // Where the points leave a turn open, the least one: the axes lean towards themselves.
    constexpr double kLean = 1e-6;
    glm::dmat3 sum(kLean);
    for (std::size_t i = 0; i < from.points.size(); ++i) {
      sum += glm::outerProduct(to.points[i], from.points[i]);
    }
    move(from, glm::mat3_cast(math::rotationFromCorrelation(sum)), glm::dvec3(0.0), subject);
  }
}

SubjectErrors compareSubjects(const Subject& truth, const Subject& subject) {
  assert(truth.skeleton.size() == subject.skeleton.size());
  assert(truth.markers.size() == subject.markers.size());
  SubjectErrors errors;
  for (std::size_t j = 0; j < truth.skeleton.size(); ++j) {
    const glm::dvec3 wanted = placeOf(truth, j), found = placeOf(subject, j);
    errors.bone.push_back(glm::length(found) - glm::length(wanted));
    errors.place.push_back(glm::distance(found, wanted));
  }
  for (std::size_t m = 0; m < truth.markers.size(); ++m) {
    errors.marker.push_back(
        glm::distance(placeOf(truth, truth.markers[m]), placeOf(subject, subject.markers[m])));
  }
  return errors;
}

}  // namespace understudy::calibrate
