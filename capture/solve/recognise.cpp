#include "capture/solve/recognise.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "capture/solve/recognise_steps.h"

namespace understudy::solve {
namespace {

using math::RigidTransformd;
using Hypothesis = RecogniseWorkspace::Hypothesis;

constexpr std::size_t kMostHypotheses = 96;
constexpr std::size_t kMostTriples = 6;  // Per anchor segment.
constexpr std::size_t kMostAnchors = 4;

// ---- Anchors: segments whose own distances give them away ----

double triangleArea(const glm::dvec3& a, const glm::dvec3& b, const glm::dvec3& c) {
  const glm::dvec3 n = glm::cross(b - a, c - a);
  return 0.5 * std::sqrt(glm::dot(n, n));
}

void keepHypothesis(const RecogniseSubject& job, const Hypothesis& candidate) {
  std::vector<Hypothesis>& list = job.workspace.hypotheses;
  const auto better = [](const Hypothesis& a, const Hypothesis& b) {
    return a.inliers != b.inliers ? a.inliers > b.inliers : a.squared < b.squared;
  };
  for (Hypothesis& other : list) {
    const bool same =
        other.joint == candidate.joint &&
        distance(other.world_from_joint.translation, candidate.world_from_joint.translation) <
            0.04 &&
        rotationAngle(other.world_from_joint.rotation, candidate.world_from_joint.rotation) < 0.35;
    if (!same) continue;
    if (better(candidate, other)) other = candidate;
    return;
  }
  if (list.size() < kMostHypotheses) {
    list.push_back(candidate);
    return;
  }
  auto worst = std::max_element(list.begin(), list.end(), better);
  if (better(candidate, *worst)) *worst = candidate;
}

struct Triple {
  std::int32_t marker[3];
  double area;
};

std::size_t chooseTriples(const RecogniseSubject& job, const std::int32_t* markers,
                          std::size_t count, Triple* best) {
  std::size_t kept = 0;
  for (std::size_t a = 0; a < count; ++a) {
    for (std::size_t b = a + 1; b < count; ++b) {
      for (std::size_t c = b + 1; c < count; ++c) {
        const Triple triple{{markers[a], markers[b], markers[c]},
                            triangleArea(offsetOf(job, static_cast<std::size_t>(markers[a])),
                                         offsetOf(job, static_cast<std::size_t>(markers[b])),
                                         offsetOf(job, static_cast<std::size_t>(markers[c])))};
        std::size_t at = kept < kMostTriples ? kept++ : kMostTriples - 1;
        if (at == kMostTriples - 1 && kept == kMostTriples && triple.area <= best[at].area &&
            best[at].area > 0)
          continue;
        best[at] = triple;
        for (; at > 0 && best[at].area > best[at - 1].area; --at) std::swap(best[at], best[at - 1]);
      }
    }
  }
  return kept;
}

// All placements of a segment where three of its markers lie on points at the right distances.
void findAnchor(const RecogniseSubject& job, std::size_t joint, const std::int32_t* markers,
                std::size_t count) {
  RecogniseWorkspace& w = job.workspace;
  Triple triples[kMostTriples] = {};
  const std::size_t triple_count = chooseTriples(job, markers, count, triples);
  const double tolerance = job.settings.tolerance;
  const std::size_t n = job.points.size();
  for (std::size_t t = 0; t < triple_count; ++t) {
    if (triples[t].area < 1e-4) continue;  // Nearly on a line: the placement would be open.
    const glm::dvec3 a = offsetOf(job, static_cast<std::size_t>(triples[t].marker[0]));
    const glm::dvec3 b = offsetOf(job, static_cast<std::size_t>(triples[t].marker[1]));
    const glm::dvec3 c = offsetOf(job, static_cast<std::size_t>(triples[t].marker[2]));
    const double ab = distance(a, b), ac = distance(a, c), bc = distance(b, c);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        if (i == j || std::abs(distance(job.points[i], job.points[j]) - ab) > tolerance) continue;
        for (std::size_t k = 0; k < n; ++k) {
          if (k == i || k == j) continue;
          if (std::abs(distance(job.points[i], job.points[k]) - ac) > tolerance) continue;
          if (std::abs(distance(job.points[j], job.points[k]) - bc) > tolerance) continue;
          Correspondences pairs;
          pairs.add(a, job.points[i], 1.0);
          pairs.add(b, job.points[j], 1.0);
          pairs.add(c, job.points[k], 1.0);
          Hypothesis hypothesis;
          hypothesis.joint = joint;
          hypothesis.world_from_joint = fitRigid(pairs, glm::dquat(1, 0, 0, 0), 0.0);
          const Inliers inliers = countInliers(job, markers, count, hypothesis.world_from_joint,
                                               w.order.data(), n, false);
          hypothesis.inliers = inliers.count;
          hypothesis.squared = inliers.squared;
          if (inliers.count >= 3) keepHypothesis(job, hypothesis);
        }
        w.tests += static_cast<std::uint32_t>(n);
      }
      w.tests += static_cast<std::uint32_t>(n);
      if (w.tests > job.settings.tests) return;
    }
  }
}

void findAnchors(const RecogniseSubject& job) {
  struct Anchor {
    std::size_t joint, count;
    double area;
  };
  Anchor anchors[kMostAnchors] = {};
  std::size_t kept = 0;
  std::int32_t markers[64];
  for (std::size_t joint = 0; joint < job.model.joints(); ++joint) {
    const std::size_t count = markersOf(job, joint, markers, 64);
    if (count < 3) continue;
    Triple triples[kMostTriples] = {};
    chooseTriples(job, markers, count, triples);
    const Anchor anchor{joint, std::min<std::size_t>(count, 5), triples[0].area};
    if (anchor.area < 1e-4) continue;
    std::size_t at = kept < kMostAnchors ? kept++ : kMostAnchors;
    const auto better = [](const Anchor& a, const Anchor& b) {
      return a.count != b.count ? a.count > b.count : a.area > b.area;
    };
    if (at == kMostAnchors) {
      if (!better(anchor, anchors[kMostAnchors - 1])) continue;
      at = kMostAnchors - 1;
    }
    anchors[at] = anchor;
    for (; at > 0 && better(anchors[at], anchors[at - 1]); --at)
      std::swap(anchors[at], anchors[at - 1]);
  }
  for (std::size_t k = 0; k < kept; ++k) {
    const std::size_t count = markersOf(job, anchors[k].joint, markers, 64);
    findAnchor(job, anchors[k].joint, markers, count);
  }
}
// Visits all joints outwards from the anchor.
void grow(const RecogniseSubject& job, const Hypothesis& anchor) {
  RecogniseWorkspace& w = job.workspace;
  const solve::SolveModel& model = job.model;
  std::fill(w.placed.begin(), w.placed.end(), std::uint8_t{0});
  std::fill(w.point_used.begin(), w.point_used.end(), std::uint8_t{0});
  std::fill(w.point_of_marker.begin(), w.point_of_marker.end(), -1);
  std::int32_t markers[64];
  const std::size_t count = markersOf(job, anchor.joint, markers, 64);
  w.world_from_joint[anchor.joint] = anchor.world_from_joint;
  w.placed[anchor.joint] = 1;
  w.slack[anchor.joint] = 0.0;
  findNear(job, anchor.world_from_joint.translation, 1.0);
  countInliers(job, markers, count, anchor.world_from_joint, w.near.data(), w.near.size(), true);
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t joint = 0; joint < model.joints(); ++joint) {
      const std::int32_t above = model.joint_parent[joint];
      if (above < 0) continue;
      const std::size_t parent = static_cast<std::size_t>(above);
      if (w.placed[joint] == w.placed[parent]) continue;
      const RigidTransformd& rest = model.rest[joint];
      const double stray =
          job.subject.joints[joint].motion == subject::JointMotion::free ? kFreeJoint : 0.0;
      if (w.placed[parent]) {
        const RigidTransformd& world = w.world_from_joint[parent];
        placeJoint(job, {joint, glm::dvec3(0.0), world * rest.translation,
                         world.rotation * rest.rotation, w.slack[parent] + stray});
      } else {
        const RigidTransformd& world = w.world_from_joint[joint];
        placeJoint(job, {parent, rest.translation, world.translation,
                         world.rotation * glm::conjugate(rest.rotation), w.slack[joint] + stray});
      }
      changed = true;
    }
  }
}
// Tests every pair of twins after a placement was found.
void exchangeAllTwins(const RecogniseSubject& job) {
  for (std::size_t joint = 0; joint < job.model.joints(); ++joint) {
    std::size_t first = 0, second = 0;
    if (!findTwins(job, joint, first, second)) continue;
    if (exchangeTwins(job, joint, first, second)) {
      std::swap(job.workspace.point_of_marker[first], job.workspace.point_of_marker[second]);
    }
  }
}
void polish(const RecogniseSubject& job, Placement& trial) {
  RecogniseWorkspace& w = job.workspace;
  constexpr double kReach[] = {0.15, 0.10, 0.07, 0.05, 0.04, 0.035};
  trial.found = false;
  fitGrown(job);
  for (double reach : kReach) {
    trial.matched = matchNearest(job, reach);
    if (trial.matched < 4) return;
    trial.rms = solve::fitPose(job.subject, job.model, job.solve_settings, job.kernels, w.labelled,
                               3, job.solve_workspace, w.pose);
  }
  trial.matched = matchNearest(job, 0.03);
  exchangeAllTwins(job);
  trial.score = 0.0;
  double sum = 0.0;
  constexpr double kFarFit =
      0.015;  // A marker this far from the model speaks neither for nor against.
  for (std::size_t m = 0; m < job.subject.markers.size(); ++m) {
    if (w.point_of_marker[m] < 0) continue;
    const glm::dvec3 between = job.points[static_cast<std::size_t>(w.point_of_marker[m])] -
                               solve::markerPosition(job.subject.markers[m], w.world_from_joint);
    const double squared = glm::dot(between, between);
    sum += squared;
    trial.score += 1.0 - squared / (kFarFit * kFarFit);
  }
  trial.rms = std::sqrt(sum / static_cast<double>(std::max<std::size_t>(trial.matched, 1)));
  const double share =
      static_cast<double>(trial.matched) / static_cast<double>(job.subject.markers.size());
  trial.found = share >= job.settings.smallest_share && trial.rms <= job.settings.largest_rms;
  trial.parent_from_joint = w.pose;
  trial.point_of_marker = w.point_of_marker;
}
}  // namespace

void reserve(Placement& placement, const subject::Subject& subject) {
  placement.parent_from_joint.reserve(subject.skeleton.size());
  placement.point_of_marker.reserve(subject.markers.size());
}

RecogniseWorkspace makeRecogniseWorkspace(const subject::Subject& largest,
                                          std::size_t most_points) {
  RecogniseWorkspace w;
  w.hypotheses.reserve(kMostHypotheses);
  w.near.reserve(most_points);
  w.world_from_joint.reserve(largest.skeleton.size());
  w.placed.reserve(largest.skeleton.size());
  w.doubted.reserve(largest.skeleton.size());
  w.pool.reserve(most_points);
  w.points.reserve(most_points);
  w.slack.reserve(largest.skeleton.size());
  w.pose.reserve(largest.skeleton.size());
  w.kept_pose.reserve(largest.skeleton.size());
  w.point_used.reserve(most_points);
  w.order.reserve(most_points);
  w.best_marker_of_point.reserve(most_points);
  w.best_distance.reserve(most_points);
  w.point_of_marker.reserve(largest.markers.size());
  w.labelled.markers.reserve(largest.markers.size());
  w.fixed.markers.reserve(largest.markers.size());
  reserve(w.trial, largest);
  return w;
}

void RecogniseSubject::run() const {
  RecogniseWorkspace& w = workspace;
  const std::size_t count = points.size();
  layOut(w, model, subject, count);
  placement.found = false;
  placement.score = -1e9;
  findAnchors(*this);
  std::sort(w.hypotheses.begin(), w.hypotheses.end(), [](const Hypothesis& a, const Hypothesis& b) {
    return a.inliers != b.inliers ? a.inliers > b.inliers : a.squared < b.squared;
  });
  const std::size_t bodies = 1 + count / std::max<std::size_t>(subject.markers.size(), 1);
  const std::size_t most =
      std::min(w.hypotheses.size(), static_cast<std::size_t>(settings.hypotheses) * bodies);
  for (std::size_t h = 0; h < most && w.tests < settings.tests; ++h) {
    grow(*this, w.hypotheses[h]);
    worldToLocal(*this);
    polish(*this, w.trial);
    if (w.trial.found && w.trial.score > placement.score) std::swap(placement, w.trial);
  }
}

}  // namespace understudy::solve
