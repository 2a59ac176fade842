#include "capture/solve/recognise_steps.h"

#include <algorithm>
#include <cmath>

#include "capture/solve/solve_steps.h"
#include "engine/math/exponential.h"

namespace understudy::solve {

using math::RigidTransformd;

namespace {

constexpr std::size_t kMostNear = 160;  // Points around one joint that are looked at.

}  // namespace

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

std::size_t countNamed(std::span<const std::int32_t> point_of_marker) {
  return static_cast<std::size_t>(std::count_if(point_of_marker.begin(), point_of_marker.end(),
                                                [](std::int32_t p) { return p >= 0; }));
}

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

// ---- Growing a placement over the tree ----

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

namespace {

struct JointFit {
  RigidTransformd world_from_joint;
  double cost = 1e9;
  std::size_t inliers = 0;
};

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

}  // namespace

void placeJoint(const RecogniseSubject& job, const Hinge& hinge) {
  RecogniseWorkspace& w = job.workspace;
  std::int32_t markers[64];
  const std::size_t count = markersOf(job, hinge.joint, markers, 64);
  RigidTransformd world{hinge.prior, hinge.world - hinge.prior * hinge.local};
  w.placed[hinge.joint] = 1;
  w.slack[hinge.joint] = hinge.slack;
  if (isLone(job, hinge.joint)) {
    w.slack[hinge.joint] += kLooseJoint;
  } else if (count > 0) {
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

bool isLone(const RecogniseSubject& job, std::size_t joint) {
  std::int32_t list[2];
  return job.model.joint_parent[joint] >= 0 && job.model.joint_freedoms[joint] == 6 &&
         markersOf(job, joint, list, 2) == 1;
}

void placeLone(const RecogniseSubject& job, std::size_t joint) {
  RecogniseWorkspace& w = job.workspace;
  std::int32_t marker[1];
  if (markersOf(job, joint, marker, 1) == 0) return;
  const auto m = static_cast<std::size_t>(marker[0]);
  const glm::dvec3 expected = w.world_from_joint[joint] * offsetOf(job, m);
  double nearest = kFreeJoint + kLooseJoint;
  std::int32_t found = -1;
  for (std::size_t p = 0; p < job.points.size(); ++p) {
    const double off = distance(job.points[p], expected);
    if (w.point_used[p] || off >= nearest) continue;
    nearest = off;
    found = static_cast<std::int32_t>(p);
  }
  w.point_of_marker[m] = found;
  if (found < 0) return;
  const auto p = static_cast<std::size_t>(found);
  w.point_used[p] = 1;
  w.world_from_joint[joint].translation += job.points[p] - expected;
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
  worldFromJoints(job.model, job.workspace.pose, job.workspace.world_from_joint);
}

namespace {

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

}  // namespace

void fitGrown(const RecogniseSubject& job, const frame::LabelledSubject* fixed) {
  constexpr int kSteps = 5;
  fillSlots(job, fixed);
  solve::fitPose(job.subject, job.model, job.solve_settings, job.kernels, job.workspace.labelled,
                 kSteps, job.solve_workspace, job.workspace.pose);
}

std::size_t matchNearest(const RecogniseSubject& job, double reach,
                         const frame::LabelledSubject* fixed) {
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

namespace {

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

}  // namespace

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

bool findLone(const RecogniseSubject& job, std::size_t joint, std::size_t& lone) {
  std::size_t seen = 0, all = 0;
  for (std::size_t m = 0; m < job.subject.markers.size(); ++m) {
    if (job.subject.markers[m].joint != static_cast<int>(joint)) continue;
    ++all;
    if (!isSeen(job.workspace.labelled.markers[m])) continue;
    lone = m;
    ++seen;
  }
  return seen == 1 && all > 1 && job.model.joint_parent[joint] >= 0 &&
         job.model.joint_freedoms[joint] > 0;
}

namespace {

// How badly the joint's pose suits: residuals of all markers, and its turn away from rest, which
// decides where two markers on a limb fit either way.
double strain(const RecogniseSubject& job, std::size_t joint) {
  constexpr double kTurnShare = 2.0e-5;  // Square metres per square radian.
  const double turn =
      rotationAngle(job.model.rest[joint].rotation, job.workspace.pose[joint].rotation);
  return squaredResiduals(job) + kTurnShare * turn * turn;
}

}  // namespace

bool exchangeTwins(const RecogniseSubject& job, std::size_t joint, std::size_t first,
                   std::size_t second, double share, double least_gain) {
  RecogniseWorkspace& w = job.workspace;
  constexpr int kSteps = 3;
  w.kept_pose = w.pose;
  solve::fitPose(job.subject, job.model, job.solve_settings, job.kernels, w.labelled, kSteps,
                 job.solve_workspace, w.pose);
  updateWorld(job);
  const double before = strain(job, joint);
  std::swap(w.labelled.markers[first], w.labelled.markers[second]);
  const RigidTransformd& world = w.world_from_joint[joint];
  Correspondences exchanged;
  exchanged.add(glm::dvec3(0.0), world.translation, 1.0);
  for (const std::size_t m : {first, second}) {
    if (isSeen(w.labelled.markers[m]))
      exchanged.add(offsetOf(job, m), glm::dvec3(w.labelled.markers[m].position), 1.0);
  }
  const RigidTransformd& parent =
      w.world_from_joint[static_cast<std::size_t>(job.model.joint_parent[joint])];
  w.pose[joint].rotation = glm::normalize(glm::conjugate(parent.rotation) *
                                          fitRigid(exchanged, world.rotation, 1e-6).rotation);
  solve::fitPose(job.subject, job.model, job.solve_settings, job.kernels, w.labelled, kSteps,
                 job.solve_workspace, w.pose);
  updateWorld(job);
  const double after = strain(job, joint);
  if (after < share * before && after < before - least_gain) return true;
  std::swap(w.labelled.markers[first], w.labelled.markers[second]);
  w.pose = w.kept_pose;
  updateWorld(job);
  return false;
}
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
  w.tests = 0;
}
}  // namespace understudy::solve
