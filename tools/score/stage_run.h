#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "capture/pipeline/capture_path.h"
#include "engine/core/histogram.h"
#include "engine/core/result.h"
#include "tools/scoring/stage_meter.h"
#include "tools/scoring/stage_scorer.h"
#include "tools/simulation/simulation.h"

namespace understudy::score {

/// Frames at the start whose times and allocations are not counted; half the run where that is
/// less.
inline constexpr std::uint64_t kWarmUpFrames = 480;

/// What a run through the capture path showed.
struct StageOutcome {
  std::size_t markers = 0, cameras = 0, actors = 0;
  double rate_hz = 0;
  std::uint64_t warm_up_frames = 0;
  scoring::StageScore score;
  bool marker_files = false;  ///< The first performer moves by a marker file.
  /// Processor time per frame, of all threads together; of it what other threads than the path's
  /// own did, and besides what threads looked or waited for work.
  core::Histogram sync_cpu, reconstruct_cpu, label_cpu, solve_cpu_per_actor, crew_cpu, waited_cpu;
  /// From the frame's last packet to its markers and to its poses.
  core::Histogram reconstruct_after, capture_after;
  /// The whole frame, all its packets, its poses, and what the next one needs: by the clock, and by
  /// the processor time of the path's own thread.
  core::Histogram whole, own_cpu;
  double boot_cpu_ms = 0;  ///< Processor time of labelling up to the boot frame.
  std::optional<double> allocations_per_frame;  ///< Nothing where they cannot be counted.
  scoring::StageFigures stage;                  ///< Of the simulation, from its truth alone.
  sync::AssemblyCounters packets;
  std::uint64_t hash = 0;
  const char* kernels = "";
  std::size_t threads = 1;     ///< That worked on a frame.
  double held_out_rms_mm = 0;  ///< See runHeldOut; NaN where it was not measured.
  std::uint64_t held_out_frames = 0;
};

/// Runs the simulated stage through the capture path without a network, as fast as it goes.
/// `progress` is told the number of frames done.
core::Result<StageOutcome> runStage(simulation::Simulation& simulation,
                                    const pipeline::PipelineSettings& settings,
                                    std::uint64_t frames,
                                    const std::function<void(std::uint64_t)>& progress);

}  // namespace understudy::score
