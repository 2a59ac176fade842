#pragma once

#include "capture/reconstruct/matching.h"

namespace understudy::reconstruct {

/// Lists a camera's undistorted centroids row by row, as most sensors are read, if its packets have
/// another order. Ray::centroid says where in the packet they are.
void restoreRasterOrder(const Matching& matching);

}  // namespace understudy::reconstruct
