#include "capture/calibrate/share_skin.h"

#include <algorithm>
#include <cmath>

#include "capture/solve/solve_steps.h"

namespace understudy::calibrate {
namespace {

using math::RigidTransformd;

constexpr std::size_t kFewestViews = 30;
// What a share must be, and must take away of the squares and of their root (metres), to be one.
constexpr float kLeastShare = 0.05f, kMostShare = 0.5f;
constexpr double kLeastGain = 0.15, kLeastDistance = 0.0003;

// A marker in one frame: seen, and its second joint's frame; as far from where its own joint has
// it.
struct View {
  glm::dvec3 seen, stray;
  const RigidTransformd* world_from_other;
};

// The share of one second joint, and the squares that it takes away.
struct Candidate {
  subject::SkinShare share;
  double gain = 0.0;
};

Candidate weigh(const std::vector<View>& views, std::size_t joint) {
  glm::dvec3 sum(0.0);
  for (const View& view : views) sum += math::inverse(*view.world_from_other) * view.seen;
  const glm::dvec3 offset = sum / static_cast<double>(views.size());
  // stray = share * apart, by least squares.
  double across = 0.0, along = 0.0, squares = 0.0;
  for (const View& view : views) {
    const glm::dvec3 apart = *view.world_from_other * offset - (view.seen - view.stray);
    across += glm::dot(apart, view.stray);
    along += glm::dot(apart, apart);
    squares += glm::dot(view.stray, view.stray);
  }
  Candidate candidate;
  if (!(along > 0.0) || !(across > 0.0)) return candidate;
  const double best = std::min(across / along, static_cast<double>(kMostShare));
  candidate.share = {.joint = static_cast<int>(joint),
                     .share = static_cast<float>(best),
                     .offset_joint = glm::vec3(offset)};
  candidate.gain = best * (2.0 * across - best * along);
  const double count = static_cast<double>(views.size());
  const double before = std::sqrt(squares / count);
  const double after = std::sqrt(std::max(0.0, squares - candidate.gain) / count);
  const bool clear = candidate.share.share >= kLeastShare &&
                     candidate.gain >= kLeastGain * squares && before - after >= kLeastDistance;
  return clear ? candidate : Candidate{};
}

}  // namespace

std::vector<subject::SkinShare> shareSkin(const CalibrationProblem& problem, const BodySizes& sizes,
                                          double robust_radius,
                                          const std::vector<PosedFrame>& frames) {
  const std::size_t markers = problem.subject.markers.size(), joints = problem.model.joints();
  std::vector<std::size_t> carried(joints, 0);
  for (const subject::SubjectMarker& marker : problem.subject.markers) {
    ++carried[static_cast<std::size_t>(marker.joint)];
  }
  std::vector<std::vector<RigidTransformd>> worlds(frames.size());
  for (std::size_t f = 0; f < frames.size(); ++f) {
    std::vector<RigidTransformd> local = frames[f].parent_from_joint;
    worlds[f].resize(joints);
    solve::worldFromJoints(problem.model, local, worlds[f]);
  }
  std::vector<subject::SkinShare> shares(markers);
  for (std::size_t m = 0; m < markers; ++m) {
    const std::size_t own = static_cast<std::size_t>(problem.subject.markers[m].joint);
    Candidate best;
    for (std::size_t other = 0; other < joints; ++other) {
      const bool next = problem.model.joint_parent[other] == static_cast<std::int32_t>(own) ||
                        problem.model.joint_parent[own] == static_cast<std::int32_t>(other);
      // A joint that other markers do not show would be moved to please this one.
      if (!next || carried[other] < 2) continue;
      std::vector<View> views;
      for (std::size_t f = 0; f < frames.size(); ++f) {
        if (!frames[f].there[m]) continue;
        const glm::dvec3 stray = frames[f].seen[m] - worlds[f][own] * sizes.marker_offset[m];
        if (glm::dot(stray, stray) > robust_radius * robust_radius) continue;
        views.push_back({frames[f].seen[m], stray, &worlds[f][other]});
      }
      if (views.size() < kFewestViews) continue;
      const Candidate candidate = weigh(views, other);
      if (candidate.gain > best.gain) best = candidate;
    }
    shares[m] = best.share;
  }
  return shares;
}

}  // namespace understudy::calibrate
