#pragma once

#include <cstddef>
#include <cstdint>

namespace understudy::solve {

/// Subjects of one shape that are solved side by side, one to a lane of a vector register.
inline constexpr std::size_t kSolveLanes = 4;

/// A performer's learnt spread and tempo (habit.h) are never less or more than these: radians, 1/s.
inline constexpr double kLeastSpread = 0.035, kLeastTempo = 0.5, kMostTempo = 30.0;

/// A freedom of which markers told less than the first is hidden, more than the second is not.
inline constexpr double kHiddenBelow = 0.1, kShownAbove = 0.5;

/// Habits are learnt in turns, a joint in every so many frames.
inline constexpr std::size_t kHabitTurns = 4;

/// Neighbours of a marker that count; see SolveModel.
inline constexpr std::size_t kMostNeighbours = 24;

/// Of a hand with fingers (hand_model.h).
inline constexpr std::size_t kHandJoints = 15, kHandFreedoms = 20;
inline constexpr std::size_t kMostHandCoordinates = kHandFreedoms;
inline constexpr std::size_t kMostHands = 2;
inline constexpr std::size_t kHandPoseValues = kHandFreedoms * 4 + kHandJoints * 16;
inline constexpr std::size_t kHandPosePlaces =
    kHandFreedoms + kHandJoints * 13;  ///< Of its joints.

// How the coordinates of a hand move (hand_model.h).
inline constexpr double kHandNoise = 0.15;  ///< Of a coordinate by one frame's markers, about.
inline constexpr double kHandAcceleration = 400;  ///< Unforeseen, of fingers that rest, 1/s^2,
inline constexpr double kHandTempo = 100;         ///< and for each of a coordinate's speed, 1/s.
inline constexpr double kHandMemory = 0.25;       ///< Until hidden fingers are as usual, seconds.
inline constexpr double kHandDamping = 0.08;      ///< Until they stand still, seconds.

/// One number per lane.
struct alignas(32) LaneValue {
  double of[kSolveLanes];
};

/// A hand whose fingers carry markers.
struct LaneHandShape {
  std::int32_t joint = 0;  ///< The hand's, of the shape's.
  std::size_t coordinates = 0, markers = 0;
  const std::int32_t* marker_joint = nullptr;  ///< Per marker: of the hand's fifteen.
};

/// What subjects share that are solved side by side. Only joints count that carry markers or lead
/// to some, parents first. Freedoms are numbered as in SolveModel.
struct LaneShape {
  std::size_t joints = 0, freedoms = 0, markers = 0, feet = 0;
  const std::int32_t* parent = nullptr;          ///< Per joint, -1 for roots.
  const std::int32_t* joint_freedom = nullptr;   ///< Per joint: its first one, -1 for none.
  const std::int32_t* joint_freedoms = nullptr;  ///< Per joint: 0, 3 or 6.
  const std::int32_t* freedom_joint = nullptr;
  const std::int32_t* freedom_parent = nullptr;
  const std::int32_t* leads = nullptr;  ///< Per joint: 1 where joints or fingers hang on it.
  const std::int32_t* marker_joint = nullptr;
  /// Per marker: the joint that has a share in it, its own joint's parent or child; -1: none.
  const std::int32_t* marker_also = nullptr;
  /// Markers by joint: entries marker_begin[j] to marker_begin[j + 1] of `marker_order`.
  const std::int32_t* marker_begin = nullptr;
  const std::int32_t* marker_order = nullptr;
  const std::int32_t* foot_joint = nullptr;  ///< Per foot.
  const std::int32_t* learns = nullptr;      ///< Per joint: 1 where markers show its parent, too.
  const std::int32_t* neighbour_start = nullptr;  ///< As in SolveModel.
  const std::int32_t* neighbours = nullptr;
  std::size_t hands = 0;
  LaneHandShape hand[kMostHands];  ///< Their markers are none of `markers`.
};

/// The fingers of one hand, see HandModel and HandState; as LaneArrays otherwise.
struct LaneHandArrays {
  LaneValue* before = nullptr;       ///< Per joint 4: parent from anatomical axes at rest.
  LaneValue* after = nullptr;        ///< Per joint 4: anatomical axes from the joint's own.
  LaneValue* translation = nullptr;  ///< Per joint 3.
  LaneValue* mean = nullptr;         ///< Per freedom.
  LaneValue* basis = nullptr;        ///< Per freedom, per coordinate.
  LaneValue* lower_limit = nullptr;  ///< Per freedom.
  LaneValue* upper_limit = nullptr;
  LaneValue* offset = nullptr;  ///< Per marker 3, joint frame.
  // State.
  LaneValue* coordinate = nullptr;
  LaneValue* velocity = nullptr;     ///< Per coordinate.
  LaneValue* information = nullptr;  ///< Per pair of coordinates, lower triangle.
  LaneValue* bias = nullptr;         ///< Per marker 3.
  LaneValue* unseen = nullptr;       ///< Per marker.
  LaneValue* misfit = nullptr;       ///< One: mean square distance of the markers of late.
  LaneValue* surprise = nullptr;     ///< One: mean square error of their predictions of late.
  // Of the frame.
  LaneValue* seen = nullptr;        ///< Per marker.
  LaneValue* position = nullptr;    ///< Per marker 3.
  LaneValue* covariance = nullptr;  ///< Per marker 6.
  // Results.
  LaneValue* rotation = nullptr;          ///< Per joint 4: parent_from_joint.
  LaneValue* joint_covariance = nullptr;  ///< Per joint 6.
  // Scratch.
  LaneValue* predicted = nullptr;  ///< Per coordinate.
  LaneValue* candidate = nullptr;
  LaneValue* prior = nullptr;  ///< Per pair: information of the prediction.
  LaneValue* factor = nullptr;
  LaneValue* step = nullptr;
  LaneValue* sides =
      nullptr;  ///< Per coordinate 7: how it meets the motion, and the gradient, solved.
  LaneValue* pose = nullptr;      ///< kHandPoseValues: the fingers in the world, about the root.
  LaneValue* place = nullptr;     ///< Per marker 3: by the model, about the root.
  LaneValue* residual = nullptr;  ///< Per marker 3.
  LaneValue* squared_distance = nullptr;    ///< Per marker.
  LaneValue* marker_information = nullptr;  ///< Per marker 6.
};

/// What the kernels read and write, structure of arrays: component k of entry i of an array with n
/// components is at n * i + k. Metres, radians, seconds, world frame unless said; quaternions x, y,
/// z, w. A lane without a subject holds a resting one that sees nothing.
struct LaneArrays {
  // Of the subjects.
  LaneValue* rest_rotation = nullptr;     ///< Per joint 4: parent_from_joint.
  LaneValue* rest_translation = nullptr;  ///< Per joint 3.
  LaneValue* offset = nullptr;            ///< Per marker 3, joint frame.
  LaneValue* also_share = nullptr;        ///< Per marker: of LaneShape::marker_also,
  LaneValue* also_offset = nullptr;       ///< and per marker 3: in that joint's frame.
  LaneValue* foot_offset = nullptr;       ///< Per foot 3: its ball, joint frame.
  LaneValue* basis = nullptr;             ///< Per joint 9, columns: axes of its turns, joint frame.
  LaneValue* lower_limit = nullptr;       ///< Per freedom.
  LaneValue* upper_limit = nullptr;       ///< Per freedom.
  LaneValue* lever = nullptr;  ///< Per joint: the furthest that markers below it get from it.
  // Of their states (SolveState), read and written.
  LaneValue* rotation = nullptr;               ///< Per joint 4.
  LaneValue* translation = nullptr;            ///< Per joint 3.
  LaneValue* measured = nullptr;               ///< Per joint, 0 or 1.
  LaneValue* surprise = nullptr;               ///< Per joint.
  LaneValue* velocity = nullptr;               ///< Per freedom.
  LaneValue* variance = nullptr;               ///< Per freedom.
  LaneValue* turn_covariance = nullptr;        ///< Per joint 3: of its turns, given those above.
  LaneValue* place_variance = nullptr;         ///< Per freedom: of the filter's own belief.
  LaneValue* velocity_variance = nullptr;      ///< Per freedom.
  LaneValue* velocity_covariance = nullptr;    ///< Per freedom: with the freedom itself.
  LaneValue* acceleration_variance = nullptr;  ///< Per freedom.
  LaneValue* innovation = nullptr;             ///< Per freedom: the newest correction.
  LaneValue* innovation_energy = nullptr;      ///< Per freedom: its mean square of late.
  LaneValue* observed = nullptr;               ///< Per freedom, 0..1.
  LaneValue* habit_mean = nullptr;             ///< Per freedom.
  LaneValue* habit_variance = nullptr;         ///< Per freedom.
  LaneValue* habit_speed = nullptr;            ///< Per freedom: mean square.
  LaneValue* foot_mean = nullptr;              ///< Per foot 3: see FootHold.
  LaneValue* foot_late = nullptr;              ///< Per foot 3.
  LaneValue* foot_seconds = nullptr;           ///< Per foot.
  LaneValue* bias = nullptr;                   ///< Per marker 3.
  LaneValue* unseen = nullptr;                 ///< Per marker.
  LaneValue* misfit = nullptr;                 ///< One.
  LaneValue* fitted = nullptr;                 ///< One: see SolveState.
  // Of the frame.
  LaneValue* seen = nullptr;             ///< Per marker: confidence, 0 = not seen.
  LaneValue* position = nullptr;         ///< Per marker 3.
  LaneValue* covariance = nullptr;       ///< Per marker 6: xx, xy, xz, yy, yz, zz.
  LaneValue* seconds = nullptr;          ///< One: since the state's frame.
  LaneValue* hidden_damping = nullptr;   ///< One: of unseen velocities over that time.
  LaneValue* surprise_fall = nullptr;    ///< One: share of a surprise that this time forgets.
  LaneValue* suggested = nullptr;        ///< Per freedom, see SolveState,
  LaneValue* suggested_speed = nullptr;  ///< per freedom.
  LaneValue* habit_rate = nullptr;       ///< One: share of a habit that is replaced in its turn.
  LaneValue* rest_share = nullptr;       ///< One: of the pull to the rest pose.
  // Results.
  LaneValue* rms = nullptr;               ///< One: distance of seen markers from the model.
  LaneValue* joint_covariance = nullptr;  ///< Per joint 6: of its place, xx, xy, xz, yy, yz, zz.
  // Scratch.
  LaneValue* predicted_rotation = nullptr;     ///< Per joint 4.
  LaneValue* predicted_translation = nullptr;  ///< Per joint 3.
  LaneValue* candidate_rotation = nullptr;     ///< Per joint 4.
  LaneValue* candidate_translation = nullptr;  ///< Per joint 3.
  LaneValue* world_rotation = nullptr;         ///< Per joint 4.
  LaneValue* world_turn = nullptr;             ///< Per joint 9: the same as a matrix, columns.
  LaneValue* world_translation = nullptr;      ///< Per joint 3, about the root.
  LaneValue* axes = nullptr;                   ///< Per freedom 6, of the last step taken,
  LaneValue* step_place = nullptr;             ///< and per joint 3: where they were then.
  LaneValue* moments = nullptr;                ///< Per joint 21.
  LaneValue* forces = nullptr;                 ///< Per joint 6.
  LaneValue* reach = nullptr;     ///< Per freedom 6: of the factored tree, see lane_tree.inl;
  LaneValue* factor = nullptr;    ///< per freedom,
  LaneValue* open = nullptr;      ///< per freedom.
  LaneValue* gradient = nullptr;  ///< Per freedom: in the end its step.
  LaneValue* motion = nullptr;    ///< Per joint 6: turn and shift at the root, by the steps,
  LaneValue* motion_covariance = nullptr;  ///< and per joint 21, where it leads.
  LaneValue* expected_variance = nullptr;  ///< Per freedom: of the prediction,
  LaneValue* information = nullptr;        ///< Per freedom: the diagonal of its information,
  LaneValue* turn_information = nullptr;   ///< and per joint 3: between its turns.
  LaneValue* diagonal = nullptr;           ///< Per freedom: of the solution, one over the variance.
  LaneValue* marker_information = nullptr;  ///< Per marker 6.
  LaneValue* residual = nullptr;            ///< Per marker 3.
  LaneValue* place = nullptr;               ///< Per marker 3: by the model, about the root.
  LaneValue* squared_distance = nullptr;    ///< Per marker.
  LaneValue* foot_place = nullptr;          ///< Per foot 3: by the model, about the root.
  LaneValue* foot_hold = nullptr;           ///< Per foot: how surely it stands, 0..1,
  LaneValue* foot_variance = nullptr;       ///< Per foot: and how far from its mean.
  LaneValue* usual = nullptr;               ///< Per marker.
  LaneValue* skin_variance = nullptr;       ///< One: that skin adds to each marker.
  LaneValue* sudden = nullptr;              ///< Per joint: see SolveWorkspace::surprise.
  LaneHandArrays hand[kMostHands];
};

/// SolveSettings as the kernels use them.
struct LaneSettings {
  double finger_radius, finger_skin_variance, limit_information;  ///< Squared radius.
  double marker_variance, squared_radius;
  double hidden_turning, hidden_speed, largest_variance;
  double rest_information;
  double hold_variance, hold_drift, hold_reach;
  double bias_time, largest_bias, misfit_time;
  double smallest_variance, surprise_rise;
  double turn_noise, shift_noise, least_turn_noise, least_shift_noise;
  int iterations;
  std::size_t habit_turn;  ///< Of this frame, below kHabitTurns.
};

/// Numbers of a subject that are copied into its lane or out of it: rows of `width`, the i-th from
/// `stride` times `row[i]` on; without `row` there is one, from 0 on.
struct LaneRows {
  const std::int32_t* row = nullptr;
  std::size_t count = 1, width = 0, stride = 0;
};

inline constexpr std::size_t kMarkerFloats = 13;  ///< Of a frame::LabelledMarker.

/// The two builds give the same bytes; a lane's do not depend on the others.
struct LaneKernels {
  const char* name;
  /// Predicts, solves and updates the states of all lanes.
  void (*solve)(const LaneShape& shape, const LaneSettings& settings, const LaneArrays& arrays);
  /// Copies numbers of all lanes, side by side: `from` has one array per lane.
  void (*interleave)(const double* const* from, const LaneRows& rows, LaneValue* to);
  /// And back.
  void (*separate)(const LaneValue* from, const LaneRows& rows, double* const* to);
  /// Copies markers: position, covariance and confidence of each; all zeros where it is not seen.
  void (*interleaveMarkers)(const float* const* from, std::size_t count, const LaneArrays& to);
};

const LaneKernels& baselineLaneKernels();  ///< x86-64 of 2003.
const LaneKernels& v3LaneKernels();  ///< x86-64-v3 (2013 and later); call only where AVX2 is there.

}  // namespace understudy::solve
