#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "capture/frame/frames.h"
#include "capture/source/simulated_stage.h"
#include "capture/subject/subject.h"

namespace understudy::scoring {

/// Every tenth marker of the subject, in the order of the joints that carry them, so that they come
/// from all over the body; `seed` says with which one it begins. Increasing indices.
std::vector<std::size_t> chooseHeldOut(const subject::Subject& subject, std::uint64_t seed);

/// The subject as somebody knows it who has never heard of these markers; increasing indices.
subject::Subject withoutMarkers(const subject::Subject& subject,
                                const std::vector<std::size_t>& markers);

/// How far the solved model puts markers that the solver did not know from where they really are.
class HeldOutScore {
 public:
  /// The complete subjects, and which of their markers are held out.
  HeldOutScore(std::vector<subject::Subject> subjects,
               std::vector<std::vector<std::size_t>> markers);

  /// Takes one frame: every held-out marker of every tracked subject, seen by cameras or not.
  void add(const source::StageFrame& truth, const std::vector<frame::SkeletonPose>& poses);

  /// RMS distance, millimetres; NaN where nothing was compared.
  double rmsMm() const;

 private:
  std::vector<subject::Subject> subjects_;
  std::vector<std::vector<std::size_t>> markers_;
  std::vector<math::RigidTransform> world_;
  double squares_ = 0, count_ = 0;
};

}  // namespace understudy::scoring
