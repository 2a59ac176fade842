#pragma once

#include "capture/reconstruct/reconstruct.h"

namespace understudy::reconstruct {

/// Takes a sample of the frame that was finished last into every camera's health, and sets the
/// noise that the next frame's rays are weighted by. Does a bounded amount of work.
void learnCameraHealth(const ReconstructSettings& settings, ReconstructState& state);

}  // namespace understudy::reconstruct
