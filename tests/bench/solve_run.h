#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "capture/solve/smooth_subject.h"
#include "tests/bench/solve_recording.h"
#include "tools/scoring/finger_score.h"
#include "tools/scoring/foot_score.h"
#include "tools/scoring/pose_score.h"

namespace understudy::bench {

inline constexpr std::size_t kMostOnJoint = 5;  ///< Markers; more count as so many.
inline constexpr std::size_t kWarmUp = 48;      ///< Frames at first that no figure counts.

/// What is measured, and with which settings of the solver; zeros stand for its own.
struct SolveBenchOptions : RecordingOptions {
  double marker_sigma_mm = 0.0;
  int iterations = 0;
  double habit_time = 0.0, hold_sigma_mm = 0.0, hold_drift_mm = 0.0;
  std::size_t smooth_lag = 0;
  double smooth_unforeseen = solve::SmootherSettings{}.unforeseen;
  double soak_minutes = 0.0;
  bool baseline = false;
  bool joints = false;  ///< A table of joints, too.
  double simbody_accuracy = 1e-5;
  bool no_simbody = false;
  std::size_t oracle_frames = 0;  ///< Of the run, for the oracle; 0: none.
  double oracle_turn_sigma = 60.0;
};

/// What came of one run.
struct SolveFigures {
  std::vector<double> us;                       ///< Per frame, all actors.
  std::vector<double> foresight_us;             ///< Per frame, all actors.
  scoring::SpreadMeter mm, deg, ahead, steady;  ///< Steady: at constant velocity.
  scoring::SpreadMeter slide;
  scoring::SpreadMeter finger_deg, finger_mm;
  double finger_nees_sum = 0, finger_nees_count = 0;
  scoring::SpreadMeter smooth_mm, smooth_deg, behind_mm,
      behind_deg;  ///< Smoothed, and those very frames unsmoothed.
  double jitter_squares = 0, jitter_count = 0;
  std::uint64_t slid = 0;
  double ahead_nees_sum = 0, ahead_nees_count = 0;
  scoring::SpreadMeter marked_deg;  ///< Joints that carry markers.
  /// The same by how many markers a joint carries, and how many of them are seen.
  std::array<std::array<scoring::SpreadMeter, kMostOnJoint + 1>, kMostOnJoint + 1> sight_deg;
  double nees_sum = 0, nees_count = 0;
  std::uint64_t diverged = 0;
  std::vector<scoring::SpreadMeter> joint_deg, joint_mm;  ///< Per joint of the first actor.
};

/// Adds what one performer's poses scored.
void addScore(const scoring::PoseScore& score, SolveFigures& figures);

/// Errors of all joints that carry markers; with `each` of every joint by itself, too.
void addJoints(const subject::Subject& subject, const source::PerformerTruth& truth,
               const frame::LabelledSubject& labels, const frame::SkeletonPose& pose, bool each,
               SolveFigures& figures);

/// Our solver on the recording's markers.
SolveFigures runSolver(const SolveRecording& recording, const SolveBenchOptions& options);

}  // namespace understudy::bench
