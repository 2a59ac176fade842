#include "tools/scoring/finger_score.h"

#include <cmath>

#include "capture/subject/anatomy.h"
#include "capture/subject/fingers.h"
#include "engine/anim/kinematics.h"

namespace understudy::scoring {

FingerScore::FingerScore(const subject::Subject& subject)
    : skeleton_(subject.skeleton),
      first_marker_(subject::bodyMarkerCount(subject)),
      world_(subject.skeleton.size()) {
  for (const subject::Side side : {subject::Side::left, subject::Side::right}) {
    subject::HandJoints joints{};
    if (!subject::findHand(subject, side, joints)) continue;
    const auto hand = static_cast<std::size_t>(
        subject.skeleton.parents[static_cast<std::size_t>(joints.front())]);
    for (std::size_t i = 0; i < joints.size(); ++i) {
      const auto joint = static_cast<std::size_t>(joints[i]);
      joints_.push_back({.joint = joint,
                         .parent = static_cast<std::size_t>(subject.skeleton.parents[joint]),
                         .hand = hand,
                         .is_last = i % subject::kDigitJoints + 1 == subject::kDigitJoints,
                         .model = subject.joints[joint]});
    }
  }
}

void FingerScore::add(const source::PerformerTruth& truth, const frame::SkeletonPose& pose) {
  if (joints_.empty() || truth.world_from_joint.empty() || !pose.tracked) return;
  anim::worldFromJoints(skeleton_, pose.parent_from_joint, world_);
  for (const FingerJoint& finger : joints_) {
    const auto anglesOf = [&](const std::vector<math::RigidTransform>& world) {
      const glm::dquat rest(skeleton_.parent_from_joint[finger.joint].rotation);
      const glm::dquat turn = glm::conjugate(glm::dquat(world[finger.parent].rotation)) *
                              glm::dquat(world[finger.joint].rotation);
      return subject::anatomicalAngles(finger.model, glm::conjugate(rest) * turn);
    };
    const glm::dvec3 off = anglesOf(world_) - anglesOf(truth.world_from_joint);
    const bool is_saddle = finger.model.motion == subject::JointMotion::saddle;
    joint_deg.add(glm::degrees(is_saddle ? std::hypot(off.x, off.z) : std::abs(off.x)));
    if (finger.is_last) {
      const auto placeOf = [&](const std::vector<math::RigidTransform>& world) {
        return glm::dvec3(math::inverse(world[finger.hand]) * world[finger.joint].translation);
      };
      place_mm.add(1000.0 * glm::distance(placeOf(truth.world_from_joint), placeOf(world_)));
    }
    const glm::dmat3 covariance(pose.covariance[finger.joint]);
    const glm::dvec3 miss = glm::dvec3(world_[finger.joint].translation) -
                            glm::dvec3(truth.world_from_joint[finger.joint].translation);
    const double squared = glm::dot(miss, glm::inverse(covariance) * miss);
    if (!(glm::determinant(covariance) > 0.0) || !std::isfinite(squared)) continue;
    nees_sum += squared;
    nees_count += 3;
  }
}

void FingerScore::addNames(const source::PerformerTruth& truth,
                           const frame::LabelledSubject& labels) {
  constexpr float kRight = 0.03f;
  for (std::size_t m = first_marker_; m < truth.markers.size(); ++m) {
    if (!truth.markers[m].seen_2) continue;
    wanted += 1;
    const frame::LabelledMarker& slot = labels.markers[m];
    if (!(slot.confidence > 0.0f)) continue;
    const float own = glm::distance(slot.position, truth.markers[m].position);
    bool nearest = own <= kRight;
    for (std::size_t n = 0; n < truth.markers.size() && nearest; ++n)
      nearest = n == m || !(glm::distance(slot.position, truth.markers[n].position) < own);
    right += nearest ? 1 : 0;
  }
}

}  // namespace understudy::scoring
