#include "tools/scoring/pose_score.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "capture/solve/foresee.h"
#include "engine/anim/kinematics.h"
#include "tools/scoring/true_markers.h"

namespace understudy::scoring {
namespace {

using anim::HumanoidJoint;

constexpr std::array kNamedJoints{
    HumanoidJoint::hips,           HumanoidJoint::spine,           HumanoidJoint::neck,
    HumanoidJoint::head,           HumanoidJoint::left_upper_arm,  HumanoidJoint::right_upper_arm,
    HumanoidJoint::left_lower_arm, HumanoidJoint::right_lower_arm, HumanoidJoint::left_hand,
    HumanoidJoint::right_hand,     HumanoidJoint::left_upper_leg,  HumanoidJoint::right_upper_leg,
    HumanoidJoint::left_lower_leg, HumanoidJoint::right_lower_leg, HumanoidJoint::left_foot,
    HumanoidJoint::right_foot,     HumanoidJoint::left_toes,       HumanoidJoint::right_toes};

constexpr double kAheadSeconds = 0.02;
constexpr double kDivergedMm = 500.0;

// From the chord, which is exact near 0 where an arc cosine is not.
double angleDegrees(const glm::quat& a, const glm::quat& b) {
  const glm::dquat turn = glm::dquat(a) * glm::conjugate(glm::dquat(b));
  return glm::degrees(
      2.0 * std::atan2(glm::length(glm::dvec3(turn.x, turn.y, turn.z)), std::abs(turn.w)));
}

}  // namespace

PoseScore::PoseScore(const subject::Subject& subject, const PoseScoreSettings& settings)
    : subject_(subject), settings_(settings) {
  for (const HumanoidJoint part : kNamedJoints) {
    const int joint = subject.humanoid[part];
    if (joint >= 0) parts_.push_back(static_cast<std::size_t>(joint));
  }
  local_.resize(subject.skeleton.size());
  world_.resize(subject.skeleton.size());
  sigma_.resize(subject.skeleton.size());
  predictions_.resize(static_cast<std::size_t>(kAheadSeconds * settings.rate_hz) + 2);
  for (Prediction& prediction : predictions_) {
    prediction.position.resize(parts_.size());
    prediction.sigma.resize(parts_.size());
  }
  truth_before_.resize(parts_.size());
  still_first_.resize(parts_.size());
  still_sum_.resize(parts_.size());
  still_squares_.resize(parts_.size());
}

std::vector<std::string> PoseScore::absentJoints() const {
  std::vector<std::string> names;
  for (const HumanoidJoint part : kNamedJoints) {
    if (subject_.humanoid[part] < 0) names.emplace_back(anim::humanoidName(part));
  }
  return names;
}

void PoseScore::add(std::uint64_t sequence, const source::PerformerTruth& truth,
                    const frame::SkeletonPose* pose, const frame::LabelledSubject* labels) {
  const bool has_joints = !truth.world_from_joint.empty();
  if (has_joints) comparePredictions(sequence, truth);
  if (pose == nullptr || !pose->tracked) {
    untracked += tracked_once_ ? 1 : 0;
    return;
  }
  tracked_once_ = true;
  anim::worldFromJoints(subject_.skeleton, pose->parent_from_joint, world_);
  if (labels != nullptr) compareMarkers(truth, *labels);
  if (!has_joints) return;
  compareJoints(truth);
  compareCovariances(truth, *pose);
  compareStillness(sequence);
  predict(sequence, *pose);
}

void PoseScore::compareJoints(const source::PerformerTruth& truth) {
  bool sound = true;
  for (const std::size_t joint : parts_) {
    const math::RigidTransform& wanted = truth.world_from_joint[joint];
    const double error_mm = 1000.0 * glm::distance(glm::dvec3(world_[joint].translation),
                                                   glm::dvec3(wanted.translation));
    const double error_deg = angleDegrees(world_[joint].rotation, wanted.rotation);
    sound = sound && error_mm <= kDivergedMm && std::isfinite(error_deg);
    if (std::isfinite(error_mm)) joint_mm.add(error_mm);
    if (std::isfinite(error_deg)) joint_deg.add(error_deg);
  }
  diverged += sound ? 0 : 1;
}

void PoseScore::compareCovariances(const source::PerformerTruth& truth,
                                   const frame::SkeletonPose& pose) {
  if (pose.covariance.size() != subject_.skeleton.size()) return;
  for (const std::size_t joint : parts_) {
    const glm::dmat3 covariance(pose.covariance[joint]);
    const glm::dvec3 error = glm::dvec3(world_[joint].translation) -
                             glm::dvec3(truth.world_from_joint[joint].translation);
    const double squared = glm::dot(error, glm::inverse(covariance) * error);
    if (!(glm::determinant(covariance) > 0.0) || !std::isfinite(squared)) continue;
    nees_sum += squared;
    nees_count += 3;
  }
}

void PoseScore::compareMarkers(const source::PerformerTruth& truth,
                               const frame::LabelledSubject& labels) {
  for (std::size_t m = 0; m < labels.markers.size(); ++m) {
    const glm::vec3 wanted = truth.markers[m].position;
    const glm::vec3 model = subject::markerPlace<math::RigidTransform>(subject_.markers[m], world_);
    if (!(labels.markers[m].confidence > 0.0f) || !isFinite(wanted) || !isFinite(model)) continue;
    const double distance = glm::distance(glm::dvec3(model), glm::dvec3(wanted));
    marker_squares += distance * distance;
    marker_count += 1;
  }
}

void PoseScore::compareStillness(std::uint64_t sequence) {
  if (!settings_.still || sequence < settings_.warm_up_frames) return;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    const glm::dvec3 position(world_[parts_[i]].translation);
    if (still_frames_ == 0) still_first_[i] = position;
    const glm::dvec3 from_first = position - still_first_[i];  // Small: squares keep their digits.
    still_sum_[i] += from_first;
    still_squares_[i] += glm::dot(from_first, from_first);
  }
  still_frames_ += 1;
}

double PoseScore::jitterSquares() const {
  double sum = 0;
  if (still_frames_ == 0) return sum;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    sum += still_squares_[i] - glm::dot(still_sum_[i], still_sum_[i]) / still_frames_;
  }
  return sum;
}

void PoseScore::predict(std::uint64_t sequence, const frame::SkeletonPose& pose) {
  solve::predictPose(pose, kAheadSeconds, kAheadSeconds, local_, sigma_);
  anim::worldFromJoints(subject_.skeleton, local_, world_);
  Prediction& prediction = predictions_[sequence % predictions_.size()];
  prediction.used = true;
  prediction.sequence = sequence;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    prediction.position[i] = world_[parts_[i]].translation;
    prediction.sigma[i] = sigma_[parts_[i]];
  }
}

// The moment that was predicted lies between two frames: truth is taken on the line between them.
void PoseScore::comparePredictions(std::uint64_t sequence, const source::PerformerTruth& truth) {
  const double ahead = kAheadSeconds * settings_.rate_hz;
  const bool follows = has_truth_before_ && truth_before_sequence_ + 1 == sequence;
  for (Prediction& prediction : predictions_) {
    if (!prediction.used) continue;
    const double moment = static_cast<double>(prediction.sequence) + ahead;
    const double before = moment - static_cast<double>(sequence) + 1.0;  // 0 to 1.
    if (before > 1.0) continue;
    prediction.used = false;
    if (before < 0.0 || !follows) continue;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      const glm::vec3 wanted =
          glm::mix(truth_before_[i], truth.world_from_joint[parts_[i]].translation,
                   static_cast<float>(before));
      const double error_mm = 1000.0 * glm::distance(prediction.position[i], wanted);
      if (!std::isfinite(error_mm)) continue;
      predicted_mm.add(error_mm);
      const double sigma_mm = 1000.0 * static_cast<double>(prediction.sigma[i]);
      if (!(sigma_mm > 0.0)) continue;
      predicted_nees_sum += (error_mm / sigma_mm) * (error_mm / sigma_mm);
      predicted_nees_count += 3;
    }
  }
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    truth_before_[i] = truth.world_from_joint[parts_[i]].translation;
  }
  truth_before_sequence_ = sequence;
  has_truth_before_ = true;
}

}  // namespace understudy::scoring
