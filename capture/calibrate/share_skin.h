#pragma once

#include <vector>

#include "capture/calibrate/frame_system.h"

namespace understudy::calibrate {

/// Finds which markers sit on skin between two segments, and the second joint's share in them: of
/// the linear blend of where both joints have a marker, the share that leaves the least squares.
/// Only where that explains clearly more than one joint alone. One entry per shown marker, without
/// a joint where there is none. `frames` are posed; `robust_radius` as in CalibrateSettings.
std::vector<subject::SkinShare> shareSkin(const CalibrationProblem& problem, const BodySizes& sizes,
                                          double robust_radius,
                                          const std::vector<PosedFrame>& frames);

}  // namespace understudy::calibrate
