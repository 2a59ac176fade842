#include "capture/solve/recognise.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "engine/math/exponential.h"

namespace understudy::solve {
namespace {

using math::RigidTransformd;
using Hypothesis = RecogniseWorkspace::Hypothesis;

constexpr std::size_t kMostHypotheses = 96;
constexpr std::size_t kMostNear = 160;   // Points around one joint that are looked at.
constexpr std::size_t kMostTriples = 6;  // Per anchor segment.
constexpr std::size_t kMostAnchors = 4;
constexpr double kLooseJoint = 0.05;  // How far an unmarked joint may move its child, metres.
constexpr double kSuspicious =
    0.008;  // Twins that are together so far off the model are tested, metres.
constexpr double kFreeJoint = 0.08;  // How far a free joint may stray from rest, metres.

double distance(const glm::dvec3& a, const glm::dvec3& b) {
  const glm::dvec3 between = a - b;
  return std::sqrt(glm::dot(between, between));
}

double rotationAngle(const glm::dquat& a, const glm::dquat& b) {
  const glm::dvec3 turn = math::vectorFromRotation(glm::conjugate(a) * b);
  return std::sqrt(glm::dot(turn, turn));
}

glm::dvec3 offsetOf(const RecogniseSubject& job, std::size_t marker) {
  return glm::dvec3(job.subject.markers[marker].offset_joint);
}

std::size_t markersOf(const RecogniseSubject& job, std::size_t joint, std::int32_t* list,
                      std::size_t most) {
  std::size_t count = 0;
  for (std::size_t m = 0; m < job.subject.markers.size() && count < most; ++m) {
    if (job.subject.markers[m].joint == static_cast<int>(joint))
      list[count++] = static_cast<std::int32_t>(m);
  }
  return count;
}

struct Correspondences {
  glm::dvec3 source[4], target[4];
  double weight[4];
  std::size_t count = 0;

  void add(const glm::dvec3& from, const glm::dvec3& to, double w) {
    source[count] = from;
    target[count] = to;
    weight[count++] = w;
  }
};

// Weighted rigid fit (Horn 1987); `prior` decides what the points leave open.
RigidTransformd fitRigid(const Correspondences& c, const glm::dquat& prior, double prior_weight) {
  glm::dvec3 from(0.0), to(0.0);
  double sum = 0.0;
  for (std::size_t i = 0; i < c.count; ++i) {
    from += c.weight[i] * c.source[i];
    to += c.weight[i] * c.target[i];
    sum += c.weight[i];
  }
  from /= sum;
  to /= sum;
  // Entry [i][j] sums source_i * target_j.
  glm::dmat3 correlation(0.0);
  for (std::size_t k = 0; k < c.count; ++k) {
    const glm::dvec3 s = c.source[k] - from, t = c.target[k] - to;
    for (int i = 0; i < 3; ++i) correlation[i] += c.weight[k] * s[i] * t;
  }
  const glm::dmat3 turn = glm::mat3_cast(prior);
  for (int i = 0; i < 3; ++i) correlation[i] += prior_weight * turn[i];
  const glm::dquat rotation = math::rotationFromCorrelation(correlation);
  return {rotation, to - rotation * from};
}

// Markers of the joint that have an unused point where the pose puts them. With `use_them` they
// take these points.
struct Inliers {
  std::size_t count = 0;
  double squared = 0;
};

Inliers countInliers(const RecogniseSubject& job, const std::int32_t* markers,
                     std::size_t marker_count, const RigidTransformd& world_from_joint,
                     const std::int32_t* near, std::size_t near_count, bool use_them) {
  Inliers inliers;
  const double reach = 1.5 * job.settings.tolerance;
  for (std::size_t m = 0; m < marker_count; ++m) {
    const glm::dvec3 expected =
        world_from_joint * offsetOf(job, static_cast<std::size_t>(markers[m]));
    double best = reach * reach;
    std::int32_t found = -1;
    for (std::size_t n = 0; n < near_count; ++n) {
      const std::size_t p = static_cast<std::size_t>(near[n]);
      if (job.workspace.point_used[p]) continue;
      const glm::dvec3 between = job.points[p] - expected;
      const double squared = glm::dot(between, between);
      if (squared < best) {
        best = squared;
        found = near[n];
      }
    }
    job.workspace.tests += static_cast<std::uint32_t>(near_count);
    if (found < 0) continue;
    ++inliers.count;
    inliers.squared += best;
    if (!use_them) continue;
    job.workspace.point_used[static_cast<std::size_t>(found)] = 1;
    job.workspace.point_of_marker[static_cast<std::size_t>(markers[m])] = found;
  }
  return inliers;
}

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

// ---- Growing a placement over the tree ----

// A joint to be placed: the point of its segment that its neighbour fixes, and how it would stand
// at rest.
struct Hinge {
  std::size_t joint;
  glm::dvec3 local, world;
  glm::dquat prior;
  double slack;
};

std::size_t findNear(const RecogniseSubject& job, const glm::dvec3& centre, double reach) {
  std::vector<std::int32_t>& near = job.workspace.near;
  near.clear();
  for (std::size_t p = 0; p < job.points.size() && near.size() < kMostNear; ++p) {
    if (!job.workspace.point_used[p] && distance(job.points[p], centre) < reach) {
      near.push_back(static_cast<std::int32_t>(p));
    }
  }
  job.workspace.tests += static_cast<std::uint32_t>(job.points.size());
  return near.size();
}

struct JointFit {
  RigidTransformd world_from_joint;
  double cost = 1e9;
  std::size_t inliers = 0;
};

// Share of the markers one joint further out that have a point at their distance from their hinge:
// tells whether the joint ends in the right place.
double lookAhead(const RecogniseSubject& job, std::size_t joint, const RigidTransformd& world) {
  constexpr double kPerMarker = 0.5;
  double found = 0.0;
  for (const subject::SubjectMarker& marker : job.subject.markers) {
    const std::size_t child = static_cast<std::size_t>(marker.joint);
    if (job.model.joint_parent[child] != static_cast<std::int32_t>(joint) ||
        job.workspace.placed[child])
      continue;
    const glm::dvec3 hinge = world * job.model.rest[child].translation;
    const double expected = distance(glm::dvec3(marker.offset_joint), glm::dvec3(0.0));
    for (std::size_t p = 0; p < job.points.size(); ++p) {
      if (job.workspace.point_used[p]) continue;
      if (std::abs(distance(job.points[p], hinge) - expected) > 0.75 * job.settings.tolerance)
        continue;
      found += kPerMarker;
      break;
    }
    job.workspace.tests += static_cast<std::uint32_t>(job.points.size());
  }
  return found;
}

void offerFit(const RecogniseSubject& job, const Hinge& hinge, const std::int32_t* markers,
              std::size_t count, std::size_t near_count, const RigidTransformd& world,
              JointFit& best) {
  const Inliers inliers =
      countInliers(job, markers, count, world, job.workspace.near.data(), near_count, false);
  if (inliers.count == 0) return;
  const double tolerance = job.settings.tolerance;
  double cost = -static_cast<double>(inliers.count) +
                0.3 * inliers.squared / (tolerance * tolerance) +
                0.2 * rotationAngle(hinge.prior, world.rotation);
  constexpr double kMostAhead = 2.0;  // What looking ahead can gain at most, about.
  if (cost - kMostAhead >= best.cost) return;
  cost -= lookAhead(job, hinge.joint, world);
  if (cost < best.cost) best = {world, cost, inliers.count};
}

// Turns the joint to where two of its markers (or one) fit the distances to the hinge and to each
// other.
JointFit fitJoint(const RecogniseSubject& job, const Hinge& hinge, const std::int32_t* markers,
                  std::size_t count) {
  JointFit best;
  double reach = 0.0;
  for (std::size_t m = 0; m < count; ++m) {
    reach =
        std::max(reach, distance(offsetOf(job, static_cast<std::size_t>(markers[m])), hinge.local));
  }
  const double tolerance = job.settings.tolerance + hinge.slack;
  const std::size_t near_count = findNear(job, hinge.world, reach + tolerance);
  const std::int32_t* near = job.workspace.near.data();
  const double hinge_weight = hinge.slack > 0.0 ? 0.02 : 1.0;
  for (std::size_t ma = 0; ma < count; ++ma) {
    const glm::dvec3 a = offsetOf(job, static_cast<std::size_t>(markers[ma]));
    for (std::size_t x = 0; x < near_count; ++x) {
      const glm::dvec3& at_x = job.points[static_cast<std::size_t>(near[x])];
      if (std::abs(distance(at_x, hinge.world) - distance(a, hinge.local)) > tolerance) continue;
      Correspondences single;
      single.add(hinge.local, hinge.world, 1.0);
      single.add(a, at_x, 1.0);
      offerFit(job, hinge, markers, count, near_count, fitRigid(single, hinge.prior, 1e-4), best);
      for (std::size_t mb = ma + 1; mb < count; ++mb) {
        const glm::dvec3 b = offsetOf(job, static_cast<std::size_t>(markers[mb]));
        for (std::size_t y = 0; y < near_count; ++y) {
          if (y == x) continue;
          const glm::dvec3& at_y = job.points[static_cast<std::size_t>(near[y])];
          if (std::abs(distance(at_x, at_y) - distance(a, b)) > job.settings.tolerance) continue;
          if (std::abs(distance(at_y, hinge.world) - distance(b, hinge.local)) > tolerance)
            continue;
          Correspondences pair;
          pair.add(hinge.local, hinge.world, hinge_weight);
          pair.add(a, at_x, 1.0);
          pair.add(b, at_y, 1.0);
          offerFit(job, hinge, markers, count, near_count, fitRigid(pair, hinge.prior, 1e-4), best);
        }
      }
    }
    if (job.workspace.tests > job.settings.tests) break;
  }
  return best;
}

void placeJoint(const RecogniseSubject& job, const Hinge& hinge) {
  RecogniseWorkspace& w = job.workspace;
  std::int32_t markers[64];
  const std::size_t count = markersOf(job, hinge.joint, markers, 64);
  RigidTransformd world{hinge.prior, hinge.world - hinge.prior * hinge.local};
  w.placed[hinge.joint] = 1;
  w.slack[hinge.joint] = hinge.slack;
  if (count > 0) {
    const JointFit fit = fitJoint(job, hinge, markers, count);
    if (fit.inliers > 0) {
      world = fit.world_from_joint;
      findNear(job, world.translation, 1.0);
      countInliers(job, markers, count, world, w.near.data(), w.near.size(), true);
      w.slack[hinge.joint] = fit.inliers >= 2 ? 0.0 : kLooseJoint;
    } else {
      w.slack[hinge.joint] += kLooseJoint;
    }
  } else if (job.model.joint_freedoms[hinge.joint] > 0) {
    w.slack[hinge.joint] += kLooseJoint;
  }
  w.world_from_joint[hinge.joint] = world;
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

void worldToLocal(const RecogniseSubject& job) {
  RecogniseWorkspace& w = job.workspace;
  for (std::size_t joint = 0; joint < job.model.joints(); ++joint) {
    const std::int32_t parent = job.model.joint_parent[joint];
    if (parent < 0) {
      w.pose[joint] = w.world_from_joint[joint];
      continue;
    }
    const RigidTransformd local =
        inverse(w.world_from_joint[static_cast<std::size_t>(parent)]) * w.world_from_joint[joint];
    w.pose[joint] = job.model.rest[joint];
    if (job.model.joint_freedoms[joint] > 0) w.pose[joint].rotation = local.rotation;
    if (job.model.joint_freedoms[joint] == 6) w.pose[joint].translation = local.translation;
  }
}

// ---- Polishing: nearest points and the solver in turn ----

void updateWorld(const RecogniseSubject& job) {
  RecogniseWorkspace& w = job.workspace;
  const std::vector<RigidTransformd>& pose = w.pose;
  for (std::size_t joint = 0; joint < job.model.joints(); ++joint) {
    const std::int32_t parent = job.model.joint_parent[joint];
    w.world_from_joint[joint] =
        parent < 0 ? pose[joint]
                   : w.world_from_joint[static_cast<std::size_t>(parent)] * pose[joint];
  }
}

// Fills the slots from the fixed ones and from the points that markers have; returns how many have
// one.
std::size_t fillSlots(const RecogniseSubject& job, const frame::LabelledSubject* fixed) {
  RecogniseWorkspace& w = job.workspace;
  std::size_t matched = 0;
  for (std::size_t m = 0; m < job.subject.markers.size(); ++m) {
    const bool is_fixed = fixed != nullptr && fixed->markers[m].confidence > 0.0f;
    frame::LabelledMarker& slot = w.labelled.markers[m];
    slot = is_fixed ? fixed->markers[m] : frame::LabelledMarker{};
    if (w.point_of_marker[m] < 0) continue;
    slot.position = glm::vec3(job.points[static_cast<std::size_t>(w.point_of_marker[m])]);
    slot.confidence = 1.0f;
    ++matched;
  }
  return matched;
}

// Fits the pose to the points that growing took, before any marker looks for its nearest: joints
// with a single marker leave the limbs beyond them a little off, and markers that are close
// together would find each other's points.
void fitGrown(const RecogniseSubject& job, const frame::LabelledSubject* fixed = nullptr) {
  constexpr int kSteps = 5;
  fillSlots(job, fixed);
  solve::fitPose(job.subject, job.model, job.solve_settings, job.kernels, job.workspace.labelled,
                 kSteps, job.solve_workspace, job.workspace.pose);
}

// Gives each marker that is not fixed the point nearest to it, if it is also the point's nearest
// marker.
std::size_t matchNearest(const RecogniseSubject& job, double reach,
                         const frame::LabelledSubject* fixed = nullptr) {
  RecogniseWorkspace& w = job.workspace;
  const auto isFixed = [&](std::size_t m) {
    return fixed != nullptr && fixed->markers[m].confidence > 0.0f;
  };
  updateWorld(job);
  std::fill(w.best_marker_of_point.begin(), w.best_marker_of_point.end(), -1);
  std::fill(w.best_distance.begin(), w.best_distance.end(), reach * reach);
  for (std::size_t m = 0; m < job.subject.markers.size(); ++m) {
    const glm::dvec3 expected = solve::markerPosition(job.subject.markers[m], w.world_from_joint);
    double best = reach * reach;
    w.point_of_marker[m] = -1;
    if (isFixed(m)) continue;
    for (std::size_t p = 0; p < job.points.size(); ++p) {
      const glm::dvec3 between = job.points[p] - expected;
      const double squared = glm::dot(between, between);
      if (squared < w.best_distance[p]) {
        w.best_distance[p] = squared;
        w.best_marker_of_point[p] = static_cast<std::int32_t>(m);
      }
      if (squared < best) {
        best = squared;
        w.point_of_marker[m] = static_cast<std::int32_t>(p);
      }
    }
  }
  w.tests += static_cast<std::uint32_t>(job.points.size() * job.subject.markers.size() / 8);
  for (std::size_t m = 0; m < job.subject.markers.size(); ++m) {
    std::int32_t& point = w.point_of_marker[m];
    if (point >= 0 &&
        w.best_marker_of_point[static_cast<std::size_t>(point)] != static_cast<std::int32_t>(m))
      point = -1;
  }
  return fillSlots(job, fixed);
}

// ---- Twins: two markers of a segment that could be exchanged ----

double squaredResiduals(const RecogniseSubject& job) {
  const RecogniseWorkspace& w = job.workspace;
  double sum = 0.0;
  for (std::size_t m = 0; m < job.subject.markers.size(); ++m) {
    if (!(w.labelled.markers[m].confidence > 0.0f)) continue;
    const glm::dvec3 between = glm::dvec3(w.labelled.markers[m].position) -
                               solve::markerPosition(job.subject.markers[m], w.world_from_joint);
    sum += glm::dot(between, between);
  }
  return sum;
}

// The two seen markers of a joint that has no third one; false for other joints.
bool findTwins(const RecogniseSubject& job, std::size_t joint, std::size_t& first,
               std::size_t& second) {
  std::size_t seen = 0;
  for (std::size_t m = 0; m < job.subject.markers.size(); ++m) {
    if (job.subject.markers[m].joint != static_cast<int>(joint)) continue;
    if (!(job.workspace.labelled.markers[m].confidence > 0.0f)) continue;
    (seen == 0 ? first : second) = m;
    ++seen;
  }
  return seen == 2 && job.model.joint_parent[joint] >= 0 && job.model.joint_freedoms[joint] > 0;
}

// How badly the joint's pose suits: residuals of all markers, and its turn away from rest, which
// decides where two markers on a limb fit either way.
double strain(const RecogniseSubject& job, std::size_t joint) {
  constexpr double kTurnShare = 2.0e-5;  // Square metres per square radian.
  const double turn =
      rotationAngle(job.model.rest[joint].rotation, job.workspace.pose[joint].rotation);
  return squaredResiduals(job) + kTurnShare * turn * turn;
}

// Exchanges two markers of w.labelled, turns their joint to suit and fits the body; keeps the
// exchange (and w.pose) if the markers fit clearly better.
bool exchangeTwins(const RecogniseSubject& job, std::size_t joint, std::size_t first,
                   std::size_t second) {
  RecogniseWorkspace& w = job.workspace;
  constexpr int kSteps = 3;
  constexpr double kClearlyBetter = 0.85;
  constexpr double kLeastGain = 1.0e-4;  // Square metres: two markers by 7 mm each.
  w.kept_pose = w.pose;
  solve::fitPose(job.subject, job.model, job.solve_settings, job.kernels, w.labelled, kSteps,
                 job.solve_workspace, w.pose);
  updateWorld(job);
  const double before = strain(job, joint);
  std::swap(w.labelled.markers[first], w.labelled.markers[second]);
  const RigidTransformd& world = w.world_from_joint[joint];
  Correspondences exchanged;
  exchanged.add(glm::dvec3(0.0), world.translation, 1.0);
  exchanged.add(offsetOf(job, first), glm::dvec3(w.labelled.markers[first].position), 1.0);
  exchanged.add(offsetOf(job, second), glm::dvec3(w.labelled.markers[second].position), 1.0);
  const RigidTransformd& parent =
      w.world_from_joint[static_cast<std::size_t>(job.model.joint_parent[joint])];
  w.pose[joint].rotation = glm::normalize(glm::conjugate(parent.rotation) *
                                          fitRigid(exchanged, world.rotation, 1e-6).rotation);
  solve::fitPose(job.subject, job.model, job.solve_settings, job.kernels, w.labelled, kSteps,
                 job.solve_workspace, w.pose);
  updateWorld(job);
  const double after = strain(job, joint);
  if (after < kClearlyBetter * before && after < before - kLeastGain) return true;
  std::swap(w.labelled.markers[first], w.labelled.markers[second]);
  w.pose = w.kept_pose;
  updateWorld(job);
  return false;
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

// ---- Limbs that were lost ----

// True if an unnamed marker lies where this limb could be.
bool isUnnamedNear(const RecoverLimbs& job, const glm::dvec3& place) {
  constexpr double kReach = 0.25;
  for (const frame::Marker& marker : job.labels.unlabelled) {
    if (distance(glm::dvec3(marker.position), place) < kReach) return true;
  }
  return false;
}

// Doubts joints whose markers are not all where the model has them while unnamed markers are near,
// and all that hang on them. Returns how many sound markers they hold.
std::size_t doubtJoints(const RecoverLimbs& limbs, const RecogniseSubject& job) {
  RecogniseWorkspace& w = job.workspace;
  const std::vector<frame::LabelledMarker>& slots =
      limbs.labels.subjects[limbs.subject_index].markers;
  constexpr double kSound = 0.02;
  std::size_t held = 0;
  for (std::size_t joint = 0; joint < job.model.joints(); ++joint) {
    const std::int32_t parent = job.model.joint_parent[joint];
    std::size_t sound = 0, all = 0;
    bool unnamed_near = false;
    for (std::size_t m = 0; m < job.subject.markers.size(); ++m) {
      if (job.subject.markers[m].joint != static_cast<int>(joint)) continue;
      ++all;
      const glm::dvec3 expected = solve::markerPosition(job.subject.markers[m], w.world_from_joint);
      const bool fits =
          slots[m].confidence > 0.0f && distance(expected, glm::dvec3(slots[m].position)) < kSound;
      sound += fits;
      if (!fits) unnamed_near = unnamed_near || isUnnamedNear(limbs, expected);
    }
    const bool hangs = parent >= 0 && w.doubted[static_cast<std::size_t>(parent)];
    w.doubted[joint] = parent >= 0 && (hangs || unnamed_near) ? 1 : 0;
    w.placed[joint] = !w.doubted[joint];
    if (w.doubted[joint]) held += sound;
  }
  return held;
}

// What the doubted joints may be made of: unnamed markers and the ones that they hold.
void fillPool(const RecoverLimbs& job) {
  RecogniseWorkspace& w = job.workspace;
  const std::vector<frame::LabelledMarker>& slots = job.labels.subjects[job.subject_index].markers;
  w.pool.clear();
  for (const frame::Marker& marker : job.labels.unlabelled) {
    if (w.pool.size() < w.pool.capacity()) w.pool.push_back(marker);
  }
  for (std::size_t m = 0; m < slots.size() && w.pool.size() < w.pool.capacity(); ++m) {
    if (!w.doubted[static_cast<std::size_t>(job.subject.markers[m].joint)]) continue;
    if (!(slots[m].confidence > 0.0f)) continue;
    frame::Marker marker;
    marker.position = slots[m].position;
    marker.covariance = slots[m].covariance;
    marker.rays = 2;
    w.pool.push_back(marker);
  }
  w.points.clear();
  for (const frame::Marker& marker : w.pool) w.points.push_back(glm::dvec3(marker.position));
}

// Places the doubted joints on the sound ones, outwards.
void growDoubted(const RecogniseSubject& job) {
  RecogniseWorkspace& w = job.workspace;
  for (std::size_t joint = 1; joint < job.model.joints(); ++joint) {
    const std::size_t parent = static_cast<std::size_t>(job.model.joint_parent[joint]);
    if (!w.doubted[joint]) continue;
    const RigidTransformd& world = w.world_from_joint[parent];
    const RigidTransformd& rest = job.model.rest[joint];
    const double stray =
        job.subject.joints[joint].motion == subject::JointMotion::free ? kFreeJoint : 0.0;
    placeJoint(job,
               {joint, glm::dvec3(0.0), world * rest.translation, world.rotation * rest.rotation,
                (w.doubted[parent] ? w.slack[parent] : 0.0) + stray});
  }
}

// Takes only the doubted joints from the fitted pose.
void keepSoundJoints(const RecogniseSubject& job,
                     const std::vector<RigidTransformd>& parent_from_joint) {
  for (std::size_t j = 0; j < job.model.joints(); ++j) {
    if (!job.workspace.doubted[j]) job.workspace.pose[j] = parent_from_joint[j];
  }
}

// Writes the new names; what no marker took goes back to the unnamed.
void rename(const RecoverLimbs& job) {
  RecogniseWorkspace& w = job.workspace;
  std::vector<frame::LabelledMarker>& slots = job.labels.subjects[job.subject_index].markers;
  for (std::size_t m = 0; m < slots.size(); ++m) {
    const std::int32_t point = w.point_of_marker[m];
    if (w.doubted[static_cast<std::size_t>(job.subject.markers[m].joint)]) slots[m] = {};
    if (point < 0) continue;
    frame::Marker& marker = w.pool[static_cast<std::size_t>(point)];
    slots[m] = {marker.position, marker.covariance, 1.0f};
    marker.rays = 0;
  }
  job.labels.unlabelled.clear();
  for (const frame::Marker& marker : w.pool) {
    if (marker.rays > 0 && job.labels.unlabelled.size() < job.labels.unlabelled.capacity()) {
      job.labels.unlabelled.push_back(marker);
    }
  }
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
  w.near.reserve(kMostNear);
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

namespace {

void layOutPoints(RecogniseWorkspace& w, std::size_t count) {
  w.point_used.assign(count, 0);
  w.order.resize(count);
  for (std::size_t p = 0; p < count; ++p) w.order[p] = static_cast<std::int32_t>(p);
  w.best_marker_of_point.resize(count);
  w.best_distance.resize(count);
}

void layOut(RecogniseWorkspace& w, const solve::SolveModel& model, const subject::Subject& subject,
            std::size_t count) {
  const std::size_t joints = model.joints();
  w.world_from_joint.resize(joints);
  w.placed.resize(joints);
  w.doubted.assign(joints, 0);
  w.slack.assign(joints, 0.0);
  w.pose.resize(joints);
  layOutPoints(w, count);
  w.point_of_marker.assign(subject.markers.size(), -1);
  w.labelled.markers.resize(subject.markers.size());
  w.hypotheses.clear();
  w.tests = 0;
}

// What the steps of recognition need, of a stage that repairs a tracked subject.
template <class Repair>
RecogniseSubject jobOf(const Repair& repair) {
  return {.settings = repair.settings,
          .subject = repair.subject,
          .model = repair.model,
          .solve_settings = repair.solve_settings,
          .kernels = repair.kernels,
          .points = {},
          .solve_workspace = repair.solve_workspace,
          .workspace = repair.workspace,
          .placement = repair.workspace.trial};
}

}  // namespace

bool RecoverLimbs::run() const {
  RecogniseWorkspace& w = workspace;
  layOut(w, model, subject, 0);
  RecogniseSubject job = jobOf(*this);
  w.pose = state.parent_from_joint;
  updateWorld(job);
  const frame::LabelledSubject& named = labels.subjects[subject_index];
  const std::size_t held = doubtJoints(*this, job);
  fillPool(*this);
  layOutPoints(w, w.points.size());
  job.points = w.points;
  growDoubted(job);
  worldToLocal(job);
  keepSoundJoints(job, state.parent_from_joint);
  // Markers of sound joints stay fixed; the doubted ones are open.
  frame::LabelledSubject& fixed = w.fixed;
  fixed.markers.assign(named.markers.begin(), named.markers.end());
  for (std::size_t m = 0; m < fixed.markers.size(); ++m) {
    if (w.doubted[static_cast<std::size_t>(subject.markers[m].joint)]) fixed.markers[m] = {};
  }
  fitGrown(job, &fixed);
  keepSoundJoints(job, state.parent_from_joint);
  constexpr double kReach[] = {0.10, 0.06, 0.04};
  for (double reach : kReach) {
    if (matchNearest(job, reach, &fixed) < 2) return false;
    solve::fitPose(subject, model, solve_settings, kernels, w.labelled, 2, solve_workspace, w.pose);
    keepSoundJoints(job, state.parent_from_joint);
  }
  const std::size_t matched = matchNearest(job, 0.03, &fixed);
  if (matched < held + 2) return false;
  for (std::size_t joint = 0; joint < model.joints(); ++joint) {
    std::size_t first = 0, second = 0;
    if (!w.doubted[joint] || !findTwins(job, joint, first, second)) continue;
    if (exchangeTwins(job, joint, first, second))
      std::swap(w.point_of_marker[first], w.point_of_marker[second]);
  }
  keepSoundJoints(job, state.parent_from_joint);
  rename(*this);
  solve::moveJoints(model, w.pose, w.doubted, state);
  return true;
}

bool CheckTwins::run() const {
  RecogniseWorkspace& w = workspace;
  frame::LabelledSubject& named = labels.subjects[subject_index];
  layOut(w, model, subject, 0);
  const RecogniseSubject job = jobOf(*this);
  w.pose = state.parent_from_joint;
  w.labelled.markers.assign(named.markers.begin(), named.markers.end());
  updateWorld(job);
  // The bias is what a marker has kept off the model for a while: exchanged twins show there.
  std::size_t worst_joint = 0, worst_first = 0, worst_second = 0;
  double worst = kSuspicious;
  for (std::size_t joint = 0; joint < model.joints(); ++joint) {
    std::size_t first = 0, second = 0;
    if (!findTwins(job, joint, first, second)) continue;
    const double off = std::sqrt(glm::dot(state.bias[first], state.bias[first])) +
                       std::sqrt(glm::dot(state.bias[second], state.bias[second]));
    if (off <= worst) continue;
    worst = off;
    worst_joint = joint;
    worst_first = first;
    worst_second = second;
  }
  if (worst <= kSuspicious || !exchangeTwins(job, worst_joint, worst_first, worst_second))
    return false;
  std::swap(named.markers[worst_first], named.markers[worst_second]);
  w.doubted[worst_joint] = 1;
  solve::moveJoints(model, w.pose, w.doubted, state);
  state.bias[worst_first] = state.bias[worst_second] = glm::dvec3(0.0);
  return true;
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
