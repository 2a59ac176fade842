#pragma once

#include <memory>
#include <span>
#include <vector>

#include "capture/solve/lane_kernels.h"
#include "capture/solve/solve_subject.h"

namespace understudy::solve {

/// Up to kSolveLanes subjects of one shape and with the same settings, and their numbers side by
/// side.
struct LaneGroup {
  std::vector<std::size_t> subjects;  ///< One per lane.
  std::vector<std::int32_t> joint;    ///< Of the skeleton, per joint of `shape`.
  std::vector<std::int32_t> indices;  ///< What the pointers in `shape` point into.
  std::vector<LaneValue> values;      ///< What those in `arrays` do.
  LaneShape shape;
  LaneArrays arrays;
  SolveState resting;    ///< Of lanes whose subject is not tracked; it sees nothing.
  SolveState discarded;  ///< What came of it.
  std::vector<frame::LabelledMarker> unseen;  ///< Its markers.
};

/// A subject and what its solution needs and changes.
struct LaneSubject {
  const subject::Subject* subject = nullptr;
  const SolveModel* model = nullptr;
  const SolveSettings* settings = nullptr;
};

/// Sorts subjects into groups, in their order. Offline: allocates.
std::vector<LaneGroup> makeLaneGroups(std::span<const LaneSubject> subjects);

/// Solves all tracked subjects of some groups, as many side by side as there are lanes: an iterated
/// extended Kalman filter in information form (Bell and Cathey, "The iterated Kalman filter update
/// as a Gauss-Newton method", 1993) on the tree of joint angles, with robust markers, soft limits
/// and a pull to the rest pose. Gives the most probable pose of this very frame, no lag. A
/// subject's bytes depend neither on the others nor on their order. Several threads may solve at
/// the same time, each with other groups.
struct SolveSubjects {
  std::span<const LaneSubject> subjects;
  const LaneKernels& kernels;
  std::span<const frame::LabelledSubject> labels;  ///< One per subject.
  core::Stamp stamp;
  double rate_hz;  ///< The exposure grid; time steps are sequence differences over this.
  std::span<LaneGroup> groups;  ///< Subjects of no group here are left alone.
  std::span<SolveState> states;
  std::span<frame::SkeletonPose> poses;

  void run() const;
};

}  // namespace understudy::solve
