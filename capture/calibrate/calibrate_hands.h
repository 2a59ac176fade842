#pragma once

#include <string>
#include <vector>

#include "capture/calibrate/calibrate_subject.h"
#include "capture/calibrate/frame_system.h"
#include "capture/file/marker_clip.h"

namespace understudy::calibrate {

/// Finds the fingers of a body that is calibrated: how the hand lies about them, where digits
/// begin, how long their bones are and where their markers sit, from the frames that the body was
/// posed in. Poses and sizes take turns: fingers are fitted in every frame (solve::FitHand), then
/// all sizes of a hand to all frames, with the subject's own sizes as prior. `result.subject` has
/// the fingers as they are expected; their sizes are changed and what was found is appended to
/// `result.sizes`. Markers that the clip never shows stay.
void calibrateHands(const file::MarkerClip& clip, const solve::SolveModel& body_model,
                    const std::vector<PosedFrame>& frames, SubjectCalibration& result);

}  // namespace understudy::calibrate
