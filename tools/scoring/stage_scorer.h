#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "capture/camera/rig.h"
#include "capture/frame/frames.h"
#include "capture/pipeline/capture_path.h"
#include "capture/solve/recorded_names.h"
#include "capture/source/simulated_stage.h"
#include "capture/subject/subject.h"
#include "tools/scoring/cloud_score.h"
#include "tools/scoring/finger_score.h"
#include "tools/scoring/fragment_score.h"
#include "tools/scoring/label_score.h"
#include "tools/scoring/pose_score.h"
#include "tools/scoring/prop_score.h"
#include "tools/scoring/spread.h"

namespace understudy::scoring {

/// What the capture path said of one frame.
struct CaptureRecord {
  std::uint64_t sequence = 0;
  frame::LabelledMarkers labels;
  frame::MarkerCloud cloud;
  std::vector<frame::SkeletonPose> poses;
};

/// A record with memory for every frame of these subjects.
CaptureRecord makeRecord(const std::vector<subject::Subject>& subjects);

/// Copies what is scored. Does not allocate for a record of makeRecord; markers without a name
/// beyond its capacity are left out.
void copyResult(const pipeline::FrameResult& result, CaptureRecord& record);

/// What the scorer must know of the stage.
struct ScorerSettings {
  double rate_hz = 240;
  double noise_px = 0.1;               ///< Of the stage, for the Cramer-Rao bound; 0 = no bound.
  bool still = false;                  ///< Performers stand still: jitter is measured.
  std::uint64_t warm_up_frames = 480;  ///< Left out of jitter; nothing else.
  /// Per performer what the names of its recording are worth; null where they are not in doubt.
  std::vector<const solve::RecordedNames*> names{};
};

/// All figures over the frames so far, from the first frame on. Props count in those of markers and
/// labels, each as a subject of its own; those of joints, models and the boot leave them out.
/// Figures without a single observation are NaN (a report writes null). CloudScore, LabelScore and
/// PoseScore say how each is defined.
struct StageScore {
  std::uint64_t frames = 0;
  std::uint64_t missing_frames = 0;  ///< Frames of which the path said nothing.

  double recall = 0, recall_3 = 0;
  double ghosts_per_frame = 0;
  Spread marker_error_mm;
  double crb_ratio = 0;
  double nees = 0;
  double joint_nees = 0;  ///< Of joint places against the solver's covariances; 1 = honest.

  double label_correct = 0;
  std::uint64_t swaps = 0, swaps_over_100ms = 0;
  double idf1 = 0;
  /// The same share and count with each marker under the name that it really has: they differ
  /// where a recording's own names change hands.
  double label_correct_really = 0;
  std::uint64_t swaps_over_100ms_really = 0;
  FragmentCount fragments;
  Spread recovery_ms, subject_recovery_ms;  ///< Outages of markers and of subjects.
  std::uint64_t not_recovered = 0;          ///< Markers lost, seen again, but not named to the end.
  double right_at_first = 0;  ///< Share of subjects right in the first frame they were tracked in.
  /// Frames before the first one in which every performer was tracked and right (as LabelScore says
  /// it of subjects); -1: there was none.
  std::int64_t boot_frame = -1;

  Spread joint_error_mm, joint_error_deg;
  double marker_model_mm = 0;   ///< RMS distance of the model's markers from the true ones.
  std::uint64_t diverged = 0;   ///< Performer-frames with a joint over 500 mm away or not finite.
  std::uint64_t untracked = 0;  ///< Performer-frames without a solved pose, after its first.
  Spread predict_20ms_mm;
  double predict_nees = 0;  ///< Of those, by the errors that were stated.
  double jitter_mm = 0;

  /// Of fingers, where performers have any; see FingerScore.
  Spread finger_error_deg, finger_error_mm;
  double finger_correct = 0, finger_nees = 0;

  std::size_t props = 0;
  Spread prop_position_mm, prop_angle_deg;  ///< Of all props; see PropScore for these.
  std::uint64_t props_untracked = 0, props_flipped = 0, props_longest_search = 0;
  /// Named body joints that a clip does not have, such as "left_toes of performer 1".
  std::vector<std::string> joints_not_scored;
};

/// Compares what the capture path says with what is true on the simulated stage. One thread;
/// allocates nothing after construction.
class StageScorer {
 public:
  /// `subjects` are those of the capture path, one per performer and prop, markers in the order of
  /// the truth's. Performers without true joints (marker files) get no joint figures.
  StageScorer(const std::vector<subject::Subject>& subjects, const camera::Rig& known_rig,
              const ScorerSettings& settings);

  /// Takes one frame; frames come in order, each once. The record must be of the same sequence.
  void add(const source::StageFrame& truth, const CaptureRecord& record);
  /// Takes a frame of which the capture path said nothing: all its markers count as missed.
  void addMissing(const source::StageFrame& truth);

  /// All figures so far.
  StageScore score() const;
  /// StageScore::boot_frame alone.
  std::int64_t bootFrame() const { return boot_frame_; }

 private:
  void add(const source::StageFrame& truth, const CaptureRecord* record);
  void readNames(const source::StageFrame& truth);
  void scoreProps(StageScore& score) const;
  void scoreFingers(StageScore& score) const;
  bool allRight() const;

  TrueMarkers markers_;
  CloudScore cloud_;
  LabelScore labels_, really_labels_;
  FragmentScore fragments_;
  std::vector<const solve::RecordedNames*> names_;
  std::vector<std::int32_t> really_;
  std::vector<PoseScore> poses_;       ///< Per subject; unused for props.
  std::vector<FingerScore> fingers_;   ///< Per subject.
  std::vector<PropScore> props_;       ///< Per subject; unused for performers.
  std::vector<std::uint8_t> is_prop_;  ///< Per subject.
  frame::MarkerCloud no_cloud_;
  frame::LabelledMarkers no_labels_;
  std::uint64_t frames_ = 0, missing_ = 0;
  std::int64_t boot_frame_ = -1;
  std::vector<std::uint8_t> has_joints_;  ///< Per performer.
};

}  // namespace understudy::scoring
