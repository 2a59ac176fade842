#include "capture/solve/identify.h"

#include <algorithm>
#include <cmath>

#include "capture/solve/recognise_steps.h"

namespace understudy::solve {
namespace {

using math::RigidTransformd;

constexpr double kMostPerMarker = 8.0;  // Half a chi square: a marker that is further off is none.
constexpr double kStranger = 1000.0;    // What it costs to give a body to nobody.
constexpr double kUnlike = 1e6;
constexpr double kClearlyUnlike = 1.0;  // Per pair of markers, in halves of a chi square.

const std::vector<std::int32_t>& namesakesOf(const FindSubjects& job, std::size_t from,
                                             std::size_t to) {
  return job.cast.namesakes[from * job.cast.subjects.size() + to];
}

// Writes the body's points as another subject's markers; returns how many it has.
std::size_t rename(const FindSubjects& job, const FoundBody& body, std::size_t subject,
                   std::vector<std::int32_t>& point_of_marker) {
  point_of_marker.assign(job.cast.subjects[subject].markers.size(), -1);
  const std::vector<std::int32_t>& namesakes = namesakesOf(job, body.subject, subject);
  std::size_t named = 0;
  for (std::size_t m = 0; m < namesakes.size(); ++m) {
    if (namesakes[m] < 0 || body.point_of_marker[m] < 0) continue;
    point_of_marker[static_cast<std::size_t>(namesakes[m])] = body.point_of_marker[m];
    ++named;
  }
  return named;
}

// How badly the body's distances suit the subject's, per pair of markers of one segment.
double unlikeness(const FindSubjects& job, const FoundBody& body, std::size_t subject) {
  FindWorkspace& w = job.workspace;
  rename(job, body, subject, w.rival);
  double sum = 0.0;
  std::size_t count = 0;
  for (const RigidPair& pair : job.cast.signatures[subject].pairs) {
    const std::int32_t p = w.rival[static_cast<std::size_t>(pair.first)];
    const std::int32_t q = w.rival[static_cast<std::size_t>(pair.second)];
    if (p < 0 || q < 0) continue;
    const double apart = distance(w.field.points[static_cast<std::size_t>(p)],
                                  w.field.points[static_cast<std::size_t>(q)]);
    const double off = (apart - pair.distance) / job.settings.marker_sigma;
    sum += std::min(0.5 * off * off, kMostPerMarker);
    ++count;
  }
  w.work += static_cast<std::uint32_t>(2 * job.cast.signatures[subject].pairs.size());
  return 2 * count < job.cast.signatures[subject].pairs.size()
             ? kUnlike
             : sum / static_cast<double>(std::max<std::size_t>(count, 1));
}

// The pose of the body as another subject's: its turns with the other's bones.
void takePose(const FoundBody& body, const RecogniseSubject& one) {
  for (std::size_t joint = 0; joint < one.model.joints(); ++joint) {
    one.workspace.pose[joint] = body.parent_from_joint[joint];
    const bool is_free = one.model.joint_freedoms[joint] == 6;
    if (!is_free) one.workspace.pose[joint].translation = one.model.rest[joint].translation;
  }
}

// An anchor segment of the subject on the points that the body names; false if none has three.
bool placeAnchor(const FindSubjects& job, std::size_t subject, SegmentPlacement& segment) {
  const FindWorkspace& w = job.workspace;
  for (const AnchorSegment& anchor : job.cast.signatures[subject].anchors) {
    Correspondences pairs;
    for (std::size_t d = 0; d < anchor.count && pairs.count < 4; ++d) {
      const std::int32_t p = w.rival[static_cast<std::size_t>(anchor.markers[d])];
      if (p < 0) continue;
      pairs.add(anchor.offset_joint[d], w.field.points[static_cast<std::size_t>(p)], 1.0);
    }
    if (pairs.count < 3) continue;
    segment.joint = anchor.joint;
    segment.reach = anchor.reach;
    segment.world_from_joint = fitRigid(pairs, glm::dquat(1, 0, 0, 0), 0.0);
    return true;
  }
  return false;
}

// Grows the subject on the body's own points from the names that it has there.
bool growOn(const FindSubjects& job, const FoundBody& body, std::size_t subject) {
  FindWorkspace& w = job.workspace;
  SegmentPlacement segment;
  if (!placeAnchor(job, subject, segment)) return false;
  w.local.clear();
  w.local_point.clear();
  for (const std::int32_t p : body.point_of_marker) {
    if (p < 0) continue;
    w.local.push_back(w.field.points[static_cast<std::size_t>(p)]);
    w.local_point.push_back(p);
  }
  const RecogniseSubject one = jobOf(job, subject, w.local);
  layOut(one.workspace, one.model, one.subject, w.local.size());
  growBody(one, segment);
  for (std::int32_t& p : one.workspace.point_of_marker) {
    if (p >= 0) p = w.local_point[static_cast<std::size_t>(p)];
  }
  return true;
}

// Puts the subject on the body; false if there is no way to tell how.
bool poseAs(const FindSubjects& job, const FoundBody& body, std::size_t subject) {
  FindWorkspace& w = job.workspace;
  const RecogniseSubject one = jobOf(job, subject, w.field.points);
  rename(job, body, subject, w.rival);
  if (!job.cast.built_alike[body.subject * job.cast.subjects.size() + subject]) {
    return growOn(job, body, subject);
  }
  layOut(one.workspace, one.model, one.subject, 0);
  takePose(body, one);
  one.workspace.point_of_marker = w.rival;
  return true;
}

// What it costs to hold the body for the subject: half a chi square, bounded per marker.
double costOf(const FindSubjects& job, const FoundBody& body, std::size_t subject) {
  constexpr int kSteps = 4;
  FindWorkspace& w = job.workspace;
  if (!poseAs(job, body, subject)) return label::kForbidden;
  const RecogniseSubject one = jobOf(job, subject, w.field.points);
  fitToPoints(one, kSteps);
  w.work += one.workspace.tests;
  updateWorld(one);
  double cost = kMostPerMarker * static_cast<double>(body.matched);
  for (std::size_t m = 0; m < one.subject.markers.size(); ++m) {
    const std::int32_t p = one.workspace.point_of_marker[m];
    if (p < 0) continue;
    const glm::dvec3 between =
        one.points[static_cast<std::size_t>(p)] -
        markerPosition(one.subject.markers[m], one.workspace.world_from_joint);
    const double sigma = job.settings.marker_sigma;
    cost += std::min(0.5 * glm::dot(between, between) / (sigma * sigma), kMostPerMarker) -
            kMostPerMarker;
  }
  return cost;
}

// Fills a row of the costs: the subjects whose distances suit best, and the one as which the body
// was found.
void fillCosts(const FindSubjects& job, std::size_t b) {
  FindWorkspace& w = job.workspace;
  const std::size_t columns = w.wanted.size() + w.body_count;
  const FoundBody& body = w.bodies[b];
  double* row = &w.cost[b * columns];
  w.ranking.clear();
  for (std::size_t c = 0; c < w.wanted.size(); ++c) {
    w.ranking.emplace_back(unlikeness(job, body, w.wanted[c]), c);
  }
  std::sort(w.ranking.begin(), w.ranking.end());
  for (std::size_t r = 0; r < w.ranking.size(); ++r) {
    const auto [unlike, c] = w.ranking[r];
    const bool found_as = w.wanted[c] == body.subject;
    if (!found_as && (r >= job.settings.rivals || unlike >= w.ranking[0].first + kClearlyUnlike))
      continue;
    row[c] = costOf(job, body, w.wanted[c]);
  }
  row[w.wanted.size() + b] = kStranger;
}

double assignAll(FindWorkspace& w, std::size_t columns, std::span<std::int32_t> owner) {
  label::assign(w.cost, w.body_count, columns, w.assignment, owner);
  double sum = 0.0;
  for (std::size_t b = 0; b < w.body_count; ++b) {
    sum +=
        owner[b] < 0 ? label::kForbidden : w.cost[b * columns + static_cast<std::size_t>(owner[b])];
  }
  return sum;
}

// By how much the best assignment beats the best one that gives this body to another.
double marginOf(FindWorkspace& w, std::size_t b, std::size_t columns, double best) {
  const std::span<std::int32_t> other(w.owner.data() + w.body_count, w.body_count);
  double& cost = w.cost[b * columns + static_cast<std::size_t>(w.owner[b])];
  const double kept = cost;
  cost = label::kForbidden;
  const double next = assignAll(w, columns, other);
  cost = kept;
  return next - best;
}

// Grows the owner anew where the body is: found as another subject, names of like markers may have
// been exchanged.
void growOwner(const FindSubjects& job, const FoundBody& body, std::size_t subject) {
  constexpr int kSteps = 5;
  FindWorkspace& w = job.workspace;
  Placement& placement = job.placements[subject];
  placement.found = false;
  SegmentPlacement segment;
  rename(job, body, subject, w.rival);
  if (!placeAnchor(job, subject, segment)) return;
  gatherFree(w.field, segment.world_from_joint.translation, segment.reach, w);
  const RecogniseSubject one = jobOf(job, subject, w.local);
  layOut(one.workspace, one.model, one.subject, w.local.size());
  growBody(one, segment);
  settleBody(one, kSteps, placement);
  if (placement.found) settleLimbs(one, w.limbs, placement);
  if (placement.found) settleTwins(one, placement);
  w.work += one.workspace.tests;
}

// Fits the owner to the body as it was found, with all free points about it.
void settleOwner(const FindSubjects& job, const FoundBody& body, std::size_t subject) {
  constexpr int kSteps = 5;
  FindWorkspace& w = job.workspace;
  Placement& placement = job.placements[subject];
  placement.found = false;
  if (!poseAs(job, body, subject)) return;
  const RecogniseSubject whole = jobOf(job, subject, w.field.points);
  if (subject != body.subject) fitToPoints(whole, kSteps);
  gatherFree(w.field, whole.workspace.pose[0].translation,
             job.cast.signatures[subject].anchors[0].reach + 0.5, w);
  const RecogniseSubject one = jobOf(job, subject, w.local);
  layOutPoints(one.workspace, w.local.size());
  settleNearest(one, placement);
  if (placement.found) settleLimbs(one, w.limbs, placement);
  if (placement.found) settleTwins(one, placement);
  w.work += one.workspace.tests;
}

// The owner takes its points.
void adopt(const FindSubjects& job, const FoundBody& body, std::size_t subject) {
  FindWorkspace& w = job.workspace;
  Placement& placement = job.placements[subject];
  if (subject != body.subject) growOwner(job, body, subject);
  if (!placement.found || placement.matched + 1 < body.matched) settleOwner(job, body, subject);
  if (!placement.found) return;
  for (std::int32_t& p : placement.point_of_marker) {
    if (p < 0) continue;
    const std::int32_t point = w.local_point[static_cast<std::size_t>(p)];
    w.field.used[static_cast<std::size_t>(point)] = 1;
    p = w.field.source[static_cast<std::size_t>(point)];
  }
}

}  // namespace

void assignOwners(const FindSubjects& job) {
  FindWorkspace& w = job.workspace;
  if (w.body_count == 0) return;
  const std::size_t columns = w.wanted.size() + w.body_count;
  w.cost.assign(w.body_count * columns, label::kForbidden);
  for (std::size_t b = 0; b < w.body_count; ++b) fillCosts(job, b);
  w.owner.assign(2 * w.body_count, -1);
  const double best = assignAll(w, columns, {w.owner.data(), w.body_count});
  std::fill(w.field.used.begin(), w.field.used.end(), std::uint8_t{0});
  w.order.resize(w.body_count);
  for (std::size_t b = 0; b < w.body_count; ++b) w.order[b] = b;
  std::sort(w.order.begin(), w.order.end(), [&](std::size_t a, std::size_t b) {
    const FoundBody &p = w.bodies[a], &q = w.bodies[b];
    return p.matched != q.matched ? p.matched > q.matched : a < b;
  });
  for (const std::size_t b : w.order) {
    const std::int32_t column = w.owner[b];
    if (column < 0 || static_cast<std::size_t>(column) >= w.wanted.size()) continue;
    const std::size_t subject = w.wanted[static_cast<std::size_t>(column)];
    if (marginOf(w, b, columns, best) < job.settings.margin &&
        ++job.state.doubts[subject] < job.settings.patience)
      continue;
    adopt(job, w.bodies[b], subject);
    if (job.placements[subject].found) job.state.doubts[subject] = 0;
  }
}

}  // namespace understudy::solve
