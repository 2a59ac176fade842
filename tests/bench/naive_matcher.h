#pragma once

#include <vector>

#include "capture/frame/frames.h"
#include "capture/reconstruct/reconstruct.h"

namespace understudy::bench {

/// Reconstruction without a plan, the measure for a better one: every pair of cameras, every pair
/// of their blobs, epipolar test, triangulation; then every pair of the places found is compared
/// and joined; the places are taken in the order of their support, each blob once, and refined over
/// their rays. The outline is that of open optical trackers (AsterTrack's 2D-to-3D
/// "triangulateRays": pairs, merging of all intersections, greedy by number of cameras). It does no
/// needless work beyond that: rays are prepared once, the inner loop is a product with a line.
struct NaiveMatcher {
  const reconstruct::ReconstructSettings& settings;
  const reconstruct::ReconstructState& state;  ///< Cameras and free centroids.
  std::vector<frame::Marker>& markers;         ///< Cleared, then filled.

  void run() const;
};

}  // namespace understudy::bench
