#pragma once

#include <cstddef>

#include "capture/source/simulated_stage.h"
#include "tools/report/canvas.h"

namespace understudy::score {

/// What is to be drawn of a camera's image.
struct ViewOptions {
  std::size_t camera = 0;
  bool names = false;  ///< Writes the markers' names beside them.
};

/// Draws what one camera sees of the frame that the stage simulated last: its blobs as light on
/// dark ground at the size of the sensor, ringed by what they really are, the markers that it does
/// not see, the bodies that hide them, and a legend below with the counts.
report::Canvas drawView(const source::SimulatedStage& stage, const source::StageFrame& frame,
                        const ViewOptions& options);

}  // namespace understudy::score
