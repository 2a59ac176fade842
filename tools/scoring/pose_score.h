#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "capture/frame/frames.h"
#include "capture/source/simulated_stage.h"
#include "capture/subject/subject.h"
#include "tools/scoring/spread.h"

namespace understudy::scoring {

/// What makes the pose figures.
struct PoseScoreSettings {
  double rate_hz = 240;
  bool still = false;
  std::uint64_t warm_up_frames = 480;
};

/// Figures of the solved poses of one performer, over the frames in which it was tracked and over
/// the named body joints: hips, spine, neck, head, shoulders (the upper arm's joint), elbows,
/// wrists, hips of the legs, knees, ankles and toes.
class PoseScore {
 public:
  PoseScore(const subject::Subject& subject, const PoseScoreSettings& settings);

  /// Takes one frame; `pose` and `labels` are null where the path said nothing.
  void add(std::uint64_t sequence, const source::PerformerTruth& truth,
           const frame::SkeletonPose* pose, const frame::LabelledSubject* labels);

  /// Named body joints that the skeleton does not have.
  std::vector<std::string> absentJoints() const;

  SpreadMeter joint_mm, joint_deg;
  SpreadMeter predicted_mm;             ///< Joints predicted 20 ms ahead by the pose's velocities.
  double predicted_nees_sum = 0;        ///< Their squared errors over the variances stated,
  double predicted_nees_count = 0;      ///< 3 each.
  double nees_sum = 0, nees_count = 0;  ///< Normalised squared errors of joint places, 3 each.
  double marker_squares = 0,
         marker_count = 0;      ///< Model's markers against filled slots' truth, m^2.
  std::uint64_t diverged = 0;   ///< Frames with a joint over 500 mm away or not finite.
  std::uint64_t untracked = 0;  ///< Frames without a solved pose after the first one.
  /// Sum over joints and frames of squared distances from the joint's mean, m^2, and their number.
  double jitterSquares() const;
  double jitterCount() const { return still_frames_ * static_cast<double>(parts_.size()); }

 private:
  struct Prediction {
    bool used = false;
    std::uint64_t sequence = 0;
    std::vector<glm::vec3> position;  ///< Per scored joint.
    std::vector<float> sigma;         ///< Per scored joint, as stated.
  };
  void compareJoints(const source::PerformerTruth& truth);
  void compareCovariances(const source::PerformerTruth& truth, const frame::SkeletonPose& pose);
  void compareMarkers(const source::PerformerTruth& truth, const frame::LabelledSubject& labels);
  void compareStillness(std::uint64_t sequence);
  void comparePredictions(std::uint64_t sequence, const source::PerformerTruth& truth);
  void predict(std::uint64_t sequence, const frame::SkeletonPose& pose);

  subject::Subject subject_;
  PoseScoreSettings settings_;
  std::vector<std::size_t> parts_;  ///< Scored joints, indices in the skeleton.
  std::vector<math::RigidTransform> local_, world_;
  std::vector<float> sigma_;
  bool tracked_once_ = false;

  std::vector<Prediction> predictions_;  ///< Ring by sequence.
  std::vector<glm::vec3> truth_before_;  ///< Of the frame before, per scored joint.
  std::uint64_t truth_before_sequence_ = 0;
  bool has_truth_before_ = false;

  double still_frames_ = 0;
  std::vector<glm::dvec3> still_first_, still_sum_;
  std::vector<double> still_squares_;
};

}  // namespace understudy::scoring
