#include "engine/anim/pose_history.h"

#include <algorithm>
#include <cmath>

namespace understudy::anim {
namespace {

using shaders::PoseJoint;
using shaders::PoseSubject;

glm::quat rotationOf(const PoseJoint& joint) {
  return math::quaternionXyzw(joint.rotation.x, joint.rotation.y, joint.rotation.z,
                              joint.rotation.w);
}

void setRotation(PoseJoint& joint, const glm::quat& q) { joint.rotation = {q.x, q.y, q.z, q.w}; }

void predict(PoseRecord& pose, float seconds) {
  for (const PoseSubject& subject : pose.subjects) {
    if (subject.tracked == 0) continue;
    for (std::uint32_t i = 0; i < subject.joint_count; ++i) {
      PoseJoint& joint = pose.joints[subject.first_joint + i];
      joint.translation += joint.velocity * seconds;
      const glm::vec3 turn = glm::vec3(joint.angular_velocity) * seconds;
      const float angle = glm::length(turn);
      if (angle < 1e-9f) continue;
      setRotation(joint, glm::normalize(glm::angleAxis(angle, turn / angle) * rotationOf(joint)));
    }
  }
}

bool sameLayout(const PoseRecord& a, const PoseRecord& b) {
  return std::equal(a.subjects.begin(), a.subjects.end(), b.subjects.begin(), b.subjects.end(),
                    [](const PoseSubject& left, const PoseSubject& right) {
                      return left.joint_count == right.joint_count &&
                             left.first_joint == right.first_joint;
                    });
}

void interpolate(PoseRecord& pose, const PoseRecord& later, float blend) {
  for (std::size_t i = 0; i < pose.joints.size(); ++i) {
    PoseJoint& joint = pose.joints[i];
    const PoseJoint& end = later.joints[i];
    setRotation(joint, glm::slerp(rotationOf(joint), rotationOf(end), blend));
    joint.translation = glm::mix(joint.translation, end.translation, blend);
    joint.angular_velocity = glm::mix(joint.angular_velocity, end.angular_velocity, blend);
    joint.velocity = glm::mix(joint.velocity, end.velocity, blend);
  }
}

}  // namespace

PoseHistory::PoseHistory(const PoseRing& ring, core::Duration longest_prediction)
    : ring_(ring), longest_prediction_(longest_prediction), later_(ring.makeRecord()) {}

PoseKind PoseHistory::at(core::Time time, PoseRecord& pose) {
  // Old slots are left alone: the writer is about to reuse them.
  const std::uint32_t newest = ring_.newest();
  constexpr std::uint32_t kLeftAlone = 4;
  const std::uint32_t slots = ring_.capacity().slots;
  for (std::uint32_t back = 0; back + kLeftAlone < slots && back < newest; ++back) {
    const std::uint32_t number = newest - back;
    core::Stamp stamp;
    if (!ring_.readStamp(number, stamp)) return PoseKind::none;
    if (stamp.exposed > time) continue;
    if (!ring_.read(number, pose, PoseParts::joints)) return PoseKind::none;
    if (stamp.exposed == time) return PoseKind::exact;
    if (back == 0) {
      const core::Duration ahead =
          std::min<core::Duration>(time - stamp.exposed, longest_prediction_);
      predict(pose, static_cast<float>(core::toSeconds(ahead)));
      return PoseKind::predicted;
    }
    if (!ring_.read(number + 1, later_, PoseParts::joints)) return PoseKind::none;
    const float blend = static_cast<float>(core::toSeconds(time - stamp.exposed) /
                                           core::toSeconds(later_.stamp.exposed - stamp.exposed));
    if (sameLayout(pose, later_)) {
      interpolate(pose, later_, blend);
    } else if (blend >= 0.5f) {
      pose.subjects = later_.subjects;
      pose.joints = later_.joints;
    }
    pose.stamp = later_.stamp;
    return PoseKind::interpolated;
  }
  return PoseKind::none;
}

}  // namespace understudy::anim
