#include "capture/solve/unfold_pose.h"

#include <algorithm>

#include "capture/solve/habit.h"
#include "capture/solve/solve_steps.h"

namespace understudy::solve {
namespace {

using math::RigidTransformd;

constexpr double kUnusual = 9.0;  // Chi square of three angles that calls for another try.
constexpr double kMost = 25.0;    // Of one angle: some do stand so.
constexpr int kSteps = 40;

// How unusual a joint's angles are among people at large: a chi square.
double unusual(const SolveModel& model, const SolveState& people, std::size_t joint,
               const glm::dquat& rotation) {
  if (model.joint_freedoms[joint] != 3) return 0.0;
  const JointAngles at = anglesOf(model, joint, rotation);
  const std::size_t first = static_cast<std::size_t>(model.joint_freedom[joint]);
  double sum = 0.0;
  for (std::size_t k = 0; k < 3; ++k) {
    const double off = at.angles[static_cast<glm::length_t>(k)] - people.habit_mean[first + k];
    sum += std::min(off * off / people.habit_variance[first + k], kMost);
  }
  return sum;
}

// Chi square of markers and angles.
double costOf(const UnfoldPose& job, const SolveState& people,
              const std::vector<RigidTransformd>& pose) {
  std::vector<RigidTransformd> world(pose.size());
  worldFromJoints(job.model, pose, world);
  const double marker_variance = job.settings.marker_sigma * job.settings.marker_sigma;
  const double squared_radius = job.settings.robust_radius * job.settings.robust_radius;
  double cost = 0.0;
  for (std::size_t m = 0; m < job.subject.markers.size(); ++m) {
    const frame::LabelledMarker& seen = job.labelled.markers[m];
    if (!(seen.confidence > 0.0f)) continue;
    const glm::dvec3 off =
        glm::dvec3(seen.position) - markerPosition(job.subject.markers[m], world);
    const double squared = glm::dot(off, off);
    cost += squared / (1.0 + squared / squared_radius) / marker_variance;
  }
  for (std::size_t j = 0; j < pose.size(); ++j)
    cost += unusual(job.model, people, j, pose[j].rotation);
  return cost;
}

// The joint as at rest; what hangs on it keeps its directions in the world.
std::vector<RigidTransformd> withJointAtRest(const SolveModel& model, std::size_t joint,
                                             std::vector<RigidTransformd> pose) {
  const glm::dquat turned = pose[joint].rotation;
  pose[joint].rotation = model.rest[joint].rotation;
  const glm::dquat back = glm::conjugate(pose[joint].rotation) * turned;
  for (std::size_t j = joint + 1; j < pose.size(); ++j) {
    if (model.joint_parent[j] != static_cast<std::int32_t>(joint)) continue;
    pose[j].rotation =
        model.joint_freedoms[j] > 0 ? back * pose[j].rotation : model.rest[j].rotation;
  }
  return pose;
}

}  // namespace

bool UnfoldPose::run(std::vector<RigidTransformd>& parent_from_joint) const {
  const SolveState people = makeSolveState(subject, model);
  bool better = false;
  double cost = costOf(*this, people, parent_from_joint);
  for (std::size_t joint = 1; joint < model.joints(); ++joint) {
    if (unusual(model, people, joint, parent_from_joint[joint].rotation) < kUnusual) continue;
    std::vector<RigidTransformd> trial = withJointAtRest(model, joint, parent_from_joint);
    fitPose(subject, model, settings, kernels, labelled, kSteps, workspace, trial);
    const double trial_cost = costOf(*this, people, trial);
    if (trial_cost >= cost) continue;
    cost = trial_cost;
    parent_from_joint = std::move(trial);
    better = true;
  }
  return better;
}

}  // namespace understudy::solve
