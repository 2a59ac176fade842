#pragma once

#include <vector>

#include "capture/calibrate/frame_system.h"
#include "capture/file/marker_clip.h"

namespace understudy::calibrate {

/// Frames of the clip, at most `most`, evenly spread, that show enough of the subject's markers to
/// pose it: a half of what is usual. `column` is each marker's place in the clip.
std::vector<PosedFrame> gatherFrames(const file::MarkerClip& clip,
                                     const std::vector<std::size_t>& column, std::size_t most);

/// Poses every frame for given sizes, from rest and from its neighbours.
void poseFrames(const CalibrationProblem& problem, const BodySizes& sizes,
                const std::vector<double>& marker_sigma, const FrameTrust& trust,
                std::size_t threads, std::vector<PosedFrame>& frames);

/// Keeps the `most` frames whose poses are the most unlike each other, in order; frames that fit
/// far worse than usual are left out first.
void keepVaried(const CalibrationProblem& problem, std::size_t most,
                std::vector<PosedFrame>& frames);

/// Drops this share of the frames, those that fit worst; the order stays.
std::size_t dropWorst(double share, std::vector<PosedFrame>& frames);

}  // namespace understudy::calibrate
