#include <cassert>
#include <cmath>
#include <string>

#include "capture/solve/habit.h"

namespace understudy::solve {
namespace {

constexpr double kNoLimit = 10.0;  // Radians: no joint gets there.

core::Error outOfRange(const char* key, const char* condition) {
  return core::makeError(std::string("solve settings: ") + key + " must be " + condition);
}

// The nearest joint at or above this one that carries markers, -1 for none.
int markedJoint(const subject::Subject& subject, const std::vector<bool>& marked, int joint) {
  while (joint >= 0 && !marked[static_cast<std::size_t>(joint)])
    joint = subject.skeleton.parents[static_cast<std::size_t>(joint)];
  return joint;
}

void fillNeighbours(const subject::Subject& subject, SolveModel& model) {
  std::vector<bool> marked(subject.skeleton.size(), false);
  for (const subject::SubjectMarker& marker : subject.markers)
    marked[static_cast<std::size_t>(marker.joint)] = true;
  std::vector<int> above(subject.skeleton.size());
  for (std::size_t j = 0; j < above.size(); ++j)
    above[j] = markedJoint(subject, marked, subject.skeleton.parents[j]);
  model.neighbour_start.push_back(0);
  for (const subject::SubjectMarker& marker : subject.markers) {
    const int joint = marker.joint, parent = above[static_cast<std::size_t>(joint)];
    std::size_t count = subject::isFingerJoint(subject, joint) ? kMostNeighbours : 0;
    for (std::size_t m = 0; m < model.body_markers && count < kMostNeighbours; ++m) {
      const int other = subject.markers[m].joint;
      if (other != joint && other != parent && above[static_cast<std::size_t>(other)] != joint)
        continue;
      model.neighbours.push_back(static_cast<std::int32_t>(m));
      ++count;
    }
    model.neighbour_start.push_back(static_cast<std::int32_t>(model.neighbours.size()));
  }
}

void fillFeet(const subject::Subject& subject, const SolveModel& model, SolveState& state) {
  using anim::HumanoidJoint;
  for (const HumanoidJoint part : {HumanoidJoint::left_toes, HumanoidJoint::right_toes}) {
    const int toes = subject.humanoid[part];
    if (toes < 0) continue;
    const std::int32_t foot = model.joint_parent[static_cast<std::size_t>(toes)];
    if (foot < 0 || model.joint_freedoms[static_cast<std::size_t>(foot)] != 3) continue;
    state.feet.push_back({.joint = static_cast<std::size_t>(foot),
                          .offset = model.rest[static_cast<std::size_t>(toes)].translation});
  }
}

}  // namespace

core::Result<void> check(const SolveSettings& s) {
  const auto positive = [](double value) { return value > 0.0 && std::isfinite(value); };
  if (!positive(s.marker_sigma)) return outOfRange("marker_sigma", "> 0");
  if (!positive(s.robust_radius)) return outOfRange("robust_radius", "> 0");
  if (!positive(s.angular_noise)) return outOfRange("angular_noise", "> 0");
  if (!positive(s.linear_noise)) return outOfRange("linear_noise", "> 0");
  if (!positive(s.least_turn_noise)) return outOfRange("least_turn_noise", "> 0");
  if (!positive(s.least_shift_noise)) return outOfRange("least_shift_noise", "> 0");
  if (!positive(s.hidden_turning)) return outOfRange("hidden_turning", "> 0");
  if (!positive(s.hidden_speed)) return outOfRange("hidden_speed", "> 0");
  if (!positive(s.rest_sigma)) return outOfRange("rest_sigma", "> 0");
  if (!positive(s.rest_time)) return outOfRange("rest_time", "> 0");
  if (!positive(s.largest_sigma)) return outOfRange("largest_sigma", "> 0");
  if (!positive(s.limit_sigma)) return outOfRange("limit_sigma", "> 0");
  if (!positive(s.finger_radius)) return outOfRange("finger_radius", "> 0");
  if (!positive(s.finger_sigma)) return outOfRange("finger_sigma", "> 0");
  if (!positive(s.hold_sigma)) return outOfRange("hold_sigma", "> 0");
  if (!positive(s.hold_drift)) return outOfRange("hold_drift", "> 0");
  if (!positive(s.hold_reach)) return outOfRange("hold_reach", "> 0");
  if (!positive(s.habit_time)) return outOfRange("habit_time", "> 0");
  if (!positive(s.smallest_sigma)) return outOfRange("smallest_sigma", "> 0");
  if (!(s.surprise_rise > 0.0 && s.surprise_rise <= 1.0)) {
    return outOfRange("surprise_rise", "> 0 and <= 1");
  }
  if (!positive(s.surprise_time)) return outOfRange("surprise_time", "> 0");
  if (!positive(s.misfit_time)) return outOfRange("misfit_time", "> 0");
  if (!positive(s.bias_time)) return outOfRange("bias_time", "> 0");
  if (!(s.hidden_damping >= 0.0 && s.hidden_damping <= 1.0)) {
    return outOfRange("hidden_damping", "in 0..1");
  }
  if (s.iterations < 1 || s.iterations > 20) return outOfRange("iterations", "in 1..20");
  return {};
}

SolveModel makePlainSolveModel(const subject::Subject& subject) {
  const std::size_t joints = subject.skeleton.size();
  assert(subject.joints.size() == joints);
  std::vector<bool> informed(joints, false);
  for (const subject::SubjectMarker& marker : subject.markers) {
    informed[static_cast<std::size_t>(marker.joint)] = true;
  }
  for (std::size_t joint = joints; joint-- > 0;) {
    const int parent = subject.skeleton.parents[joint];
    if (informed[joint] && parent >= 0) informed[static_cast<std::size_t>(parent)] = true;
  }

  SolveModel model;
  std::vector<std::int32_t> last_freedom(joints, -1);
  for (std::size_t joint = 0; joint < joints; ++joint) {
    const int parent = subject.skeleton.parents[joint];
    const math::RigidTransform& rest = subject.skeleton.parent_from_joint[joint];
    model.joint_parent.push_back(parent);
    model.rest.push_back({glm::normalize(glm::dquat(rest.rotation)), glm::dvec3(rest.translation)});
    std::int32_t count = 0;
    if (informed[joint]) {
      switch (subject.joints[joint].motion) {
        case subject::JointMotion::fixed:
        case subject::JointMotion::hinge:
        case subject::JointMotion::saddle:
          break;
        case subject::JointMotion::ball:
          count = 3;
          break;
        case subject::JointMotion::free:
          count = 6;
          break;
      }
    }
    const std::int32_t inherited = parent < 0 ? -1 : last_freedom[static_cast<std::size_t>(parent)];
    model.joint_freedoms.push_back(count);
    model.joint_freedom.push_back(count > 0 ? static_cast<std::int32_t>(model.freedoms()) : -1);
    last_freedom[joint] = inherited;
    for (std::int32_t k = 0; k < count; ++k) {
      const std::int32_t above = last_freedom[joint];
      const std::int32_t depth = above < 0 ? 0 : model.depth[static_cast<std::size_t>(above)] + 1;
      last_freedom[joint] = static_cast<std::int32_t>(model.freedoms());
      model.freedom_joint.push_back(static_cast<std::int32_t>(joint));
      model.freedom_parent.push_back(above);
      model.depth.push_back(depth);
      model.row.push_back(static_cast<std::int32_t>(model.matrix_size));
      model.matrix_size += static_cast<std::size_t>(depth) + 1;
    }
  }
  model.joint_from_freedoms.assign(joints, glm::dquat(1.0, 0.0, 0.0, 0.0));
  model.lower_limit.assign(model.freedoms(), -kNoLimit);
  model.upper_limit.assign(model.freedoms(), kNoLimit);
  model.hands = makeHandModels(subject);
  model.body_markers = subject::bodyMarkerCount(subject);
  fillNeighbours(subject, model);
  return model;
}

SolveModel makeSolveModel(const subject::Subject& subject) {
  SolveModel model = makePlainSolveModel(subject);
  for (std::size_t joint = 0; joint < model.joints(); ++joint) {
    if (model.joint_freedoms[joint] != 3) continue;
    const subject::JointModel& joint_model = subject.joints[joint];
    model.joint_from_freedoms[joint] =
        glm::normalize(glm::dquat(joint_model.joint_from_anatomical));
    const std::size_t first = static_cast<std::size_t>(model.joint_freedom[joint]);
    const subject::AxisLimit* limits[] = {&joint_model.flexion, &joint_model.twist,
                                          &joint_model.abduction};
    for (std::size_t k = 0; k < 3; ++k) {
      if (!limits[k]->limits()) continue;
      model.lower_limit[first + k] = static_cast<double>(limits[k]->lower);
      model.upper_limit[first + k] = static_cast<double>(limits[k]->upper);
    }
  }
  return model;
}

SolveState makeSolveState(const subject::Subject& subject, const SolveModel& model) {
  SolveState state;
  state.parent_from_joint = model.rest;
  state.place.assign(model.joints(), glm::dvec3(0.0));
  state.velocity.assign(model.freedoms(), 0.0);
  state.variance.assign(model.freedoms(), 0.0);
  state.turn_covariance.assign(model.joints(), glm::dvec3(0.0));
  state.innovation.assign(model.freedoms(), 0.0);
  state.innovation_energy.assign(model.freedoms(), 0.0);
  state.place_variance.assign(model.freedoms(), 0.0);
  state.velocity_variance.assign(model.freedoms(), 0.0);
  state.velocity_covariance.assign(model.freedoms(), 0.0);
  state.acceleration_variance.assign(model.freedoms(), 1.0);
  state.observed.assign(model.freedoms(), 0.0);
  fillHabits(subject, model, state);
  state.suggested.assign(model.freedoms(), 0.0);
  state.suggested_speed.assign(model.freedoms(), 0.0);
  state.couplings = makeCouplings(subject, model);
  fillFeet(subject, model, state);
  state.turned_velocity.assign(model.freedoms(), 0.0);
  state.measured.assign(model.joints(), 0);
  state.bias.assign(subject.markers.size(), glm::dvec3(0.0));
  state.unseen.assign(subject.markers.size(), 0.0);
  state.surprise.assign(model.joints(), 0.0);
  for (const HandModel& hand : model.hands) state.hands.push_back(makeHandState(hand));
  return state;
}

SolveWorkspace makeSolveWorkspace(const SolveModel& model, const subject::Subject& subject) {
  SolveWorkspace workspace;
  workspace.predicted.resize(model.joints());
  workspace.candidate.resize(model.joints());
  workspace.world_from_joint.resize(model.joints());
  workspace.matrix.resize(model.matrix_size);
  workspace.gradient.resize(model.freedoms());
  workspace.axes.resize(6 * model.freedoms());
  workspace.moments.resize(21 * model.joints());
  workspace.forces.resize(6 * model.joints());
  workspace.information.resize(model.freedoms());
  workspace.squared_distances.resize(subject.markers.size());
  workspace.terms.reserve(subject.markers.size());
  return workspace;
}

glm::dvec3 markerPosition(const subject::SubjectMarker& marker,
                          const std::vector<math::RigidTransformd>& world_from_joint) {
  return subject::markerPlace<math::RigidTransformd>(marker, world_from_joint);
}

}  // namespace understudy::solve
