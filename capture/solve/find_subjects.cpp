#include "capture/solve/find_subjects.h"

#include <algorithm>
#include <cmath>

#include "capture/solve/identify.h"
#include "capture/solve/recognise_steps.h"

namespace understudy::solve {
namespace {

constexpr std::size_t kMostSegments = 256;
constexpr std::size_t kSpareBodies = 4;  // Of people whom nobody introduced.

// ---- One search ----

struct Search {
  const FindSubjects& job;
  FindWorkspace& w = job.workspace;

  bool isWorkDone(std::uint32_t most) const { return w.work > most; }

  std::size_t fewest(std::size_t s) const {
    return static_cast<std::size_t>(std::ceil(
        job.settings.smallest_share * static_cast<double>(job.cast.subjects[s].markers.size())));
  }

  std::size_t freePoints() const {
    return static_cast<std::size_t>(std::count(w.field.used.begin(), w.field.used.end(), 0));
  }

  void listWanted() {
    w.wanted.clear();
    for (std::size_t s = 0; s < job.cast.subjects.size(); ++s) {
      job.placements[s].found = false;
      if (job.tracked[s] || job.sequence < job.state.next_attempt[s]) continue;
      if (job.cast.signatures[s].anchors.empty() || job.points.size() < fewest(s)) continue;
      w.wanted.push_back(s);
    }
  }

  // How closely one round of the search looks.
  struct Round {
    double tolerance;     // Share of the settings'.
    std::size_t missing;  // Markers of a segment.
    bool sure;            // Only bodies beyond doubt.
  };
  static constexpr Round kRounds[] = {{0.5, 1, true}, {1.0, 1, false}, {1.0, 2, false}};

  // True when all has been looked at; otherwise the state says where to go on.
  bool run(std::uint32_t most) {
    double reach = 0.0;
    for (const std::size_t s : w.wanted) {
      reach = std::max(reach, job.cast.signatures[s].anchor_reach);
    }
    w.work = layPoints(job.points, reach + job.settings.tolerance, w.field);
    w.body_count = 0;
    const std::size_t turns = std::size(kRounds) * w.wanted.size();
    if (job.state.turn >= turns) job.state.turn = job.state.skip = 0;
    for (std::size_t turn = job.state.turn; turn < turns; ++turn) {
      if (w.body_count == w.bodies.size()) break;
      const std::size_t s = w.wanted[turn % w.wanted.size()];
      if (freePoints() < fewest(s) || isFound(s)) continue;
      const std::size_t skip = turn == job.state.turn ? job.state.skip : 0;
      const std::size_t tried = searchAs(s, kRounds[turn / w.wanted.size()], skip, most);
      if (w.work <= most) continue;
      job.state.turn = turn;
      job.state.skip = tried;
      return false;
    }
    job.state.turn = job.state.skip = 0;
    return true;
  }

  bool isFound(std::size_t s) const {
    for (std::size_t b = 0; b < w.body_count; ++b) {
      if (w.bodies[b].subject == s && isSure(w.bodies[b])) return true;
    }
    return false;
  }

  // Looks for bodies that are built as this subject is. Returns how many placements of its
  // segments were tried or skipped.
  std::size_t searchAs(std::size_t s, const Round& round, std::size_t skip, std::uint32_t most) {
    w.work += FindSegments{.signature = job.cast.signatures[s],
                           .field = w.field,
                           .tolerance = round.tolerance * job.settings.tolerance,
                           .missing = round.missing,
                           .most_work = w.work + 4 * most,
                           .placements = w.segments}
                  .run();
    const std::size_t bodies =
        1 + freePoints() / std::max<std::size_t>(job.cast.subjects[s].markers.size(), 1);
    const std::size_t end = std::min(w.segments.size(), job.settings.hypotheses * bodies);
    const std::size_t sure_end = std::min<std::size_t>(end, job.settings.sure_hypotheses);
    std::size_t h = std::min(skip, end);
    bool any = false;
    for (; h < end && w.work <= most; ++h) {
      // Nothing there: others first. Something that leaves markers unexplained: perhaps a limb sits
      // on the wrong points, and another place explains them all.
      if (round.sure && !any && h >= sure_end) break;
      if (w.body_count == w.bodies.size()) break;
      if (isTaken(w.segments[h]) || !growTrial(s, w.segments[h], round.sure)) continue;
      if (!round.sure) {
        keepTrial();
      } else if (isSure(w.trial)) {
        if (!any || scoreOf(w.trial) > scoreOf(w.best)) std::swap(w.trial, w.best);
        any = true;
        if (isExcellent(w.best)) break;
      }
    }
    if (any) {
      std::swap(w.trial, w.best);
      keepTrial();
    }
    return h;
  }

  bool isTaken(const SegmentPlacement& segment) const {
    return std::any_of(std::begin(segment.base), std::end(segment.base), [&](std::int32_t p) {
      return w.field.used[static_cast<std::size_t>(p)] != 0;
    });
  }

  // True if there is a body of the subject about the segment; it is in w.trial then.
  bool growTrial(std::size_t s, const SegmentPlacement& segment, bool sure) {
    gatherFree(w.field, segment.world_from_joint.translation, segment.reach, w);
    const RecogniseSubject one = jobOf(job, s, w.local);
    RecogniseWorkspace& mine = one.workspace;
    layOut(mine, one.model, one.subject, w.local.size());
    constexpr int kFirstSteps = 5;
    Placement& placement = mine.trial;
    placement.found = false;
    const double share = sure ? 0.9 * job.settings.sure_share : job.settings.smallest_share;
    if (static_cast<double>(growBody(one, segment)) >=
        share * static_cast<double>(one.subject.markers.size())) {
      settleBody(one, kFirstSteps, placement);
      if (placement.found && placement.rms <= job.settings.sure_rms) {
        settleLimbs(one, w.limbs, placement);
      }
    }
    w.work += mine.tests + static_cast<std::uint32_t>(w.field.points.size());
    if (!placement.found) return false;
    dropWeakNames(one, placement.point_of_marker);
    w.trial.subject = s;
    w.trial.matched = countNamed(placement.point_of_marker);
    w.trial.rms = placement.rms;
    w.trial.doubtful = leavesUnexplained(one, placement);
    w.trial.parent_from_joint = placement.parent_from_joint;
    w.trial.point_of_marker.assign(placement.point_of_marker.size(), -1);
    for (std::size_t m = 0; m < placement.point_of_marker.size(); ++m) {
      if (placement.point_of_marker[m] < 0) continue;
      w.trial.point_of_marker[m] =
          w.local_point[static_cast<std::size_t>(placement.point_of_marker[m])];
    }
    return true;
  }

  // True if the body lacks markers although points are left near their places: then a limb may sit
  // on the wrong points, and another placement explain them all.
  static bool leavesUnexplained(const RecogniseSubject& one, const Placement& placement) {
    constexpr double kNear = 0.4;
    const std::size_t markers = one.subject.markers.size();
    const RecogniseWorkspace& mine = one.workspace;
    std::size_t lacking = 0;
    for (const std::int32_t p : placement.point_of_marker) lacking += p < 0;
    if (lacking < 2) return false;
    std::size_t left = 0;
    for (std::size_t p = 0; p < one.points.size(); ++p) {
      const auto& taken = placement.point_of_marker;
      if (std::find(taken.begin(), taken.end(), static_cast<std::int32_t>(p)) != taken.end())
        continue;
      for (std::size_t m = 0; m < markers; ++m) {
        if (taken[m] >= 0) continue;
        if (distance(one.points[p], markerPosition(one.subject.markers[m], mine.world_from_joint)) >
            kNear)
          continue;
        ++left;
        break;
      }
    }
    return 2 * left >= lacking;
  }

  bool isSure(const FoundBody& body) const {
    const double markers = static_cast<double>(job.cast.subjects[body.subject].markers.size());
    return !body.doubtful &&
           static_cast<double>(body.matched) >= job.settings.sure_share * markers &&
           body.rms <= job.settings.sure_rms;
  }

  // Nothing better can be hoped for.
  bool isExcellent(const FoundBody& body) const {
    const double markers = static_cast<double>(job.cast.subjects[body.subject].markers.size());
    constexpr double kShare = 0.9, kRms = 0.65;
    return static_cast<double>(body.matched) >= kShare * markers &&
           body.rms <= kRms * job.settings.sure_rms;
  }

  // Every marker speaks for the body, the less the farther it is from the model.
  static double scoreOf(const FoundBody& body) {
    constexpr double kFar = 0.015;
    return static_cast<double>(body.matched) * (1.0 - body.rms * body.rms / (kFar * kFar));
  }

  bool overlaps(const FoundBody& a, const FoundBody& b) const {
    std::size_t shared = 0;
    for (const std::int32_t p : a.point_of_marker) {
      shared += p >= 0 && std::find(b.point_of_marker.begin(), b.point_of_marker.end(), p) !=
                              b.point_of_marker.end();
    }
    return 4 * shared > std::min(a.matched, b.matched);
  }

  // The trial takes the place of worse bodies on the same points. One beyond doubt keeps its points
  // for good.
  void keepTrial() {
    for (std::size_t b = 0; b < w.body_count; ++b) {
      if (overlaps(w.bodies[b], w.trial) && scoreOf(w.trial) <= scoreOf(w.bodies[b])) return;
    }
    for (std::size_t b = 0; b < w.body_count;) {
      if (!overlaps(w.bodies[b], w.trial)) {
        ++b;
        continue;
      }
      std::swap(w.bodies[b], w.bodies[--w.body_count]);
    }
    std::swap(w.bodies[w.body_count], w.trial);
    const FoundBody& kept = w.bodies[w.body_count++];
    if (!isSure(kept)) return;
    for (const std::int32_t p : kept.point_of_marker) {
      if (p >= 0) w.field.used[static_cast<std::size_t>(p)] = 1;
    }
  }
};

}  // namespace

RecogniseSubject jobOf(const FindSubjects& job, std::size_t s, std::span<const glm::dvec3> points) {
  return {.settings = job.settings,
          .subject = job.cast.subjects[s],
          .model = job.cast.models[s],
          .solve_settings = job.solve_settings,
          .kernels = job.kernels,
          .points = points,
          .solve_workspace = job.workspace.solve[s],
          .workspace = job.workspace.recognise[s]};
}

void gatherFree(const PointField& field, const glm::dvec3& centre, double reach, FindWorkspace& w) {
  w.local.clear();
  w.local_point.clear();
  for (std::size_t p = 0; p < field.points.size(); ++p) {
    const glm::dvec3 between = field.points[p] - centre;
    if (field.used[p] || glm::dot(between, between) > reach * reach) continue;
    w.local.push_back(field.points[p]);
    w.local_point.push_back(static_cast<std::int32_t>(p));
  }
}

Cast makeCast(std::span<const subject::Subject> subjects, std::span<const SolveModel> models) {
  Cast cast{.subjects = subjects, .models = models};
  for (const subject::Subject& subject : subjects) {
    cast.signatures.push_back(makeSignature(subject));
  }
  for (const subject::Subject& from : subjects) {
    for (const subject::Subject& to : subjects) {
      cast.namesakes.push_back(makeNamesakes(from, to));
      cast.built_alike.push_back(isBuiltAlike(from, to) ? 1 : 0);
    }
  }
  return cast;
}

FindState makeFindState(const Cast& cast) {
  FindState state;
  state.next_attempt.assign(cast.subjects.size(), 0);
  state.doubts.assign(cast.subjects.size(), 0);
  return state;
}

FindWorkspace makeFindWorkspace(const Cast& cast, std::size_t most_points) {
  FindWorkspace w;
  const std::size_t subjects = cast.subjects.size(), bodies = subjects + kSpareBodies;
  std::size_t markers = 0, joints = 0;
  for (std::size_t s = 0; s < subjects; ++s) {
    markers = std::max(markers, cast.subjects[s].markers.size());
    joints = std::max(joints, cast.subjects[s].skeleton.size());
    w.recognise.push_back(makeRecogniseWorkspace(cast.subjects[s], most_points));
    w.solve.push_back(makeSolveWorkspace(cast.models[s], cast.subjects[s]));
    solve::reserve(w.limbs, cast.subjects[s]);
  }
  const auto reserveBody = [&](FoundBody& body) {
    body.point_of_marker.reserve(markers);
    body.parent_from_joint.reserve(joints);
  };
  w.field = makePointField(most_points);
  w.segments.reserve(kMostSegments);
  w.bodies.resize(bodies);
  for (FoundBody& body : w.bodies) reserveBody(body);
  reserveBody(w.trial);
  reserveBody(w.best);
  w.wanted.reserve(subjects);
  w.local.reserve(most_points);
  w.local_point.reserve(most_points);
  w.cost.reserve(bodies * (subjects + bodies));
  w.plain_cost.reserve(bodies * (subjects + bodies));
  w.owner.reserve(2 * bodies);
  w.ranking.reserve(subjects);
  w.order.reserve(bodies);
  label::reserve(w.assignment, subjects + bodies);
  return w;
}

void FindSubjects::run() const {
  Search search{.job = *this};
  search.listWanted();
  workspace.work = 0;
  if (workspace.wanted.empty()) return;
  const bool beside = std::any_of(tracked.begin(), tracked.end(), [](auto t) { return t != 0; });
  const bool complete = search.run(beside ? settings.tests_beside : settings.tests);
  assignOwners(*this);
  bool any = false;
  for (const std::size_t s : workspace.wanted) {
    any = any || placements[s].found;
    if (complete && !placements[s].found) state.next_attempt[s] = sequence + retry;
  }
  if (any) state.turn = state.skip = 0;
}

}  // namespace understudy::solve
