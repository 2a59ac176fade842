#include "capture/calibrate/frame_system.h"

#include <algorithm>
#include <cmath>

#include "capture/solve/solve_steps.h"
#include "engine/math/exponential.h"

namespace understudy::calibrate {
namespace {

using math::RigidTransformd;
using solve::SolveModel;

double& entry(const SolveModel& model, FrameWorkspace& w, std::size_t freedom,
              std::size_t ancestor) {
  return w.matrix[static_cast<std::size_t>(model.row[freedom] + model.depth[ancestor])];
}

glm::dvec3 turnFromRest(const SolveModel& model, const PosedFrame& frame, std::size_t joint) {
  return math::vectorFromRotation(glm::conjugate(model.rest[joint].rotation) *
                                  frame.parent_from_joint[joint].rotation);
}

// Joints that no marker measures come to rest; the pull is too weak to be felt by others.
void addRestPull(const SolveModel& model, const PosedFrame& frame, double sigma,
                 FrameWorkspace& w) {
  const double pull = 1.0 / (sigma * sigma);
  constexpr double kTiny = 1e-4;
  solve::forEachMovingJoint(model, [&](std::size_t joint, std::size_t first) {
    const auto freedoms = static_cast<std::size_t>(model.joint_freedoms[joint]);
    const bool turns = freedoms == 3 && model.joint_parent[joint] >= 0;
    const glm::dvec3 turn = turns ? turnFromRest(model, frame, joint) : glm::dvec3(0.0);
    for (std::size_t k = 0; k < freedoms; ++k) {
      entry(model, w, first + k, first + k) += turns ? pull : kTiny;
      if (turns) w.gradient[first + k] -= pull * turn[static_cast<glm::length_t>(k)];
    }
  });
}

void addSharedBends(const CalibrationProblem& problem, const PosedFrame& frame, double sigma,
                    FrameWorkspace& w) {
  const SolveModel& model = problem.model;
  const double information = 1.0 / (sigma * sigma);
  for (const SharedBend& bend : problem.shared_bends) {
    const auto upper = static_cast<std::size_t>(model.joint_freedom[bend.upper]);
    const auto lower = static_cast<std::size_t>(model.joint_freedom[bend.lower]);
    const glm::dvec3 unlike = turnFromRest(model, frame, bend.lower) -
                              bend.lower_from_upper * turnFromRest(model, frame, bend.upper);
    const glm::dvec3 back = glm::transpose(bend.lower_from_upper) * unlike;
    for (std::size_t k = 0; k < 3; ++k) {
      const auto r = static_cast<glm::length_t>(k);
      entry(model, w, lower + k, lower + k) += information;
      entry(model, w, upper + k, upper + k) += information;
      for (std::size_t c = 0; c < 3; ++c) {
        entry(model, w, lower + k, upper + c) -=
            information * bend.lower_from_upper[static_cast<glm::length_t>(c)][r];
      }
      w.gradient[lower + k] -= information * unlike[r];
      w.gradient[upper + k] += information * back[r];
    }
  }
}

}  // namespace

double bendOf(const glm::dquat& rest_from_joint) {
  const glm::dvec3 turn = math::vectorFromRotation(rest_from_joint);
  return std::sqrt(glm::dot(turn, turn));
}

std::vector<SharedBend> findSharedBends(const subject::Subject& subject, const SolveModel& model) {
  std::vector<bool> carries(model.joints(), false);
  for (const subject::SubjectMarker& marker : subject.markers) {
    carries[static_cast<std::size_t>(marker.joint)] = true;
  }
  const auto turns = [&](std::size_t j) { return model.joint_freedoms[j] == 3; };
  std::vector<SharedBend> bends;
  for (std::size_t lower = 0; lower < model.joints(); ++lower) {
    const std::int32_t parent = model.joint_parent[lower];
    if (parent < 0 || !turns(lower)) continue;
    const auto upper = static_cast<std::size_t>(parent);
    if (!turns(upper) || model.joint_parent[upper] < 0 || carries[upper]) continue;
    bends.push_back({upper, lower, glm::transpose(glm::mat3_cast(model.rest[lower].rotation))});
  }
  return bends;
}

FrameWorkspace makeFrameWorkspace(const CalibrationProblem& problem) {
  const SolveModel& model = problem.model;
  const std::size_t joints = model.joints(), markers = problem.subject.markers.size();
  FrameWorkspace w;
  w.world.resize(joints);
  w.turn.resize(joints);
  w.weight.resize(markers);
  w.place.resize(markers);
  w.residual.resize(markers);
  w.terms.reserve(markers);
  w.matrix.resize(model.matrix_size);
  w.gradient.resize(model.freedoms());
  w.axes.resize(6 * model.freedoms());
  w.moments.resize(21 * joints);
  w.forces.resize(6 * joints);
  w.rows.resize(model.freedoms() * problem.layout.count);
  return w;
}

void FrameSystem::measure(PosedFrame& frame) const {
  const SolveModel& model = problem.model;
  FrameWorkspace& w = workspace;
  for (std::size_t j = 0; j < model.joints(); ++j) {
    if (model.joint_freedoms[j] == 6 || model.joint_parent[j] < 0) continue;
    frame.parent_from_joint[j].translation = sizes.joint_place[j];
  }
  solve::worldFromJoints(model, frame.parent_from_joint, w.world);
  for (std::size_t j = 0; j < model.joints(); ++j) {
    w.turn[j] = glm::mat3_cast(w.world[j].rotation);
  }
  const glm::dvec3 origin = w.world[0].translation;
  const double squared_radius = trust.robust_radius * trust.robust_radius;
  double squares = 0.0;
  for (std::size_t m = 0; m < problem.subject.markers.size(); ++m) {
    w.weight[m] = 0.0;
    if (!frame.there[m]) continue;
    const auto joint = static_cast<std::size_t>(problem.subject.markers[m].joint);
    glm::dvec3 offset = sizes.marker_offset[m];
    if (!frame.bend.empty()) offset += frame.bend[joint] * sizes.marker_slide[m];
    const glm::dvec3 place = w.world[joint].translation + w.turn[joint] * offset;
    w.place[m] = place - origin;
    w.residual[m] = frame.seen[m] - place;
    const double squared = glm::dot(w.residual[m], w.residual[m]);
    squares += squared;
    // Geman and McClure's weight (1985).
    const double ratio = 1.0 + squared / squared_radius;
    w.weight[m] = 1.0 / (ratio * ratio * marker_sigma[m] * marker_sigma[m]);
  }
  frame.rms = std::sqrt(squares / static_cast<double>(std::max<std::size_t>(frame.count, 1)));
}

void FrameSystem::factorPose(const PosedFrame& frame) const {
  const SolveModel& model = problem.model;
  FrameWorkspace& w = workspace;
  solve::fillAxes(model, w.world, w.world[0].translation, w.axes);
  w.terms.clear();
  for (std::size_t m = 0; m < problem.subject.markers.size(); ++m) {
    if (!frame.there[m]) continue;
    solve::MarkerTerm term{};
    for (int k = 0; k < 3; ++k) {
      term.position[k] = w.place[m][k];
      term.residual[k] = w.residual[m][k];
    }
    term.information[0] = term.information[3] = term.information[5] = w.weight[m];
    term.joint = problem.subject.markers[m].joint;
    w.terms.push_back(term);
  }
  std::fill(w.moments.begin(), w.moments.end(), 0.0);
  std::fill(w.forces.begin(), w.forces.end(), 0.0);
  const solve::TreeSystem system = solve::treeSystemOf(model, w);
  const solve::TreeKernels& kernels = solve::baselineTreeKernels();
  kernels.addMarkers(system, w.terms.data(), w.terms.size());
  kernels.project(system);
  addRestPull(model, frame, trust.rest_sigma, w);
  addSharedBends(problem, frame, trust.share_sigma, w);
  kernels.factorAndSolve(system);
}

void FrameSystem::move(std::span<const double> step, PosedFrame& frame) const {
  const SolveModel& model = problem.model;
  solve::forEachMovingJoint(model, [&](std::size_t joint, std::size_t first) {
    const auto count = static_cast<std::size_t>(model.joint_freedoms[joint]);
    double bounded[6];
    double squared = 0.0;
    for (std::size_t k = 0; k < 3; ++k) squared += step[first + k] * step[first + k];
    const double turn = std::sqrt(squared);
    const double scale = turn > trust.largest_turn ? trust.largest_turn / turn : 1.0;
    for (std::size_t k = 0; k < count; ++k) bounded[k] = step[first + k] * (k < 3 ? scale : 1.0);
    solve::moveJoint(model, joint, bounded, frame.parent_from_joint[joint]);
  });
}

void FrameSystem::fitPose(int iterations, PosedFrame& frame) const {
  for (int i = 0; i < iterations; ++i) {
    measure(frame);
    factorPose(frame);
    move(workspace.gradient, frame);
  }
  measure(frame);
}

}  // namespace understudy::calibrate
