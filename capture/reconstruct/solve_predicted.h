#pragma once

#include "capture/reconstruct/reconstruct.h"

namespace understudy::reconstruct {

/// The half of FinishFrame that turns the sums of predicted markers into markers, appended to its
/// cloud. Where the sums are doubtful (large residual, long step, rays nearly parallel) rays are
/// looked at one by one, and the worst are given back to `free`.
void solvePredicted(const FinishFrame& job);

}  // namespace understudy::reconstruct
