#pragma once

#include <cstdint>
#include <glm/glm.hpp>
#include <glm/gtc/quaternion.hpp>
#include <vector>

#include "capture/frame/frames.h"
#include "capture/solve/coupling.h"
#include "capture/solve/hand_model.h"
#include "capture/solve/lane_kernels.h"
#include "capture/solve/tree_kernels.h"
#include "capture/subject/subject.h"
#include "engine/core/result.h"
#include "engine/math/rigid_transform.h"

namespace understudy::solve {

/// What the solver believes about markers, motion and joints.
struct SolveSettings {
  double marker_sigma = 0.004;  ///< Most that skin is believed to add to a marker, metres; how much
                                ///< it does is measured. Fits without a history take it as it is.
  double robust_radius =
      0.02;  ///< A marker this far from the model has a quarter of its weight, metres.
  double angular_noise = 2500.0;   ///< Largest unforeseen acceleration of a turn, rad/s^2.
  double linear_noise = 150.0;     ///< The same of free joints, m/s^2.
  double least_turn_noise = 15.0;  ///< That of one who stands still, rad/s^2.
  double least_shift_noise = 0.5;  ///< The same, m/s^2.
  double hidden_damping = 0.88;    ///< Of velocities that no marker measures, per frame of 1/240 s.
  double hidden_turning = 2.0;     ///< How fast unseen joints may turn, rad/s.
  double hidden_speed = 0.5;       ///< How fast unseen free joints may move, m/s.
  double rest_sigma = 0.6;       ///< Stray from the rest pose, rad; pulls unseen free joints home.
  double rest_time = 1.0;        ///< Time constant of that pull, seconds.
  double largest_sigma = 0.8;    ///< Uncertainty of a joint that was unseen for long, rad.
  double limit_sigma = 0.05;     ///< Softness of joint limits, rad.
  double finger_radius = 0.012;  ///< As robust_radius, of markers on fingers, metres.
  double finger_sigma = 0.002;   ///< As marker_sigma, of markers on fingers, metres.
  double hold_sigma = 5e-4;      ///< How firmly a foot that stands is held, metres.
  double hold_drift = 3.5e-4;  ///< It stands while its place of late is so near that of longer ago.
  double hold_reach = 2e-3;    ///< It has gone if it is further than this from there, metres.
  double habit_time = 3.0;     ///< Memory of how a performer holds and moves joints, seconds.
  double bias_time = 0.5;      ///< Memory of a hidden marker's offset from the model, seconds.
  double largest_bias = 0.018;   ///< Longest remembered offset, metres.
  double misfit_time = 0.1;      ///< Memory of how far markers lie from the model, seconds.
  double smallest_sigma = 3e-4;  ///< A marker's place is never predicted better than this, metres.
  double surprise_rise = 0.5;    ///< Share of a prediction's error that counts at once, 0..1.
  double surprise_time = 0.05;   ///< How long the error of predictions is remembered, seconds.
  double lost_share = 0.12;      ///< Below this share of markers seen, a subject ...
  double lost_time = 0.5;        ///< ... is lost after this many seconds.
  int iterations = 2;            ///< Gauss-Newton steps per frame.
};

/// Says which setting is out of range, if any.
core::Result<void> check(const SolveSettings& settings);

/// The degrees of freedom of a subject, laid out once. Joints without markers in their subtree have
/// none.
struct SolveModel {
  std::vector<std::int32_t> joint_parent;
  std::vector<std::int32_t> joint_freedom;   ///< First freedom of each joint, -1 for none.
  std::vector<std::int32_t> joint_freedoms;  ///< 0, 3 or 6.
  std::vector<std::int32_t> freedom_joint, freedom_parent, depth, row;
  std::vector<math::RigidTransformd> rest;  ///< parent_from_joint.
  /// Per joint: the axes that its turns are about, its anatomical ones (subject::JointModel); free
  /// joints turn about their own.
  std::vector<glm::dquat> joint_from_freedoms;
  /// Per freedom of a ball joint: its anatomical limits, radians, see subject::AxisLimit.
  std::vector<double> lower_limit, upper_limit;
  std::size_t matrix_size = 0;
  /// Per marker: the markers of its segment and the next ones, at most kMostNeighbours; entries
  /// neighbour_start[m] to neighbour_start[m + 1] of `neighbours`.
  std::vector<std::int32_t> neighbour_start, neighbours;
  std::vector<HandModel> hands;  ///< Those whose fingers carry markers.
  std::size_t body_markers = 0;  ///< Of the subject's; those on fingers come after them.

  std::size_t joints() const { return joint_parent.size(); }
  std::size_t freedoms() const { return freedom_joint.size(); }
};

SolveModel makeSolveModel(const subject::Subject& subject);

/// The same with joints that turn about their own axes and have no limits about them.
SolveModel makePlainSolveModel(const subject::Subject& subject);

/// Where a foot stands: it does while its place, by its own markers, stays near the mean since it
/// came to rest. Learnt from the motion alone: there need be no floor, and none is level. The ball
/// of the foot is held (the toes' joint), about which a foot rolls from heel to toe.
struct FootHold {
  std::size_t joint = 0;   ///< The foot's.
  glm::dvec3 offset{0.0};  ///< Of its ball, joint frame.
  glm::dvec3 mean{0.0};    ///< Place of the ball since it came to rest, world.
  glm::dvec3 late{0.0};    ///< Of late.
  double seconds = 0.0;    ///< Since it came to rest.
};

/// What is remembered of one subject between frames.
struct SolveState {
  bool tracked = false;
  std::uint64_t sequence = 0;                            ///< Of the newest solved frame.
  std::vector<math::RigidTransformd> parent_from_joint;  ///< Newest pose.
  /// Per joint: its place about the root, world axes; joints that no marker informs count as their
  /// parents. As the solver left it.
  std::vector<glm::dvec3> place;
  std::vector<double> velocity;  ///< Per freedom, 1/s.
  std::vector<double> variance;  ///< Per freedom, given its ancestors.
  /// Per joint: covariances of its turns with each other, xy, xz, yz, given the joints above.
  std::vector<glm::dvec3> turn_covariance;
  std::vector<double> place_variance;       ///< Per freedom: as the filter of its motion believes.
  std::vector<double> velocity_variance;    ///< Per freedom.
  std::vector<double> velocity_covariance;  ///< Per freedom: with the freedom itself.
  /// Per freedom: of the unforeseen acceleration, as the motion of late shows it.
  std::vector<double> acceleration_variance;
  std::vector<double> innovation;         ///< Per freedom: the newest correction,
  std::vector<double> innovation_energy;  ///< and its mean square of late.
  std::vector<double> observed;  ///< Per freedom: share of it that the newest markers told, 0..1.
  /// Per freedom of a ball joint: the habit of the performer of late, see habit.h.
  std::vector<double> habit_mean, habit_variance, habit_speed;
  /// Per freedom: the angle, radians, that its limb's other joints suggest beside the habit's mean,
  /// and its speed; see coupling.h.
  std::vector<double> suggested, suggested_speed;
  std::vector<JointCoupling> couplings;
  std::vector<double> turned_velocity;  ///< Velocity before the motion last turned (FollowTurn).
  double turned_seconds = 1.0;          ///< Since then.
  std::vector<std::uint8_t> measured;   ///< Per joint: a marker informed it in the newest frame.
  std::vector<FootHold> feet;           ///< Of those that have toes.
  std::vector<glm::dvec3> bias;         ///< Per marker: its own offset from the model, joint frame.
  std::vector<double> unseen;           ///< Per marker: seconds since it was seen.
  /// Per joint: mean square error of its markers' predictions of late, per axis, square metres.
  std::vector<double> surprise;
  std::vector<HandState> hands;   ///< One per hand of the model.
  double misfit = 0.0;            ///< Mean square distance of the markers from the model of late,
                                  ///< square metres.
  double fitted = 1.0;            ///< Share of the markers' variance that the newest pose followed.
  double surprise_seconds = 1.0;  ///< Step of time of those predictions.
  double tracked_seconds = 1e9;   ///< Since recognition found it.
  double unseen_share_time = 0;   ///< Seconds with too few markers.
};

SolveState makeSolveState(const subject::Subject& subject, const SolveModel& model);

/// Scratch of the solver; one per thread, for its largest subject.
struct SolveWorkspace {
  std::vector<math::RigidTransformd> predicted, candidate, world_from_joint;
  std::vector<double> matrix, gradient, axes, moments, forces, information, squared_distances;
  std::vector<MarkerTerm> terms;
};

SolveWorkspace makeSolveWorkspace(const SolveModel& model, const subject::Subject& subject);

/// Time from the frame that the state is of to a later one, seconds: one frame at least, 240 at
/// most.
double secondsSince(const SolveState& state, std::uint64_t sequence, double rate_hz);

/// A subject and markers whose pose is to be fitted, one subject at a time and off the common path:
/// recognition, repair, what-if tests. SolveSubjects solves frames.
struct FitSubject {
  const subject::Subject& subject;
  const SolveModel& model;
  const SolveSettings& settings;
  const TreeKernels& kernels;
  const frame::LabelledSubject& labelled;
  double rate_hz;
  const SolveState& state;
  SolveWorkspace& workspace;
};

/// Appends where each marker of the subject will be at the frame after the state's newest,
/// `frames_ahead` exposures later. Nothing is appended for a subject that is not tracked.
struct PredictSubject {
  const subject::Subject& subject;
  std::uint32_t subject_index;
  const SolveModel& model;
  const SolveSettings& settings;
  double seconds_ahead;
  const SolveState& state;
  SolveWorkspace& workspace;
  std::vector<frame::PredictedMarker>& markers;

  void run() const;
};

/// Fits the pose to markers from a rough start without any motion prior (recognition, static fits):
/// `iterations` steps; returns the RMS distance of the seen markers in metres. `world` start is
/// `parent_from_joint`, updated in place.
double fitPose(const subject::Subject& subject, const SolveModel& model,
               const SolveSettings& settings, const TreeKernels& kernels,
               const frame::LabelledSubject& labelled, int iterations, SolveWorkspace& workspace,
               std::vector<math::RigidTransformd>& parent_from_joint);

/// Starts tracking from a pose that recognition found.
void startTracking(const SolveModel& model, std::uint64_t sequence,
                   const std::vector<math::RigidTransformd>& parent_from_joint, SolveState& state);

/// Moves some joints of a tracked subject to where they were found again; `moved` has one entry per
/// joint.
void moveJoints(const SolveModel& model,
                const std::vector<math::RigidTransformd>& parent_from_joint,
                const std::vector<std::uint8_t>& moved, SolveState& state);

/// World position of a subject's marker for given world joints.
glm::dvec3 markerPosition(const subject::SubjectMarker& marker,
                          const std::vector<math::RigidTransformd>& world_from_joint);

}  // namespace understudy::solve
