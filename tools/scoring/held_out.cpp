#include "tools/scoring/held_out.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "engine/anim/kinematics.h"
#include "tools/scoring/spread.h"
#include "tools/scoring/true_markers.h"

namespace understudy::scoring {

std::vector<std::size_t> chooseHeldOut(const subject::Subject& subject, std::uint64_t seed) {
  constexpr std::size_t kEvery = 10;
  if (subject.skeleton.size() < 2) return {};
  std::vector<std::size_t> order(subject.markers.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return subject.markers[a].joint < subject.markers[b].joint;
  });
  std::vector<std::size_t> chosen;
  for (std::size_t i = seed % kEvery; i < order.size(); i += kEvery) chosen.push_back(order[i]);
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

subject::Subject withoutMarkers(const subject::Subject& subject,
                                const std::vector<std::size_t>& markers) {
  subject::Subject rest = subject;
  for (auto at = markers.rbegin(); at != markers.rend(); ++at) {
    rest.markers.erase(rest.markers.begin() + static_cast<std::ptrdiff_t>(*at));
  }
  return rest;
}

HeldOutScore::HeldOutScore(std::vector<subject::Subject> subjects,
                           std::vector<std::vector<std::size_t>> markers)
    : subjects_(std::move(subjects)), markers_(std::move(markers)) {
  std::size_t joints = 0;
  for (const subject::Subject& subject : subjects_) {
    joints = std::max(joints, subject.skeleton.size());
  }
  world_.resize(joints);
}

void HeldOutScore::add(const source::StageFrame& truth,
                       const std::vector<frame::SkeletonPose>& poses) {
  for (std::size_t p = 0; p < subjects_.size(); ++p) {
    if (!poses[p].tracked) continue;
    const std::span<math::RigidTransform> world(world_.data(), subjects_[p].skeleton.size());
    anim::worldFromJoints(subjects_[p].skeleton, poses[p].parent_from_joint, world);
    for (const std::size_t m : markers_[p]) {
      const glm::vec3 model =
          subject::markerPlace<math::RigidTransform>(subjects_[p].markers[m], world);
      const glm::vec3& wanted = truth.performers[p].markers[m].position;
      if (!isFinite(model) || !isFinite(wanted)) continue;
      const double distance = glm::distance(glm::dvec3(model), glm::dvec3(wanted));
      squares_ += distance * distance;
      count_ += 1;
    }
  }
}

double HeldOutScore::rmsMm() const { return 1000.0 * std::sqrt(ratio(squares_, count_)); }

}  // namespace understudy::scoring
