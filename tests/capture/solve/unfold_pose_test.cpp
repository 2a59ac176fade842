#include "capture/solve/unfold_pose.h"

#include <doctest/doctest.h>

#include <vector>

#include "capture/solve/solve_steps.h"
#include "tests/support/finger_body.h"

using namespace understudy;
using anim::HumanoidJoint;

namespace {

// The figure with no marker on its left collar bone, and two near the axis of its upper arm: the
// shoulder could as well be on the other side of that axis.
subject::Subject makeFoldable() {
  subject::Subject body = test::fingerBody(0);
  const int collar = body.humanoid[HumanoidJoint::left_shoulder];
  const int arm = body.humanoid[HumanoidJoint::left_upper_arm];
  const int elbow = body.humanoid[HumanoidJoint::left_lower_arm];
  std::erase_if(body.markers, [&](const subject::SubjectMarker& marker) {
    return marker.joint == collar || marker.joint == arm;
  });
  const glm::vec3 bone =
      body.skeleton.parent_from_joint[static_cast<std::size_t>(elbow)].translation;
  const glm::vec3 off(0.0f, 0.0f, 0.05f);
  body.markers.push_back({"along", arm, 0.5f * bone + off});
  body.markers.push_back({"elbow", arm, bone});
  return body;
}

// The pose with the left shoulder on the other side of the arm's markers, which stay where they
// are.
std::vector<math::RigidTransformd> mirrorShoulder(const subject::Subject& body,
                                                  const solve::SolveModel& model,
                                                  std::vector<math::RigidTransformd> pose,
                                                  const frame::LabelledSubject& labels) {
  const auto collar = static_cast<std::size_t>(body.humanoid[HumanoidJoint::left_shoulder]);
  const auto arm = static_cast<std::size_t>(body.humanoid[HumanoidJoint::left_upper_arm]);
  const auto forearm = static_cast<std::size_t>(body.humanoid[HumanoidJoint::left_lower_arm]);
  std::vector<math::RigidTransformd> world(pose.size());
  solve::worldFromJoints(model, pose, world);
  const std::size_t last = labels.markers.size() - 1;
  const glm::dvec3 on_axis(labels.markers[last].position);
  const glm::dvec3 axis = glm::normalize(glm::dvec3(labels.markers[last - 1].position) - on_axis);
  const glm::dvec3 centre = world[collar].translation, shoulder = world[arm].translation;
  const glm::dvec3 normal = glm::normalize(glm::cross(axis, centre - on_axis));
  const glm::dvec3 mirrored = shoulder - 2.0 * normal * glm::dot(normal, shoulder - on_axis);
  const auto turnBetween = [](const glm::dvec3& a, const glm::dvec3& b) {
    const glm::dvec3 c = glm::cross(a, b);
    return glm::normalize(
        glm::dquat(glm::length(a) * glm::length(b) + glm::dot(a, b), c.x, c.y, c.z));
  };
  const auto across = [&](const glm::dvec3& p) {
    return p - on_axis - axis * glm::dot(axis, p - on_axis);
  };
  const glm::dquat chest = world[collar].rotation * glm::conjugate(pose[collar].rotation);
  const glm::dquat new_collar =
      turnBetween(shoulder - centre, mirrored - centre) * world[collar].rotation;
  const glm::dquat new_arm = turnBetween(across(shoulder), across(mirrored)) * world[arm].rotation;
  pose[collar].rotation = glm::conjugate(chest) * new_collar;
  pose[arm].rotation = glm::conjugate(new_collar) * new_arm;
  pose[forearm].rotation = glm::conjugate(new_arm) * world[forearm].rotation;
  return pose;
}

}  // namespace

TEST_SUITE("solve/unfold_pose") {
  TEST_CASE("a shoulder that a fit left on the wrong side comes back, a sound pose stays") {
    const subject::Subject body = makeFoldable();
    const solve::SolveModel model = solve::makeSolveModel(body);
    const auto arm = static_cast<std::size_t>(body.humanoid[HumanoidJoint::left_upper_arm]);
    std::vector<math::RigidTransformd> pose = model.rest;
    pose[arm].rotation = pose[arm].rotation * glm::angleAxis(-1.2, glm::dvec3(0, 0, 1));
    std::vector<math::RigidTransformd> world(pose.size());
    solve::worldFromJoints(model, pose, world);
    const glm::dvec3 shoulder = world[arm].translation;
    frame::LabelledSubject labels;
    for (const subject::SubjectMarker& marker : body.markers)
      labels.markers.push_back(
          {glm::vec3(solve::markerPosition(marker, world)), glm::mat3(2.5e-7f), 1.0f});
    const solve::SolveSettings settings;
    solve::SolveWorkspace workspace = solve::makeSolveWorkspace(model, body);
    const solve::UnfoldPose unfold{body,   model,    settings, solve::baselineTreeKernels(),
                                   labels, workspace};
    const auto offOf = [&](const std::vector<math::RigidTransformd>& of) {
      solve::worldFromJoints(model, of, world);
      return glm::length(world[arm].translation - shoulder);
    };
    CHECK(!unfold.run(pose));
    std::vector<math::RigidTransformd> folded = mirrorShoulder(body, model, pose, labels);
    solve::fitPose(body, model, settings, solve::baselineTreeKernels(), labels, 40, workspace,
                   folded);
    REQUIRE(offOf(folded) > 0.05);  // Small steps do not leave it.
    CHECK(unfold.run(folded));
    CHECK(offOf(folded) < 0.01);
  }
}
