#pragma once

#include "capture/solve/solve_subject.h"

// The steps that solving and predicting share.

namespace understudy::solve {

/// Damping settings are per frame of this rate, Hz.
inline constexpr double kReferenceRate = 240.0;

/// x^n for small n by multiplication: std::pow may differ between machines.
double power(double base, double exponent);

inline bool isSeen(const frame::LabelledMarker& marker) { return marker.confidence > 0.0f; }

/// A slot's marker without its name.
inline frame::Marker unnamedMarker(const frame::LabelledMarker& marker) {
  return {.position = marker.position, .covariance = marker.covariance, .rays = 2};
}

/// The arrays of a model and of a workspace that has matrix, gradient, axes, moments and forces, as
/// the kernels take them.
template <class Workspace>
TreeSystem treeSystemOf(const SolveModel& model, Workspace& workspace) {
  return {.joints = model.joints(),
          .freedoms = model.freedoms(),
          .joint_parent = model.joint_parent.data(),
          .freedom_joint = model.freedom_joint.data(),
          .freedom_parent = model.freedom_parent.data(),
          .depth = model.depth.data(),
          .row = model.row.data(),
          .matrix = workspace.matrix.data(),
          .gradient = workspace.gradient.data(),
          .axes = workspace.axes.data(),
          .moments = workspace.moments.data(),
          .forces = workspace.forces.data()};
}

/// Chains the joints, parents first.
void worldFromJoints(const SolveModel& model,
                     const std::vector<math::RigidTransformd>& parent_from_joint,
                     std::vector<math::RigidTransformd>& world_from_joint);

/// Turns a joint by the step of its freedoms: rotations about its own axes, translations along its
/// parent's.
void moveJoint(const SolveModel& model, std::size_t joint, const double* step,
               math::RigidTransformd& local);

/// The step that leads from one local transform to another, in the freedoms of the joint.
void stepBetween(const SolveModel& model, std::size_t joint, const math::RigidTransformd& from,
                 const math::RigidTransformd& to, double* step);

/// Calls with every joint that can move and its first freedom.
template <class Function>
void forEachMovingJoint(const SolveModel& model, const Function& function) {
  for (std::size_t joint = 0; joint < model.joints(); ++joint) {
    if (model.joint_freedoms[joint] > 0) {
      function(joint, static_cast<std::size_t>(model.joint_freedom[joint]));
    }
  }
}

/// Axes of all freedoms about an origin near the subject, so that numbers stay small.
void fillAxes(const SolveModel& model, const std::vector<math::RigidTransformd>& world_from_joint,
              const glm::dvec3& origin, std::vector<double>& axes);

/// Variance that the uncertain joints above a marker give its predicted place, in square metres.
/// `position` and the axes are about the same origin.
double markerVariance(const SolveModel& model, const SolveWorkspace& workspace, int marker_joint,
                      const glm::dvec3& position);

/// Where the state expects the pose after `seconds`, and how sure the solver may be of it (per
/// freedom information).
void predictPose(const SolveModel& model, const SolveSettings& settings, const SolveState& state,
                 double seconds, std::vector<math::RigidTransformd>& predicted,
                 std::vector<double>& information);

/// Fits the pose to `job.labelled` from and about SolveWorkspace::predicted, believing it as far as
/// SolveWorkspace::information says; the answer is left in SolveWorkspace::candidate.
void fitNearPrediction(const FitSubject& job, int iterations);

/// A subject with too few of its body's markers for too long is lost and has to be recognised
/// again.
void updateTracking(const SolveModel& model, const frame::LabelledSubject& labelled,
                    const SolveSettings& settings, double seconds, SolveState& state);

/// Writes the state's pose as the frame's.
void publishPose(const SolveModel& model, const SolveState& state, frame::SkeletonPose& pose);

/// The rest pose laid over the seen markers of the root, or over all where those are too few.
std::vector<math::RigidTransformd> layRestPose(const subject::Subject& subject,
                                               const SolveModel& model,
                                               const frame::LabelledSubject& labelled);

}  // namespace understudy::solve
