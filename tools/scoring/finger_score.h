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
  /// Takes the names of one frame.
  void addNames(const source::PerformerTruth& truth, const frame::LabelledSubject& labels);

  /// Flexion (and abduction: the root of their squares' sum) of a finger joint, off the true one.
  SpreadMeter joint_deg;
  SpreadMeter place_mm;  ///< Last joint of a digit, as seen from its hand, off its true place.
  /// Markers on fingers that `seen_2` holds for, and those of them whose slots are right: of all
  /// true markers of the performer, its own is the nearest, within 30 mm.
  double wanted = 0, right = 0;
  double nees_sum = 0, nees_count = 0;  ///< Normalised squared errors of joint places, 3 each.

 private:
  struct FingerJoint {
    std::size_t joint = 0, parent = 0, hand = 0;
    bool is_last = false;
    subject::JointModel model;
  };
  anim::Skeleton skeleton_;
  std::size_t first_marker_ = 0;  ///< On fingers.
  std::vector<FingerJoint> joints_;
  std::vector<math::RigidTransform> world_;
};

}  // namespace understudy::scoring
