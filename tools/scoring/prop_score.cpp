#include "tools/scoring/prop_score.h"

#include <algorithm>
#include <cmath>

namespace understudy::scoring {
namespace {

constexpr double kFlippedDeg = 20.0, kFlippedMm = 50.0;
constexpr std::ptrdiff_t kInSight = 4;  // Markers.

// From the chord, which is exact near 0 where an arc cosine is not.
double angleDegrees(const glm::quat& a, const glm::quat& b) {
  const glm::dquat turn = glm::dquat(a) * glm::conjugate(glm::dquat(b));
  return glm::degrees(
      2.0 * std::atan2(glm::length(glm::dvec3(turn.x, turn.y, turn.z)), std::abs(turn.w)));
}

}  // namespace

void PropScore::add(const source::PerformerTruth& truth, const frame::SkeletonPose* pose) {
  if (pose == nullptr || !pose->tracked) {
    untracked += tracked_once_ ? 1 : 0;
    const auto seen = std::count_if(truth.markers.begin(), truth.markers.end(),
                                    [](const source::MarkerTruth& m) { return m.seen_3; });
    searched_ = seen >= kInSight ? searched_ + 1 : 0;
    longest_search = std::max(longest_search, searched_);
    return;
  }
  tracked_once_ = true;
  searched_ = 0;
  const math::RigidTransform& world = pose->parent_from_joint[0];
  const math::RigidTransform& wanted = truth.world_from_joint[0];
  const double distance =
      1000.0 * glm::distance(glm::dvec3(world.translation), glm::dvec3(wanted.translation));
  const double angle = angleDegrees(world.rotation, wanted.rotation);
  if (!(distance <= kFlippedMm && angle <= kFlippedDeg)) ++flipped;
  if (std::isfinite(distance)) position_mm.add(distance);
  if (std::isfinite(angle)) angle_deg.add(angle);
}

}  // namespace understudy::scoring
