#pragma once

#include <cstddef>
#include <vector>

#include "capture/frame/frames.h"
#include "capture/source/simulated_stage.h"
#include "capture/subject/subject.h"
#include "tools/scoring/spread.h"

namespace understudy::scoring {

/// Figures of the solved fingers of one performer, over the frames in which it was tracked; empty
/// where its skeleton has none.
class FingerScore {
 public:
  explicit FingerScore(const subject::Subject& subject);

  /// Takes one frame with the subject's joints, whether or not its markers are seen.
  void add(const source::PerformerTruth& truth, const frame::SkeletonPose& pose);

  /// Flexion (and abduction: the root of their squares' sum) of a finger joint, off the true one.
  SpreadMeter joint_deg;
  SpreadMeter place_mm;   ///< Last joint of a digit, as seen from its hand, off its true place.
  double nees_sum = 0, nees_count = 0;  ///< Normalised squared errors of joint places, 3 each.

 private:
  struct FingerJoint {
    std::size_t joint = 0, parent = 0, hand = 0;
    bool is_last = false;
    subject::JointModel model;
  };
  anim::Skeleton skeleton_;
  std::vector<FingerJoint> joints_;
  std::vector<math::RigidTransform> world_;
};

}  // namespace understudy::scoring
