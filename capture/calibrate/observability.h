#pragma once

#include <vector>

#include "capture/calibrate/calibrate_subject.h"
#include "capture/calibrate/dense.h"
#include "capture/calibrate/frame_system.h"
#include "capture/calibrate/size_prior.h"

namespace understudy::calibrate {

/// Factors the matrix of the sizes with the frames of joints held: what only their convention
/// leaves open is no doubt.
SymmetricMatrix factorHeld(SymmetricMatrix matrix, const std::vector<GaugeDirection>& gauge);

/// What the recording told of every size: the covariance that is left against that of the prior.
/// `factored` is factorHeld of the sizes' matrix with the prior in it, poses eliminated, in units
/// of 1 / (metres^2 `scale`). Names and hints are filled in; indices are those of the problem's
/// subject.
std::vector<CalibratedSize> judgeSizes(const CalibrationProblem& problem, const SizePrior& prior,
                                       const BodySizes& sizes, const SymmetricMatrix& factored,
                                       double scale, const std::vector<PosedFrame>& frames);

/// The motion that shows where this joint sits and what hangs on it: the one of its three turns
/// that the frames have the least of, named in words.
std::string motionHint(const CalibrationProblem& problem, std::size_t joint,
                       const std::vector<PosedFrame>& frames);

}  // namespace understudy::calibrate
