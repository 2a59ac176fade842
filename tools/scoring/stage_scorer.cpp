#include "tools/scoring/stage_scorer.h"

#include <algorithm>
#include <cassert>

#include "capture/subject/prop.h"

namespace understudy::scoring {
namespace {

constexpr std::size_t kMostUnlabelled = 4096;  // As the capture path.

std::vector<std::size_t> markerCounts(const std::vector<subject::Subject>& subjects) {
  std::vector<std::size_t> counts;
  for (const subject::Subject& subject : subjects) counts.push_back(subject.markers.size());
  return counts;
}

std::size_t markerCount(const std::vector<subject::Subject>& subjects) {
  std::size_t count = 0;
  for (const subject::Subject& subject : subjects) count += subject.markers.size();
  return count;
}

// Copies as much as there is room for.
template <class T>
void copyInto(const std::vector<T>& from, std::vector<T>& to) {
  to.assign(from.begin(),
            from.begin() + static_cast<std::ptrdiff_t>(std::min(from.size(), to.capacity())));
}

bool allTracked(const std::vector<frame::SkeletonPose>& poses,
                const std::vector<std::uint8_t>& left_out) {
  for (std::size_t s = 0; s < poses.size(); ++s) {
    if (left_out[s] == 0 && !poses[s].tracked) return false;
  }
  return true;
}

}  // namespace

CaptureRecord makeRecord(const std::vector<subject::Subject>& subjects) {
  CaptureRecord record;
  record.labels.subjects.resize(subjects.size());
  record.labels.unlabelled.reserve(kMostUnlabelled);
  record.cloud.markers.reserve(markerCount(subjects) + kMostUnlabelled);
  record.poses.reserve(subjects.size());
  for (std::size_t s = 0; s < subjects.size(); ++s) {
    record.labels.subjects[s].markers.resize(subjects[s].markers.size());
    record.poses.push_back(frame::makeSkeletonPose(subjects[s].skeleton.size()));
  }
  return record;
}

void copyResult(const pipeline::FrameResult& result, CaptureRecord& record) {
  record.sequence = result.stamp.sequence;
  record.labels.stamp = result.labels.stamp;
  record.labels.subjects = result.labels.subjects;
  copyInto(result.labels.unlabelled, record.labels.unlabelled);
  record.cloud.stamp = result.cloud.stamp;
  copyInto(result.cloud.markers, record.cloud.markers);
  record.poses = result.poses;
}

StageScorer::StageScorer(const std::vector<subject::Subject>& subjects,
                         const camera::Rig& known_rig, const ScorerSettings& settings)
    : markers_(markerCounts(subjects)),
      cloud_(known_rig, settings.noise_px, markerCount(subjects)),
      labels_(settings.rate_hz, markerCounts(subjects)),
      really_labels_(settings.rate_hz, markerCounts(subjects)),
      fragments_(markerCount(subjects)),
      names_(settings.names),
      props_(subjects.size()),
      has_joints_(subjects.size(), 0) {
  if (std::any_of(names_.begin(), names_.end(), [](const auto* names) { return names; })) {
    really_.resize(markerCount(subjects));
  }
  for (const subject::Subject& subject : subjects) {
    is_prop_.push_back(subject::isProp(subject) ? 1 : 0);
    fingers_.emplace_back(subject);
    poses_.emplace_back(subject, PoseScoreSettings{.rate_hz = settings.rate_hz,
                                                   .still = settings.still,
                                                   .warm_up_frames = settings.warm_up_frames});
  }
}

void StageScorer::add(const source::StageFrame& truth, const CaptureRecord& record) {
  assert(record.sequence == truth.stamp.sequence);
  add(truth, &record);
}

void StageScorer::addMissing(const source::StageFrame& truth) {
  ++missing_;
  add(truth, nullptr);
}

void StageScorer::readNames(const source::StageFrame& truth) {
  if (really_.empty()) return;
  for (std::size_t p = 0; p < truth.performers.size(); ++p) {
    const source::PerformerTruth& performer = truth.performers[p];
    const std::size_t count = performer.markers.size();
    for (std::size_t m = 0; m < count; ++m) {
      const std::size_t who = p < names_.size() && names_[p]
                                  ? names_[p]->really[performer.motion_frame * count + m]
                                  : m;
      really_[markers_.index(p, m)] = static_cast<std::int32_t>(markers_.index(p, who));
    }
  }
}

void StageScorer::add(const source::StageFrame& truth, const CaptureRecord* record) {
  const std::uint64_t sequence = truth.stamp.sequence;
  markers_.set(truth);
  cloud_.add(truth, markers_, record != nullptr ? record->cloud : no_cloud_);
  const frame::LabelledMarkers& said = record != nullptr ? record->labels : no_labels_;
  readNames(truth);
  labels_.add(sequence, markers_, said);
  really_labels_.add(sequence, markers_, said, really_);
  fragments_.add(markers_, said);
  for (std::size_t p = 0; p < poses_.size(); ++p) {
    if (is_prop_[p] != 0) {
      props_[p].add(truth.performers[p], record != nullptr ? &record->poses[p] : nullptr);
      continue;
    }
    if (!truth.performers[p].world_from_joint.empty()) has_joints_[p] = 1;
    poses_[p].add(sequence, truth.performers[p], record != nullptr ? &record->poses[p] : nullptr,
                  record != nullptr ? &record->labels.subjects[p] : nullptr);
    if (record == nullptr) continue;
    fingers_[p].add(truth.performers[p], record->poses[p]);
    fingers_[p].addNames(truth.performers[p], record->labels.subjects[p]);
  }
  if (boot_frame_ < 0 && record != nullptr && allTracked(record->poses, is_prop_) && allRight()) {
    boot_frame_ = static_cast<std::int64_t>(frames_);
  }
  ++frames_;
}

void StageScorer::scoreProps(StageScore& score) const {
  SpreadMeter position_mm, angle_deg;
  for (std::size_t p = 0; p < props_.size(); ++p) {
    if (is_prop_[p] == 0) continue;
    const PropScore& prop = props_[p];
    ++score.props;
    position_mm.merge(prop.position_mm);
    angle_deg.merge(prop.angle_deg);
    score.props_untracked += prop.untracked;
    score.props_flipped += prop.flipped;
    score.props_longest_search = std::max(score.props_longest_search, prop.longest_search);
  }
  score.prop_position_mm = position_mm.spread();
  score.prop_angle_deg = angle_deg.spread();
}

void StageScorer::scoreFingers(StageScore& score) const {
  SpreadMeter deg, mm;
  double wanted = 0, right = 0, nees_sum = 0, nees_count = 0;
  for (const FingerScore& fingers : fingers_) {
    deg.merge(fingers.joint_deg);
    mm.merge(fingers.place_mm);
    wanted += fingers.wanted;
    right += fingers.right;
    nees_sum += fingers.nees_sum;
    nees_count += fingers.nees_count;
  }
  score.finger_error_deg = deg.spread();
  score.finger_error_mm = mm.spread();
  score.finger_correct = ratio(right, wanted);
  score.finger_nees = ratio(nees_sum, nees_count);
}

bool StageScorer::allRight() const {
  for (std::size_t p = 0; p < poses_.size(); ++p) {
    if (is_prop_[p] == 0 && !labels_.isRight(p)) return false;
  }
  return true;
}

StageScore StageScorer::score() const {
  StageScore score{.frames = frames_,
                   .missing_frames = missing_,
                   .recall = cloud_.recall(),
                   .recall_3 = cloud_.recall3(),
                   .ghosts_per_frame = cloud_.ghostsPerFrame(),
                   .marker_error_mm = cloud_.errorMm(),
                   .crb_ratio = cloud_.crbRatio(),
                   .nees = cloud_.nees(),
                   .label_correct = labels_.correct(),
                   .swaps = labels_.swaps(),
                   .swaps_over_100ms = labels_.swapsOver100ms(),
                   .idf1 = labels_.idf1(),
                   .label_correct_really = really_labels_.correct(),
                   .swaps_over_100ms_really = really_labels_.swapsOver100ms(),
                   .fragments = fragments_.count(),
                   .recovery_ms = labels_.markerRecovery().spread(),
                   .subject_recovery_ms = labels_.subjectRecovery().spread(),
                   .not_recovered = labels_.markerRecovery().open(),
                   .right_at_first = labels_.rightAtFirst(),
                   .boot_frame = boot_frame_};
  SpreadMeter joint_mm, joint_deg, predicted_mm;
  double marker_squares = 0, marker_count = 0, jitter_squares = 0, jitter_count = 0;
  double nees_sum = 0, nees_count = 0, predicted_nees_sum = 0, predicted_nees_count = 0;
  for (std::size_t p = 0; p < poses_.size(); ++p) {
    const PoseScore& pose = poses_[p];
    joint_mm.merge(pose.joint_mm);
    joint_deg.merge(pose.joint_deg);
    predicted_mm.merge(pose.predicted_mm);
    predicted_nees_sum += pose.predicted_nees_sum;
    predicted_nees_count += pose.predicted_nees_count;
    nees_sum += pose.nees_sum;
    nees_count += pose.nees_count;
    marker_squares += pose.marker_squares;
    marker_count += pose.marker_count;
    jitter_squares += pose.jitterSquares();
    jitter_count += pose.jitterCount();
    score.diverged += pose.diverged;
    score.untracked += pose.untracked;
    if (has_joints_[p] == 0) continue;
    for (const std::string& name : pose.absentJoints()) {
      score.joints_not_scored.push_back(name + " of performer " + std::to_string(p + 1));
    }
  }
  score.joint_error_mm = joint_mm.spread();
  score.joint_error_deg = joint_deg.spread();
  score.predict_20ms_mm = predicted_mm.spread();
  score.joint_nees = ratio(nees_sum, nees_count);
  score.predict_nees = ratio(predicted_nees_sum, predicted_nees_count);
  score.marker_model_mm = 1000.0 * std::sqrt(ratio(marker_squares, marker_count));
  scoreProps(score);
  scoreFingers(score);
  score.jitter_mm = 1000.0 * std::sqrt(ratio(jitter_squares, jitter_count));
  return score;
}

}  // namespace understudy::scoring
