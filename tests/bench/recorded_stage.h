#pragma once

#include <cstdint>
#include <vector>

#include "capture/frame/frames.h"
#include "capture/source/simulated_stage.h"
#include "engine/core/result.h"

namespace understudy::bench {

/// What is simulated for one line of the table.
struct StageSize {
  std::size_t cameras = 8;
  std::size_t actors = 1;
  std::size_t frames = 120;
  double noise_px = 0.1;
  double rig_error_px = 0.0;
  std::uint64_t seed = 1;
};

/// Exposures of the simulated stage with bodies, false and merged blobs, made before anything is
/// timed.
struct RecordedStage {
  camera::Rig known_rig;
  std::vector<std::size_t> marker_counts;  ///< Per performer.
  std::size_t markers = 0;                 ///< Of all performers.
  std::size_t blobs = 0;                   ///< Of all frames.
  std::vector<source::StageFrame> frames;
};

/// Fails where the demo motion or the marker set is missing.
core::Result<RecordedStage> recordStage(const StageSize& size);

/// Predictions of every marker: its true place with a normal error of `error` metres per axis. The
/// same seed gives the same predictions.
frame::PredictedMarkers predictTruth(const source::StageFrame& frame, double error, float sigma,
                                     std::uint64_t seed);

}  // namespace understudy::bench
