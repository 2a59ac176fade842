#pragma once

#include "capture/reconstruct/reconstruct.h"

namespace understudy::reconstruct {

/// Prepares a camera for the frame path: its float view, with a radial polynomial fitted to the
/// lens that undistorts the whole sensor to 0.002 px, or `exact_lens` where none does.
PreparedCamera prepareCamera(const camera::Camera& camera);

}  // namespace understudy::reconstruct
