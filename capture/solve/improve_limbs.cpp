#include "capture/solve/improve_limbs.h"

#include <algorithm>
#include <cmath>

#include "capture/solve/grow_body.h"
#include "capture/solve/recognise_steps.h"
#include "engine/math/exponential.h"

namespace understudy::solve {
namespace {

using math::RigidTransformd;
using Level = LimbWorkspace::Level;
using Option = LimbWorkspace::Option;

constexpr double kSound = 0.015;     // A marker this near its point is where it should be, metres.
constexpr double kFar = 0.018;       // A point this far from a marker says nothing, metres.
constexpr double kTurnPrice = 0.05;  // Of a turn away from rest by one radian, in markers.
constexpr double kLeastGain = 0.2;   // Markers, about.
constexpr std::uint32_t kWork = 120000;  // Point tests per limb, ...
constexpr std::uint32_t kListWork =
    30000;                               // ... and for all the ways in which one joint may stand.
constexpr std::size_t kMostOfLimb = 16;  // Markers: with more it is the trunk.

double squaredDistance(const glm::dvec3& a, const glm::dvec3& b) {
  const glm::dvec3 between = a - b;
  return glm::dot(between, between);
}

// What a marker with a point at this distance is worth: 1 at most.
double worth(double squared) { return 1.0 - squared / (kFar * kFar); }

// What the joint's turn away from rest costs: it decides where markers fit either way.
double priceOfTurn(const RecogniseSubject& job, std::size_t joint) {
  const RecogniseWorkspace& w = job.workspace;
  const auto parent = static_cast<std::size_t>(job.model.joint_parent[joint]);
  const glm::dquat resting = w.world_from_joint[parent].rotation * job.model.rest[joint].rotation;
  const double turn = rotationAngle(resting, w.world_from_joint[joint].rotation);
  return kTurnPrice * turn * turn;
}

struct LimbSearch {
  const RecogniseSubject& job;
  LimbWorkspace& limbs;
  RecogniseWorkspace& w = job.workspace;
  std::size_t depth = 0;  // Levels in use.
  double best = 0;

  const glm::dvec3& pointAt(std::int32_t p) const {
    return job.points[static_cast<std::size_t>(p)];
  }
  std::uint8_t& used(std::int32_t p) { return w.point_used[static_cast<std::size_t>(p)]; }
  std::int32_t& pointOf(std::int32_t m) { return w.point_of_marker[static_cast<std::size_t>(m)]; }

  // Lists the joint and all that hangs on it, as far as markers go; false if that is no limb.
  bool layLevels(std::size_t root) {
    depth = 0;
    std::size_t markers = 0;
    std::fill(w.doubted.begin(), w.doubted.end(), std::uint8_t{0});
    for (std::size_t joint = root; joint < job.model.joints(); ++joint) {
      const std::int32_t parent = job.model.joint_parent[joint];
      const bool below = parent >= 0 && w.doubted[static_cast<std::size_t>(parent)];
      if (joint != root && !below) continue;
      w.doubted[joint] = 1;
      if (job.model.joint_freedoms[joint] == 0 && joint != root && !hasMarkers(joint) &&
          isBareBelow(joint))
        continue;
      if (depth == LimbWorkspace::kMostJoints) return false;
      Level& level = limbs.levels[depth++];
      level.joint = joint;
      level.markers = markersOf(job, joint, level.marker.data(), LimbWorkspace::kMostMarkers);
      markers += level.markers;
    }
    return markers > 0 && markers <= kMostOfLimb;
  }

  bool hasMarkers(std::size_t joint) const {
    return std::any_of(job.subject.markers.begin(), job.subject.markers.end(),
                       [&](const auto& m) { return m.joint == static_cast<int>(joint); });
  }

  // A joint that nothing measures stays as it is, and so does all beyond it.
  bool isBareBelow(std::size_t joint) const {
    for (const subject::SubjectMarker& marker : job.subject.markers) {
      for (std::int32_t j = marker.joint; j >= 0;
           j = job.model.joint_parent[static_cast<std::size_t>(j)]) {
        if (j == static_cast<std::int32_t>(joint)) return false;
      }
    }
    return true;
  }

  // What the limb explains as it stands.
  double valueNow() const {
    double value = 0.0;
    for (std::size_t d = 0; d < depth; ++d) {
      const Level& level = limbs.levels[d];
      if (isLone(job, level.joint)) continue;
      value -= priceOfTurn(job, level.joint);
      for (std::size_t n = 0; n < level.markers; ++n) {
        const auto m = static_cast<std::size_t>(level.marker[n]);
        if (w.point_of_marker[m] < 0) continue;
        value += worth(squaredDistance(pointAt(w.point_of_marker[m]),
                                       markerPosition(job.subject.markers[m], w.world_from_joint)));
      }
    }
    return value;
  }

  // Puts the joint there; its markers look for their nearest free points.
  void offer(Level& level, const RigidTransformd& world, const glm::dquat& prior,
             std::size_t near_count) {
    Option option{.world_from_joint = world};
    const double reach = 1.25 * job.settings.tolerance;
    std::size_t found = 0;
    double squares = 0.0;
    for (std::size_t n = 0; n < level.markers; ++n) {
      const glm::dvec3 expected = world * offsetOf(job, static_cast<std::size_t>(level.marker[n]));
      double nearest = reach * reach;
      option.points[n] = -1;
      for (std::size_t k = 0; k < near_count; ++k) {
        const double squared = squaredDistance(pointAt(w.near[k]), expected);
        if (squared >= nearest) continue;
        nearest = squared;
        option.points[n] = w.near[k];
      }
      for (std::size_t o = 0; o < n; ++o) {
        if (option.points[n] >= 0 && option.points[o] == option.points[n]) option.points[n] = -1;
      }
      if (option.points[n] < 0) continue;
      ++found;
      squares += nearest;
    }
    w.tests += static_cast<std::uint32_t>(near_count * level.markers);
    if (found == 0) return;
    const double tolerance = job.settings.tolerance;
    const double turn = rotationAngle(prior, world.rotation);
    option.value = static_cast<double>(found) - squares / (kFar * kFar) - kTurnPrice * turn * turn;
    option.slack = found >= 2 ? 0.0 : kLooseJoint;
    option.cost = -static_cast<double>(found) + 0.3 * squares / (tolerance * tolerance) +
                  0.1 * turn - lookAhead(job, level.joint, world);
    keep(level, option);
  }

  static bool isAlike(const Option& a, const Option& b) {
    constexpr double kSameTurn = 0.3;
    return a.points == b.points &&
           rotationAngle(a.world_from_joint.rotation, b.world_from_joint.rotation) < kSameTurn;
  }

  // A single marker leaves the turn about its own direction open, and with it where the next joint
  // hangs.
  void offerTwists(Level& level, const RigidTransformd& world, const glm::dvec3& point,
                   const glm::dquat& prior, std::size_t near_count) {
    constexpr double kTwists[] = {-1.4, -0.7, 0.7, 1.4};
    const glm::dvec3 along = point - world.translation;
    const double length = std::sqrt(glm::dot(along, along));
    if (!(length > 0.01)) return;
    for (const double twist : kTwists) {
      const glm::dquat turn = math::rotationFromVector(along * (twist / length));
      offer(level, {turn * world.rotation, world.translation}, prior, near_count);
    }
  }

  // The best few, all unlike.
  static void keep(Level& level, const Option& option) {
    std::size_t at = level.options;
    for (std::size_t n = 0; n < level.options; ++n) {
      if (!isAlike(level.option[n], option)) continue;
      if (level.option[n].cost <= option.cost) return;
      at = n;
      break;
    }
    if (at == level.options) {
      if (level.options < LimbWorkspace::kMostOptions) {
        ++level.options;
      } else if (level.option[--at].cost <= option.cost) {
        return;
      }
    }
    level.option[at] = option;
    for (; at > 0 && level.option[at].cost < level.option[at - 1].cost; --at) {
      std::swap(level.option[at], level.option[at - 1]);
    }
  }

  // All ways in which the joint may stand on its parent, which is placed.
  void listOptions(Level& level) {
    level.options = level.next = 0;
    const auto parent = static_cast<std::size_t>(job.model.joint_parent[level.joint]);
    const RigidTransformd& above = w.world_from_joint[parent];
    const RigidTransformd& rest = job.model.rest[level.joint];
    const glm::dvec3 hinge = above * rest.translation;
    const glm::dquat prior = above.rotation * rest.rotation;
    const bool is_free = job.subject.joints[level.joint].motion == subject::JointMotion::free;
    const double slack = w.slack[parent] + (is_free ? kFreeJoint : 0.0);
    const RigidTransformd resting{prior, hinge};
    if (job.model.joint_freedoms[level.joint] == 0 || isLone(job, level.joint)) {
      listResting(level, resting, slack);
      return;
    }
    double reach = 0.0;
    for (std::size_t n = 0; n < level.markers; ++n) {
      reach = std::max(reach, distance(offsetOf(job, static_cast<std::size_t>(level.marker[n])),
                                       glm::dvec3(0.0)));
    }
    const double tolerance = job.settings.tolerance + slack;
    const std::size_t near_count = level.markers > 0 ? findNear(job, hinge, reach + tolerance) : 0;
    const double hinge_weight = slack > 0.0 ? 0.02 : 1.0;
    const std::uint32_t start = w.tests;
    if (is_free) offerPatterns(level, prior, near_count);
    for (std::size_t a = 0; a < level.markers; ++a) {
      const glm::dvec3 at_a = offsetOf(job, static_cast<std::size_t>(level.marker[a]));
      const double far_a = distance(at_a, glm::dvec3(0.0));
      for (std::size_t x = 0; x < near_count && w.tests - start < kListWork; ++x) {
        const glm::dvec3& point_x = pointAt(w.near[x]);
        if (std::abs(distance(point_x, hinge) - far_a) > tolerance) continue;
        Correspondences single;
        single.add(glm::dvec3(0.0), hinge, 1.0);
        single.add(at_a, point_x, 1.0);
        const RigidTransformd hung = fitRigid(single, prior, 1e-4);
        offer(level, hung, prior, near_count);
        if (level.markers == 1) offerTwists(level, hung, point_x, prior, near_count);
        for (std::size_t b = a + 1; b < level.markers; ++b) {
          const glm::dvec3 at_b = offsetOf(job, static_cast<std::size_t>(level.marker[b]));
          const double far_b = distance(at_b, glm::dvec3(0.0)), apart = distance(at_a, at_b);
          for (std::size_t y = 0; y < near_count; ++y) {
            const glm::dvec3& point_y = pointAt(w.near[y]);
            if (y == x || std::abs(distance(point_x, point_y) - apart) > job.settings.tolerance)
              continue;
            if (std::abs(distance(point_y, hinge) - far_b) > tolerance) continue;
            Correspondences pair;
            pair.add(glm::dvec3(0.0), hinge, hinge_weight);
            pair.add(at_a, point_x, 1.0);
            pair.add(at_b, point_y, 1.0);
            offer(level, fitRigid(pair, prior, 1e-4), prior, near_count);
          }
        }
      }
    }
    if (level.options == 0) listResting(level, resting, slack);
  }

  // A segment that moves freely stands where its pattern is, wherever it hangs.
  void offerPatterns(Level& level, const glm::dquat& prior, std::size_t near_count) {
    const double tolerance = job.settings.tolerance;
    const std::uint32_t start = w.tests;
    for (std::size_t a = 0; a + 2 < level.markers && w.tests - start < kListWork / 2; ++a) {
      const std::size_t b = a + 1, c = a + 2;
      const glm::dvec3 at[] = {offsetOf(job, static_cast<std::size_t>(level.marker[a])),
                               offsetOf(job, static_cast<std::size_t>(level.marker[b])),
                               offsetOf(job, static_cast<std::size_t>(level.marker[c]))};
      const double ab = distance(at[0], at[1]), ac = distance(at[0], at[2]),
                   bc = distance(at[1], at[2]);
      for (std::size_t x = 0; x < near_count; ++x) {
        for (std::size_t y = 0; y < near_count; ++y) {
          if (y == x || std::abs(distance(pointAt(w.near[x]), pointAt(w.near[y])) - ab) > tolerance)
            continue;
          w.tests += static_cast<std::uint32_t>(near_count);
          for (std::size_t z = 0; z < near_count; ++z) {
            if (z == x || z == y) continue;
            if (std::abs(distance(pointAt(w.near[x]), pointAt(w.near[z])) - ac) > tolerance ||
                std::abs(distance(pointAt(w.near[y]), pointAt(w.near[z])) - bc) > tolerance)
              continue;
            Correspondences triple;
            triple.add(at[0], pointAt(w.near[x]), 1.0);
            triple.add(at[1], pointAt(w.near[y]), 1.0);
            triple.add(at[2], pointAt(w.near[z]), 1.0);
            offer(level, fitRigid(triple, prior, 1e-6), prior, near_count);
          }
        }
      }
    }
  }

  static void listResting(Level& level, const RigidTransformd& resting, double slack) {
    level.options = 1;
    level.option[0] = {.world_from_joint = resting, .slack = slack + kLooseJoint};
    level.option[0].points.fill(-1);
  }

  void take(const Level& level, const Option& option) {
    w.world_from_joint[level.joint] = option.world_from_joint;
    w.slack[level.joint] = option.slack;
    w.placed[level.joint] = 1;
    for (std::size_t n = 0; n < level.markers; ++n) {
      pointOf(level.marker[n]) = option.points[n];
      if (option.points[n] >= 0) used(option.points[n]) = 1;
    }
  }

  void giveBack(const Level& level) {
    w.placed[level.joint] = 0;
    for (std::size_t n = 0; n < level.markers; ++n) {
      std::int32_t& point = pointOf(level.marker[n]);
      if (point >= 0) used(point) = 0;
      point = -1;
    }
  }

  void remember() {
    limbs.kept_world = w.world_from_joint;
    limbs.kept_points = w.point_of_marker;
  }

  // Depth first, the likeliest way first; branches that cannot beat the best limb are left.
  bool run(std::size_t root, double value_to_beat) {
    if (!layLevels(root)) return false;
    best = value_to_beat + kLeastGain;
    remember();
    double after = 0.0;
    for (std::size_t d = depth; d-- > 0;) {
      limbs.levels[d].most_after = after;
      if (!isLone(job, limbs.levels[d].joint))
        after += static_cast<double>(limbs.levels[d].markers);
    }
    for (std::size_t d = 0; d < depth; ++d) w.placed[limbs.levels[d].joint] = 0;
    const std::uint32_t start = w.tests;
    bool found = false;
    listOptions(limbs.levels[0]);
    limbs.levels[0].value_before = 0.0;
    for (std::size_t d = 0;;) {
      Level& level = limbs.levels[d];
      if (level.next > 0) giveBack(level);
      const bool spent = level.next > 0 && w.tests - start > kWork;
      if (level.next == level.options || spent) {
        if (d == 0) break;
        --d;
        continue;
      }
      const Option& option = level.option[level.next++];
      take(level, option);
      const double value = level.value_before + option.value;
      if (value + level.most_after <= best) continue;
      if (d + 1 < depth) {
        limbs.levels[++d].value_before = value;
        listOptions(limbs.levels[d]);
        continue;
      }
      best = value;
      found = true;
      remember();
    }
    w.world_from_joint = limbs.kept_world;
    w.point_of_marker = limbs.kept_points;
    for (std::size_t d = 0; d < depth; ++d) {
      w.placed[limbs.levels[d].joint] = 1;
      w.slack[limbs.levels[d].joint] = 0.0;
      for (std::size_t n = 0; n < limbs.levels[d].markers; ++n) {
        const std::int32_t point = pointOf(limbs.levels[d].marker[n]);
        if (point >= 0) used(point) = 1;
      }
    }
    for (std::size_t d = 0; found && d < depth; ++d) {
      if (isLone(job, limbs.levels[d].joint)) placeLone(job, limbs.levels[d].joint);
    }
    return found;
  }
};

// True if there is an unused point about a marker that lacks one.
bool isPointNear(const RecogniseSubject& job, const glm::dvec3& expected) {
  constexpr double kNear = 0.4;
  for (std::size_t p = 0; p < job.points.size(); ++p) {
    if (!job.workspace.point_used[p] && squaredDistance(job.points[p], expected) < kNear * kNear)
      return true;
  }
  return false;
}

// True if a marker of the joint has a point that is off, or lacks one while some are left.
bool isDoubtful(const RecogniseSubject& job, std::size_t joint) {
  const RecogniseWorkspace& w = job.workspace;
  for (std::size_t m = 0; m < job.subject.markers.size(); ++m) {
    if (job.subject.markers[m].joint != static_cast<int>(joint)) continue;
    const std::int32_t point = w.point_of_marker[m];
    const glm::dvec3 expected = markerPosition(job.subject.markers[m], w.world_from_joint);
    if (point < 0) {
      if (isPointNear(job, expected)) return true;
      continue;
    }
    if (squaredDistance(job.points[static_cast<std::size_t>(point)], expected) > kSound * kSound) {
      return true;
    }
  }
  return false;
}

// Where the search for a doubtful joint has to begin: above joints that too few markers hold.
std::size_t rootOf(LimbSearch& search, std::size_t joint) {
  const solve::SolveModel& model = search.job.model;
  std::int32_t list[2];
  while (model.joint_parent[joint] > 0) {
    const auto parent = static_cast<std::size_t>(model.joint_parent[joint]);
    if (markersOf(search.job, parent, list, 2) == 2 && !isDoubtful(search.job, parent)) break;
    if (!search.layLevels(parent)) break;
    joint = parent;
  }
  return joint;
}

// Lists the roots of all doubtful limbs, what they explain as they stand, and takes their points
// from them.
void loosenLimbs(LimbSearch& search) {
  const RecogniseSubject& job = search.job;
  LimbWorkspace& limbs = search.limbs;
  limbs.root_count = 0;
  for (std::size_t joint = 1; joint < job.model.joints(); ++joint) {
    if (limbs.root_count == LimbWorkspace::kMostLimbs) break;
    if (!job.workspace.placed[joint] || !isDoubtful(job, joint)) continue;
    const std::size_t root = rootOf(search, joint);
    if (!search.layLevels(root)) continue;
    limbs.roots[limbs.root_count] = root;
    limbs.values[limbs.root_count++] = search.valueNow();
    for (std::size_t d = 0; d < search.depth; ++d) {
      search.giveBack(limbs.levels[d]);  // No longer placed, so that it is listed once.
    }
  }
}

// The limb stands as it did.
void putBack(LimbSearch& search) {
  RecogniseWorkspace& w = search.job.workspace;
  const LimbWorkspace& limbs = search.limbs;
  for (std::size_t d = 0; d < search.depth; ++d) {
    const Level& level = limbs.levels[d];
    w.placed[level.joint] = 1;
    w.pose[level.joint] = limbs.pose_before[level.joint];
    for (std::size_t n = 0; n < level.markers; ++n) {
      const std::int32_t point = limbs.points_before[static_cast<std::size_t>(level.marker[n])];
      // Another limb may have taken the point.
      if (point >= 0 && search.used(point)) continue;
      search.pointOf(level.marker[n]) = point;
      if (point >= 0) search.used(point) = 1;
    }
  }
}

// The limb stands where the search left it in the world.
void moveLimb(LimbSearch& search) {
  RecogniseWorkspace& w = search.job.workspace;
  const solve::SolveModel& model = search.job.model;
  for (std::size_t d = 0; d < search.depth; ++d) {
    const std::size_t joint = search.limbs.levels[d].joint;
    const auto parent = static_cast<std::size_t>(model.joint_parent[joint]);
    if (model.joint_freedoms[joint] == 0) continue;
    w.pose[joint].rotation = glm::normalize(glm::conjugate(w.world_from_joint[parent].rotation) *
                                            w.world_from_joint[joint].rotation);
  }
}

void layOutBody(const RecogniseSubject& job) {
  RecogniseWorkspace& w = job.workspace;
  updateWorld(job);
  std::fill(w.placed.begin(), w.placed.end(), std::uint8_t{1});
  std::fill(w.slack.begin(), w.slack.end(), 0.0);
  std::fill(w.point_used.begin(), w.point_used.end(), std::uint8_t{0});
  for (const std::int32_t point : w.point_of_marker) {
    if (point >= 0) w.point_used[static_cast<std::size_t>(point)] = 1;
  }
}

}  // namespace

void reserve(LimbWorkspace& workspace, const subject::Subject& largest) {
  workspace.kept_world.reserve(largest.skeleton.size());
  workspace.pose_before.reserve(largest.skeleton.size());
  workspace.kept_points.reserve(largest.markers.size());
  workspace.points_before.reserve(largest.markers.size());
}

double bodyValue(const RecogniseSubject& job) {
  const RecogniseWorkspace& w = job.workspace;
  double value = 0.0;
  for (std::size_t joint = 1; joint < job.model.joints(); ++joint) {
    if (job.model.joint_freedoms[joint] > 0) value -= priceOfTurn(job, joint);
  }
  for (std::size_t m = 0; m < job.subject.markers.size(); ++m) {
    if (w.point_of_marker[m] < 0) continue;
    value += worth(squaredDistance(job.points[static_cast<std::size_t>(w.point_of_marker[m])],
                                   markerPosition(job.subject.markers[m], w.world_from_joint)));
  }
  return value;
}

bool improveLimbs(const RecogniseSubject& job, LimbWorkspace& limbs) {
  constexpr int kTrunkSteps = 3;
  RecogniseWorkspace& w = job.workspace;
  layOutBody(job);
  limbs.pose_before = w.pose;
  limbs.points_before = w.point_of_marker;
  LimbSearch search{.job = job, .limbs = limbs};
  loosenLimbs(search);
  if (limbs.root_count == 0) return false;
  fitToPoints(job, kTrunkSteps);
  updateWorld(job);
  bool improved = false;
  for (std::size_t l = 0; l < limbs.root_count; ++l) {
    if (search.run(limbs.roots[l], limbs.values[l])) {
      moveLimb(search);
      improved = true;
    } else {
      putBack(search);
    }
  }
  if (!improved) {
    w.pose = limbs.pose_before;
    w.point_of_marker = limbs.points_before;
    updateWorld(job);
  }
  return improved;
}

}  // namespace understudy::solve
