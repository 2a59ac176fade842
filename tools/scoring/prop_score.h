#pragma once

#include <cstdint>

#include "capture/frame/frames.h"
#include "capture/source/simulated_stage.h"
#include "tools/scoring/spread.h"

namespace understudy::scoring {

/// Figures of the solved pose of one prop, over the frames in which it was tracked: how far its
/// frame's origin lies from the true one, and by what angle it is turned against it.
class PropScore {
 public:
  /// Takes one frame; `pose` is null where the path said nothing.
  void add(const source::PerformerTruth& truth, const frame::SkeletonPose* pose);

  SpreadMeter position_mm, angle_deg;
  std::uint64_t untracked = 0;  ///< Frames without a solved pose after the first one.
  std::uint64_t flipped = 0;    ///< Frames turned by over 20 degrees or over 50 mm off.
  /// Frames from the first in which four of its markers were seen by three cameras to the first
  /// solved pose after that, at most: at the start and after every loss.
  std::uint64_t longest_search = 0;

 private:
  bool tracked_once_ = false;
  std::uint64_t searched_ = 0;  ///< Frames in sight without a pose.
};

}  // namespace understudy::scoring
