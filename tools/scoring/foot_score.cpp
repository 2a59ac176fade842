#include "tools/scoring/foot_score.h"

#include <algorithm>

#include "engine/anim/kinematics.h"

namespace understudy::scoring {

using anim::HumanoidJoint;

namespace {

constexpr double kLanding = 0.025;  // Seconds of a contact in which the foot still comes to rest.

}  // namespace

FootScore::FootScore(const subject::Subject& subject, const FootScoreSettings& settings)
    : subject_(subject), settings_(settings), world_(subject.skeleton.size()) {
  for (const HumanoidJoint part : {HumanoidJoint::left_toes, HumanoidJoint::right_toes}) {
    if (subject.humanoid[part] < 0) continue;
    feet_.push_back({.joint = static_cast<std::size_t>(subject.humanoid[part])});
  }
}

void FootScore::end(Foot& foot) {
  if (foot.seconds >= settings_.shortest_contact) {
    slide_mm.add(1000.0 * foot.slide);
    over += foot.slide > 0.002 ? 1 : 0;
  }
  foot.seconds = foot.slide = 0.0;
}

void FootScore::finish() {
  for (Foot& foot : feet_) end(foot);
}

void FootScore::add(const source::PerformerTruth& truth, const frame::SkeletonPose& pose) {
  if (!pose.tracked || truth.world_from_joint.empty()) {
    finish();
    for (Foot& foot : feet_) foot.has_before = false;
    return;
  }
  anim::worldFromJoints(subject_.skeleton, pose.parent_from_joint, world_);
  const double step = 1.0 / settings_.rate_hz;
  for (Foot& foot : feet_) {
    const glm::dvec3 wanted(truth.world_from_joint[foot.joint].translation);
    const glm::dvec3 error = glm::dvec3(world_[foot.joint].translation) - wanted;
    const bool still =
        foot.has_before && glm::distance(wanted, foot.truth_before) < settings_.still_speed * step;
    foot.truth_before = wanted;
    foot.has_before = true;
    if (!still) {
      end(foot);
      continue;
    }
    foot.seconds += step;
    if (foot.seconds <= kLanding) foot.error_at_first = error;
    foot.slide = std::max(foot.slide, glm::distance(error, foot.error_at_first));
  }
}

}  // namespace understudy::scoring
