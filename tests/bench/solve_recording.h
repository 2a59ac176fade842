#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "capture/frame/frames.h"
#include "capture/solve/solve_subject.h"
#include "capture/source/simulated_stage.h"
#include "engine/core/result.h"

namespace understudy::bench {

/// What performers do and how their markers are seen.
struct RecordingOptions {
  std::vector<std::string> motions;  ///< Empty: the demo's.
  std::string marker_set;            ///< A file; empty: the 53-marker body set.
  std::size_t frames = 480;
  double noise_mm = 0.5;  ///< Of each marker, per axis.
  double hidden = 0.0;    ///< Share of markers in gaps.
  double gap_frames = 60;
  double soft_tissue_mm = 0.0;
  std::uint64_t seed = 1;
  bool still = false;  ///< Performers hold their first pose.
};

/// Performers as the simulation moves them, and their markers with noise and gaps.
struct SolveRecording {
  std::vector<subject::Subject> subjects;
  double rate_hz = 240;
  std::vector<std::vector<source::PerformerTruth>> truth;   ///< Per frame and performer.
  std::vector<std::vector<frame::LabelledSubject>> labels;  ///< Per frame and performer.
};

core::Result<SolveRecording> recordMarkers(const RecordingOptions& options, std::size_t actors);

/// A true pose in the freedoms of the solver.
std::vector<math::RigidTransformd> solverPose(const solve::SolveModel& model,
                                              const std::vector<math::RigidTransform>& world);

}  // namespace understudy::bench
