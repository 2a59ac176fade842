#include "capture/solve/grow_body.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "capture/solve/recognise_steps.h"

namespace understudy::solve {
namespace {

using math::RigidTransformd;

// The points at the anchor's markers are taken.
void takeAnchor(const RecogniseSubject& job, const SegmentPlacement& segment) {
  RecogniseWorkspace& w = job.workspace;
  std::fill(w.placed.begin(), w.placed.end(), std::uint8_t{0});
  std::fill(w.point_used.begin(), w.point_used.end(), std::uint8_t{0});
  std::fill(w.point_of_marker.begin(), w.point_of_marker.end(), -1);
  std::int32_t markers[64];
  const std::size_t count = markersOf(job, segment.joint, markers, 64);
  w.world_from_joint[segment.joint] = segment.world_from_joint;
  w.placed[segment.joint] = 1;
  w.slack[segment.joint] = 0.0;
  findNear(job, segment.world_from_joint.translation, 1.0);
  countInliers(job, markers, count, segment.world_from_joint, w.near.data(), w.near.size(), true);
}

void placeChild(const RecogniseSubject& job, std::size_t joint, std::size_t parent, double stray) {
  const RigidTransformd& rest = job.model.rest[joint];
  const RigidTransformd& world = job.workspace.world_from_joint[parent];
  placeJoint(job, {joint, glm::dvec3(0.0), world * rest.translation, world.rotation * rest.rotation,
                   job.workspace.slack[parent] + stray});
}

void placeParent(const RecogniseSubject& job, std::size_t joint, std::size_t parent, double stray) {
  const RigidTransformd& rest = job.model.rest[joint];
  const RigidTransformd& world = job.workspace.world_from_joint[joint];
  placeJoint(job,
             {parent, rest.translation, world.translation,
              world.rotation * glm::conjugate(rest.rotation), job.workspace.slack[joint] + stray});
}

// Counts the placement's markers and measures how far they are from their points.
void measure(const RecogniseSubject& job, Placement& placement) {
  const RecogniseWorkspace& w = job.workspace;
  double sum = 0.0;
  placement.matched = 0;
  for (std::size_t m = 0; m < job.subject.markers.size(); ++m) {
    if (w.point_of_marker[m] < 0) continue;
    const glm::dvec3 between = job.points[static_cast<std::size_t>(w.point_of_marker[m])] -
                               markerPosition(job.subject.markers[m], w.world_from_joint);
    sum += glm::dot(between, between);
    ++placement.matched;
  }
  placement.rms = std::sqrt(sum / static_cast<double>(std::max<std::size_t>(placement.matched, 1)));
  const double share =
      static_cast<double>(placement.matched) / static_cast<double>(job.subject.markers.size());
  placement.found =
      share >= job.settings.smallest_share && placement.rms <= job.settings.largest_rms;
  placement.parent_from_joint = w.pose;
  placement.point_of_marker = w.point_of_marker;
}

}  // namespace

std::size_t growBody(const RecogniseSubject& job, const SegmentPlacement& segment) {
  RecogniseWorkspace& w = job.workspace;
  takeAnchor(job, segment);
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t joint = 1; joint < job.model.joints(); ++joint) {
      const std::size_t parent = static_cast<std::size_t>(job.model.joint_parent[joint]);
      if (w.placed[joint] == w.placed[parent]) continue;
      const double stray =
          job.subject.joints[joint].motion == subject::JointMotion::free ? kFreeJoint : 0.0;
      if (w.placed[parent]) {
        placeChild(job, joint, parent, stray);
      } else {
        placeParent(job, joint, parent, stray);
      }
      changed = true;
    }
  }
  for (std::size_t joint = 1; joint < job.model.joints(); ++joint) {
    if (joint != segment.joint && isLone(job, joint)) placeLone(job, joint);
  }
  worldToLocal(job);
  std::size_t taken = 0;
  for (std::size_t m = 0; m < job.subject.markers.size(); ++m) taken += w.point_of_marker[m] >= 0;
  return taken;
}

double fitToPoints(const RecogniseSubject& job, int steps) {
  constexpr std::uint32_t kTestsPerStep = 6000;  // A step of the solver takes as long as so many.
  RecogniseWorkspace& w = job.workspace;
  for (std::size_t m = 0; m < job.subject.markers.size(); ++m) {
    frame::LabelledMarker& slot = w.labelled.markers[m];
    slot = {};
    if (w.point_of_marker[m] < 0) continue;
    slot.position = glm::vec3(job.points[static_cast<std::size_t>(w.point_of_marker[m])]);
    slot.confidence = 1.0f;
  }
  w.tests += kTestsPerStep * static_cast<std::uint32_t>(steps);
  return fitPose(job.subject, job.model, job.solve_settings, job.kernels, w.labelled, steps,
                 job.solve_workspace, w.pose);
}

namespace {

void settleFrom(const RecogniseSubject& job, std::span<const double> reaches,
                Placement& placement) {
  constexpr double kLastReach = 0.03;
  constexpr int kStepsBetween = 2;
  placement.found = false;
  for (const double reach : reaches) {
    if (matchNearest(job, reach) < 4) return;
    fitToPoints(job, kStepsBetween);
  }
  matchNearest(job, kLastReach);
  measure(job, placement);
}

}  // namespace

void settleBody(const RecogniseSubject& job, int steps, Placement& placement) {
  constexpr double kReaches[] = {0.10, 0.06, 0.04};
  constexpr double kGoodRms = 0.008;  // Metres: nothing has to be looked for from afar.
  const double rms = fitToPoints(job, steps);
  settleFrom(job, std::span(kReaches).subspan(rms < kGoodRms ? 2 : 0), placement);
}

void settleNearest(const RecogniseSubject& job, Placement& placement) {
  constexpr double kReaches[] = {0.04};
  settleFrom(job, kReaches, placement);
}

namespace {

// Limbs of which less than half is named; their joints get no mark in `placed`.
void markWeakLimbs(const RecogniseSubject& job, const std::vector<std::int32_t>& point_of_marker) {
  constexpr std::int32_t kMostOfLimb = 16;  // Markers: with more it is the trunk.
  std::array<std::int32_t, 512> all{}, named{};
  const std::size_t joints = std::min(job.model.joints(), all.size());
  for (std::size_t m = 0; m < job.subject.markers.size(); ++m) {
    const auto joint = static_cast<std::size_t>(job.subject.markers[m].joint);
    if (joint >= joints) continue;
    ++all[joint];
    named[joint] += point_of_marker[m] >= 0;
  }
  for (std::size_t joint = joints; joint-- > 1;) {
    const auto parent = static_cast<std::size_t>(job.model.joint_parent[joint]);
    all[parent] += all[joint];
    named[parent] += named[joint];
  }
  for (std::size_t joint = 1; joint < joints; ++joint) {
    const auto parent = static_cast<std::size_t>(job.model.joint_parent[joint]);
    const bool is_root = all[joint] <= kMostOfLimb && all[parent] > kMostOfLimb;
    job.workspace.doubted[joint] =
        is_root ? 2 * named[joint] < all[joint]
                : (all[joint] <= kMostOfLimb ? job.workspace.doubted[parent] : 0);
  }
}

}  // namespace

void dropWeakNames(const RecogniseSubject& job, std::vector<std::int32_t>& point_of_marker) {
  RecogniseWorkspace& w = job.workspace;
  std::int32_t markers[64];
  std::fill(w.doubted.begin(), w.doubted.end(), std::uint8_t{0});
  markWeakLimbs(job, point_of_marker);
  for (std::size_t joint = 0; joint < job.model.joints(); ++joint) {
    const std::size_t count = markersOf(job, joint, markers, 64);
    std::size_t named = 0;
    for (std::size_t n = 0; n < count; ++n) {
      named += point_of_marker[static_cast<std::size_t>(markers[n])] >= 0;
    }
    const std::int32_t parent = job.model.joint_parent[joint];
    const bool is_parent_held = parent < 0 || w.placed[static_cast<std::size_t>(parent)];
    const std::size_t needed = count > 2 ? 2 : count;
    const bool is_held = named >= 3 || (is_parent_held && named >= needed);
    w.placed[joint] = is_held && !w.doubted[joint] ? 1 : 0;
    if (w.placed[joint]) continue;
    for (std::size_t n = 0; n < count; ++n) {
      point_of_marker[static_cast<std::size_t>(markers[n])] = -1;
    }
  }
}

void settleLimbs(const RecogniseSubject& job, LimbWorkspace& limbs, Placement& placement) {
  constexpr int kMostRounds = 2;
  constexpr int kSteps = 3;
  RecogniseWorkspace& w = job.workspace;
  for (int round = 0; round < kMostRounds; ++round) {
    updateWorld(job);
    const double before = bodyValue(job);
    if (!improveLimbs(job, limbs)) break;
    fitToPoints(job, kSteps);
    settleNearest(job, placement);
    if (bodyValue(job) > before) continue;
    w.pose = limbs.pose_before;
    w.point_of_marker = limbs.points_before;
    break;
  }
  fitToPoints(job, 0);
  updateWorld(job);
  measure(job, placement);
}

void settleTwins(const RecogniseSubject& job, Placement& placement) {
  constexpr double kAnyBetter = 1.0, kLeastGain = 1.0e-5;  // Nobody has named them before.
  RecogniseWorkspace& w = job.workspace;
  for (std::size_t joint = 0; joint < job.model.joints(); ++joint) {
    std::size_t first = 0, second = 0;
    if (findTwins(job, joint, first, second)) {
      if (exchangeTwins(job, joint, first, second, kAnyBetter, kLeastGain))
        std::swap(w.point_of_marker[first], w.point_of_marker[second]);
      continue;
    }
    if (!findLone(job, joint, first)) continue;
    for (second = 0; second < job.subject.markers.size(); ++second) {
      if (second == first || job.subject.markers[second].joint != static_cast<int>(joint)) continue;
      if (!exchangeTwins(job, joint, first, second, kAnyBetter, kLeastGain)) continue;
      std::swap(w.point_of_marker[first], w.point_of_marker[second]);
      first = second;
    }
  }
  measure(job, placement);
}

}  // namespace understudy::solve
