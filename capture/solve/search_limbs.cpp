#include "capture/solve/search_limbs.h"

#include <cmath>

#include "capture/solve/grow_body.h"
#include "capture/solve/name_pool.h"
#include "capture/solve/recognise_steps.h"
#include "capture/solve/solve_steps.h"

namespace understudy::solve {
namespace {

using math::RigidTransformd;

constexpr double kNear = 0.4;   // An unnamed marker this near to a lacking one may be it, metres.
constexpr double kOff = 0.015;  // A marker this far from its place may be another, metres.
constexpr double kLeastGain = 0.5;     // In markers that fit, with a name more;
constexpr double kExchangeGain = 2.5;  // with as many as before, which takes a limb to be wrong.

// Which marker gets whose name, as a number: not 0, and the same in every frame in which the same
// is found. Unnamed markers count alike.
std::uint64_t summarise(const LimbJob& search) {
  const RecogniseWorkspace& w = search.workspace;
  const std::vector<frame::LabelledMarker>& slots = search.slots();
  std::uint64_t sum = 1469598103934665603u;  // FNV-1a.
  const auto add = [&](std::uint64_t value) { sum = (sum ^ value) * 1099511628211u; };
  for (std::size_t m = 0; m < slots.size(); ++m) {
    const std::int32_t point = w.point_of_marker[m];
    std::size_t from = slots.size() + (point < 0 ? 1 : 0);
    std::int32_t own = 0;
    for (std::size_t n = 0; n < slots.size(); ++n) {
      if (!isSeen(slots[n])) continue;
      if (own++ == point) from = n;
    }
    const bool kept = isSeen(slots[m]) ? from == m : point < 0;
    if (kept) continue;
    add(m);
    add(from);
  }
  return sum == 0 ? 1 : sum;
}

// Joints that stand elsewhere than before.
void markMoved(const LimbJob& search) {
  constexpr double kFarTurn = 0.15, kFarStep = 0.03;
  RecogniseWorkspace& w = search.workspace;
  for (std::size_t j = 0; j < search.model.joints(); ++j) {
    const RigidTransformd& before = search.state.parent_from_joint[j];
    const bool turned = rotationAngle(before.rotation, w.pose[j].rotation) > kFarTurn;
    const bool stepped = search.model.joint_freedoms[j] == 6 &&
                         distance(before.translation, w.pose[j].translation) > kFarStep;
    w.doubted[j] = turned || stepped ? 1 : 0;
  }
}

// True if a marker that had no name gets one although nothing else of its limb is in sight: a limb
// goes through any single point.
bool namesLone(const LimbJob& search) {
  const std::vector<subject::SubjectMarker>& markers = search.subject.markers;
  const std::vector<std::int32_t>& points = search.workspace.trial.point_of_marker;
  const std::vector<frame::LabelledMarker>& slots = search.slots();
  const auto parentOf = [&](std::size_t m) {
    return search.model.joint_parent[static_cast<std::size_t>(markers[m].joint)];
  };
  for (std::size_t m = 0; m < markers.size(); ++m) {
    if (points[m] < 0 || isSeen(slots[m])) continue;
    bool is_held = false;
    for (std::size_t n = 0; n < markers.size() && !is_held; ++n) {
      if (n == m || points[n] < 0) continue;
      is_held = markers[n].joint == markers[m].joint || markers[n].joint == parentOf(m) ||
                markers[m].joint == parentOf(n);
    }
    if (!is_held) return true;
  }
  return false;
}

// Searches the limbs; true if that explains clearly more than the names as they are, from the same
// pose, too. The new names and their pose are left in workspace.trial.
bool findBetter(const LimbJob& search, const RecogniseSubject& job, LimbWorkspace& limbs) {
  constexpr int kSteps = 3;
  RecogniseWorkspace& w = job.workspace;
  const frame::LabelledSubject& own = search.labels.subjects[search.subject_index];
  takeOwnNames(own, w);
  w.pose = search.state.parent_from_joint;
  fitToPoints(job, kSteps);
  updateWorld(job);
  const double before = explainedValue(job);
  const std::size_t named_before = countNamed(w.point_of_marker);
  settleLimbs(job, limbs, w.trial);
  const double after = explainedValue(job);
  const std::size_t named = countNamed(w.point_of_marker);
  const double gain = named > named_before ? kLeastGain : kExchangeGain;
  if (named < named_before || after < before + gain || namesLone(search)) return false;
  takeOwnNames(own, w);
  if (w.point_of_marker == w.trial.point_of_marker) return false;
  return after >= settleNames(job) + gain;
}

}  // namespace

bool hasDoubtfulLimb(const LimbJob& job) {
  const std::vector<frame::LabelledMarker>& slots = job.slots();
  const std::vector<frame::Marker>& unlabelled = job.labels.unlabelled;
  RecogniseWorkspace& w = job.workspace;
  for (std::size_t m = 0; m < slots.size(); ++m) {
    if (isSeen(slots[m]) && glm::dot(job.state.bias[m], job.state.bias[m]) > kOff * kOff)
      return true;
  }
  if (unlabelled.empty()) return false;
  w.world_from_joint.resize(job.model.joints());
  worldFromJoints(job.model, job.state.parent_from_joint, w.world_from_joint);
  for (std::size_t m = 0; m < slots.size(); ++m) {
    if (isSeen(slots[m])) continue;
    const glm::dvec3 expected = markerPosition(job.subject.markers[m], w.world_from_joint);
    for (const frame::Marker& marker : unlabelled) {
      if (distance(glm::dvec3(marker.position), expected) < kNear) return true;
    }
  }
  return false;
}

bool SearchLimbs::run() const {
  RecogniseWorkspace& w = job.workspace;
  layOut(w, job.model, job.subject, 0);
  fillNamePool(job.labels, job.subject_index, 2.0 * kNear, w);
  layOutPoints(w, w.points.size());
  const std::uint64_t last = finding;
  finding = 0;
  if (!findBetter(job, job.among(w.points), limbs)) return false;
  w.pose = w.trial.parent_from_joint;
  w.point_of_marker = w.trial.point_of_marker;
  finding = summarise(job);
  if (finding != last) return false;
  finding = 0;
  if (renameFromPool(w, job.subject_index, job.labels, job.state) == 0) return false;
  markMoved(job);
  moveJoints(job.model, w.pose, w.doubted, job.state);
  return true;
}

}  // namespace understudy::solve
