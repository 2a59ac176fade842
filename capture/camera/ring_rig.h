#pragma once

#include <cstddef>
#include <cstdint>

#include "capture/camera/rig.h"

namespace understudy::camera {

/// A ring of cameras alternating at 2.4 m and 3.6 m on a circle of 5 m radius, grown with the
/// square root of actors / 4 above four actors, aimed at 1 m over the middle of the floor; 2048 x
/// 1088 px, f 1500 px, k1 -0.1, k2 0.02. `cameras` is 1 to kMaxCameras.
Rig makeRingRig(std::size_t cameras, std::size_t actors, double rate_hz);

/// The rig as an imperfect calibration knows it: each camera turned, moved and refocused a little,
/// so that points of the volume land about `error_px` (RMS) from where the given rig sees them.
/// The same seed gives the same rig.
Rig perturbRig(const Rig& rig, double error_px, std::uint64_t seed);

/// The camera as it stands after a bump that moves its image by `shift_px`: turned about an axis
/// across its view.
Camera bumpCamera(const Camera& camera, double shift_px);

}  // namespace understudy::camera
