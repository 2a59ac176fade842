#include "capture/subject/vsk_subject.h"

#include <cmath>

#include "capture/subject/subject_file.h"

namespace understudy::subject {
namespace {

constexpr float kHeld = 0.02f;  // Radians either way, about an axis that a joint does not have.

// Axes of a joint that bends about `axis` only: x is that axis, y as near the bone as can be.
glm::quat axesAbout(const glm::dvec3& axis, const glm::dvec3& bone) {
  glm::dvec3 along = bone - axis * glm::dot(bone, axis);
  if (!(glm::length(along) > 1e-6)) {
    const glm::dvec3 other = std::abs(axis.x) < 0.7 ? glm::dvec3(1, 0, 0) : glm::dvec3(0, 1, 0);
    along = glm::cross(axis, other);
  }
  along = glm::normalize(along);
  return glm::quat(
      glm::normalize(glm::quat_cast(glm::dmat3(axis, along, glm::cross(axis, along)))));
}

JointModel jointOf(const file::VskSegment& segment, const glm::dvec3& bone) {
  JointModel joint;
  switch (segment.motion) {
    case file::VskMotion::fixed:
      joint.motion = JointMotion::fixed;
      break;
    case file::VskMotion::hinge:
      joint.joint_from_anatomical = axesAbout(segment.axis, bone);
      joint.abduction = joint.twist = {-kHeld, kHeld};
      break;
    case file::VskMotion::universal: {
      // Free about both axes: the third one, across them, is held.
      const glm::dvec3 third = glm::cross(segment.axis, segment.second_axis);
      if (glm::length(third) > 1e-3) {
        joint.joint_from_anatomical = axesAbout(segment.axis, segment.second_axis);
        joint.abduction = {-kHeld, kHeld};
      }
      break;
    }
    case file::VskMotion::ball:
      break;
    case file::VskMotion::free:
      joint.motion = JointMotion::free;
      break;
  }
  return joint;
}

// Joints that no marker turns stay as they are.
void fixBareJoints(Subject& subject) {
  std::vector<bool> carries(subject.joints.size(), false);
  for (const SubjectMarker& marker : subject.markers) {
    carries[static_cast<std::size_t>(marker.joint)] = true;
  }
  for (std::size_t joint = carries.size(); joint-- > 0;) {
    const int parent = subject.skeleton.parents[joint];
    if (!carries[joint]) subject.joints[joint].motion = JointMotion::fixed;
    if (carries[joint] && parent >= 0) carries[static_cast<std::size_t>(parent)] = true;
  }
}

}  // namespace

core::Result<Subject> makeSubject(const file::VskFile& vsk, const std::string& name,
                                  const std::string& place) {
  Subject subject;
  subject.name = name;
  std::vector<glm::dvec3> bone(vsk.segments.size(), glm::dvec3(0.0));
  for (std::size_t s = vsk.segments.size(); s-- > 0;) {
    const int parent = vsk.segments[s].parent;
    if (parent >= 0) bone[static_cast<std::size_t>(parent)] = vsk.segments[s].position;
  }
  for (std::size_t s = 0; s < vsk.segments.size(); ++s) {
    const file::VskSegment& segment = vsk.segments[s];
    subject.skeleton.names.push_back(segment.name);
    subject.skeleton.parents.push_back(segment.parent);
    // How a root stands in Vicon's world, z up, says nothing of the body: its own frame has y up.
    subject.skeleton.parent_from_joint.push_back(
        segment.parent < 0 ? math::RigidTransform{}
                           : math::RigidTransform{glm::quat(glm::normalize(segment.rotation)),
                                                  glm::vec3(segment.position)});
    subject.joints.push_back(jointOf(segment, bone[s]));
  }
  for (const file::VskMarker& marker : vsk.markers) {
    subject.markers.push_back({marker.name, marker.segment, glm::vec3(marker.position)});
  }
  subject.humanoid = anim::recogniseHumanoid(subject.skeleton);
  fixBareJoints(subject);
  if (auto sound = check(subject, place); !sound) return sound.error();
  return subject;
}

}  // namespace understudy::subject
