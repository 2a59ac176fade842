#pragma once

#include <cstdint>
#include <functional>

#include "capture/pipeline/capture_path.h"
#include "engine/core/result.h"
#include "tools/simulation/simulation.h"

namespace understudy::score {

/// Runs the stage through a capture path whose subjects lack a tenth of their markers; the blobs of
/// these stay, as light without a name. RMS distance in millimetres between where the solved model
/// puts the missing markers and where they are; NaN where nobody was tracked. `simulation` must be
/// fresh.
core::Result<double> runHeldOut(simulation::Simulation& simulation,
                                const pipeline::PipelineSettings& settings, std::uint64_t frames,
                                const std::function<void(std::uint64_t)>& progress);

}  // namespace understudy::score
