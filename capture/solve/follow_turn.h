#pragma once

#include <cstdint>
#include <glm/glm.hpp>
#include <vector>

#include "capture/frame/frames.h"
#include "capture/solve/solve_subject.h"
#include "capture/subject/subject.h"

namespace understudy::solve {

/// When and how a motion that turned in one frame is looked for.
struct FollowSettings {
  std::uint32_t fewest_open = 3;  ///< Markers without a place among those seen a moment ago ...
  double open_share = 0.12;       ///< ... and at least this share of them.
  double reach = 0.03;  ///< A marker lies this near to where the found motion has it, metres.
  double better_share = 0.15;  ///< Share of the markers that must fit better than as predicted.
};

/// Scratch; one per thread, for the largest subject.
struct FollowWorkspace {
  std::vector<frame::Marker> pool;    ///< Unnamed markers and the subject's own.
  std::vector<std::int32_t> markers;  ///< Of the subject, seen a moment ago.
  /// Per entry of `markers`: where it was, where it would go on to, where the solver expects it,
  /// and for one trial.
  std::vector<glm::dvec3> held, moved, expected, placed;
  std::vector<std::int32_t> point_of_marker, marker_of_point;
  std::vector<double> point_distance;
  std::vector<math::RigidTransformd> world_from_joint, pose;
  frame::LabelledSubject labelled;
};

FollowWorkspace makeFollowWorkspace(const subject::Subject& largest, std::size_t most_points);

/// Follows a tracked subject whose motion stopped or turned about between two frames: an impact, a
/// recording that jumps or plays on backwards. Many markers are then where nobody looks for them,
/// and their neighbours take their names. Tries how far along its motion of late the body went
/// this time, backwards too, and names the markers by the best answer if clearly more of them fit.
struct FollowTurn {
  const FollowSettings& settings;
  const subject::Subject& subject;
  std::uint32_t subject_index;
  const SolveModel& model;
  const SolveSettings& solve_settings;
  const TreeKernels& kernels;
  double seconds;                  ///< Since the state's newest frame.
  frame::LabelledMarkers& labels;  ///< Renamed where the body was found.
  SolveState& state;               ///< Its velocities are those of the found motion.
  SolveWorkspace& solve_workspace;
  FollowWorkspace& workspace;

  /// True if the body was found elsewhere than expected.
  bool run() const;
};

}  // namespace understudy::solve
