#pragma once

#include <cstdint>
#include <vector>

#include "capture/frame/frames.h"
#include "capture/solve/smooth_hand.h"
#include "capture/solve/solve_subject.h"

namespace understudy::solve {

/// How far behind a smoother is, and how it believes that people move.
struct SmootherSettings {
  std::size_t lag = 4;      ///< Frames.
  double unforeseen = 4.0;  ///< Times the filter's variance of what it does not foresee: joints are
                            ///< smoothed each on its own, and must not part from each other.
};

/// What a smoother remembers of one solved frame: what the filter believed, and what it then
/// expected of the next frame.
struct SmootherFrame {
  std::uint64_t sequence = 0;
  std::vector<math::RigidTransformd> pose, expected;  ///< Per joint.
  /// Per freedom: mean speed, and variances of place, both, speed.
  std::vector<double> velocity, place, both, speed;
  /// Per freedom: the same as expected of the next frame.
  std::vector<double> expected_velocity, expected_place, expected_both, expected_speed;
  /// Per freedom 4: the way from (place, speed) to the next frame's.
  std::vector<double> transition;
  std::vector<SmootherHand> hands;  ///< Of the model.
};

/// The frames that a smoother looks back on; a ring.
struct SmootherState {
  std::vector<SmootherFrame> frames;  ///< Lag + 1.
  std::size_t count = 0;              ///< Of those that follow each other.
  /// Per joint: 1 where markers show it and the one above. Others share their turns with their
  /// neighbours in a way that smoothing each alone would break: they stay as solved.
  std::vector<std::uint8_t> smooths;
};

SmootherState makeSmootherState(const subject::Subject& subject, const SolveModel& model,
                                const SmootherSettings& settings);

/// Scratch; one per thread, for its largest subject.
struct SmootherWorkspace {
  std::vector<math::RigidTransformd> pose;
  std::vector<double> velocity, information;
  std::vector<std::vector<double>> coordinate;  ///< Per hand.
  std::vector<glm::dquat> turns;
};

SmootherWorkspace makeSmootherWorkspace(const SolveModel& largest);

/// Smooths a recording as it is solved, some frames behind: what came later tells how each freedom
/// went (Rauch, Tung and Striebel, "Maximum likelihood estimates of linear dynamic systems", 1965,
/// on the motion filters of SolveSubjects). A gap shorter than the lag is bridged, for how it ended
/// is known. Not for the frame path of a live stage: it has lag, but allocates nothing either.
struct SmoothSubject {
  const SolveModel& model;
  const SmootherSettings& settings;
  const SolveSettings& solve_settings;
  double rate_hz;
  const SolveState& solved;  ///< Its newest frame.
  SmootherState& state;
  SmootherWorkspace& workspace;

  /// Takes the newest frame. True if it leaves the pose of the frame `lag` before it, which was
  /// solved at `sequence`, in `parent_from_joint` (one entry per joint). A frame that does not
  /// follow or is not tracked starts anew: the poses still behind are given up.
  bool run(std::uint64_t& sequence, std::vector<math::RigidTransformd>& parent_from_joint) const;
};

}  // namespace understudy::solve
