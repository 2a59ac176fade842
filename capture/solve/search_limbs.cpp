#include "capture/solve/search_limbs.h"

#include <algorithm>
#include <cmath>

#include "capture/solve/grow_body.h"
#include "capture/solve/recognise_steps.h"
#include "capture/solve/solve_steps.h"

namespace understudy::solve {
namespace {

using math::RigidTransformd;

constexpr double kNear = 0.4;   // An unnamed marker this near to a lacking one may be it, metres.
constexpr double kOff = 0.015;  // A marker this far from its place may be another, metres.
constexpr double kLeastGain = 0.5;     // In markers that fit, with a name more;
constexpr double kExchangeGain = 2.5;  // with as many as before, which takes a limb to be wrong.

// What the steps of recognition need of this search.
RecogniseSubject jobOf(const SearchLimbs& search) {
  return {.settings = search.settings,
          .subject = search.subject,
          .model = search.model,
          .solve_settings = search.solve_settings,
          .kernels = search.kernels,
          .points = search.workspace.points,
          .solve_workspace = search.solve_workspace,
          .workspace = search.workspace};
}

// Every seen marker of the subject has its own point; these come first.
void takeOwnNames(const SearchLimbs& search) {
  const std::vector<frame::LabelledMarker>& slots =
      search.labels.subjects[search.subject_index].markers;
  std::vector<std::int32_t>& point_of_marker = search.workspace.point_of_marker;
  point_of_marker.assign(slots.size(), -1);
  std::int32_t own = 0;
  for (std::size_t m = 0; m < slots.size(); ++m) {
    if (isSeen(slots[m])) point_of_marker[m] = own++;
  }
}

// The points of the search: the subject's own markers, then the unnamed ones about it.
void fillPool(const SearchLimbs& search) {
  RecogniseWorkspace& w = search.workspace;
  const std::vector<frame::LabelledMarker>& slots =
      search.labels.subjects[search.subject_index].markers;
  w.pool.clear();
  for (std::size_t m = 0; m < slots.size() && w.pool.size() < w.pool.capacity(); ++m) {
    if (!isSeen(slots[m])) continue;
    w.pool.push_back(unnamedMarker(slots[m]));
  }
  const std::size_t own = w.pool.size();
  for (const frame::Marker& marker : search.labels.unlabelled) {
    if (w.pool.size() == w.pool.capacity()) break;
    for (std::size_t k = 0; k < own; ++k) {
      if (distance(glm::dvec3(marker.position), glm::dvec3(w.pool[k].position)) > 2.0 * kNear)
        continue;
      w.pool.push_back(marker);
      break;
    }
  }
  w.points.clear();
  for (const frame::Marker& marker : w.pool) w.points.push_back(glm::dvec3(marker.position));
}

std::size_t countNamed(const RecogniseWorkspace& w) {
  return static_cast<std::size_t>(std::count_if(w.point_of_marker.begin(), w.point_of_marker.end(),
                                                [](std::int32_t p) { return p >= 0; }));
}

// Which marker gets whose name, as a number: not 0, and the same in every frame in which the same
// is found. Unnamed markers count alike.
std::uint64_t summarise(const SearchLimbs& search) {
  const RecogniseWorkspace& w = search.workspace;
  const std::vector<frame::LabelledMarker>& slots =
      search.labels.subjects[search.subject_index].markers;
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

// Writes the new names; what no marker took goes back to the unnamed. Returns how many changed.
std::size_t rename(const SearchLimbs& search) {
  RecogniseWorkspace& w = search.workspace;
  std::vector<frame::LabelledMarker>& slots = search.labels.subjects[search.subject_index].markers;
  std::vector<frame::Marker>& unnamed = search.labels.unlabelled;
  std::fill(w.point_used.begin(), w.point_used.end(), std::uint8_t{0});
  std::size_t changed = 0;
  for (std::size_t m = 0; m < slots.size(); ++m) {
    const std::int32_t point = w.point_of_marker[m];
    const frame::LabelledMarker before = slots[m];
    slots[m] = {};
    if (point >= 0) {
      const frame::Marker& marker = w.pool[static_cast<std::size_t>(point)];
      slots[m] = {marker.position, marker.covariance, 1.0f};
      w.point_used[static_cast<std::size_t>(point)] = 1;
    }
    const bool same = isSeen(before) == isSeen(slots[m]) && before.position == slots[m].position;
    if (same) {
      slots[m] = before;
      continue;
    }
    search.state.bias[m] = glm::dvec3(0.0);
    ++changed;
  }
  std::erase_if(unnamed, [&](const frame::Marker& marker) {
    for (std::size_t p = 0; p < w.pool.size(); ++p) {
      if (w.point_used[p] && w.pool[p].position == marker.position) return true;
    }
    return false;
  });
  for (std::size_t p = 0; p < w.pool.size(); ++p) {
    const bool was_unnamed = std::any_of(
        unnamed.begin(), unnamed.end(),
        [&](const frame::Marker& marker) { return marker.position == w.pool[p].position; });
    if (w.point_used[p] || was_unnamed || unnamed.size() == unnamed.capacity()) continue;
    unnamed.push_back(w.pool[p]);
    unnamed.back().prediction = frame::kNoPrediction;
  }
  return changed;
}

// What the body explains: a marker that is far off explains nothing, and to take its name away
// gains nothing.
double valueOf(const RecogniseSubject& job) {
  constexpr double kFar = 0.018, kTurnPrice = 0.05;  // As limbs are searched.
  const RecogniseWorkspace& w = job.workspace;
  double value = 0.0;
  for (std::size_t j = 1; j < job.model.joints(); ++j) {
    if (job.model.joint_freedoms[j] == 0) continue;
    const double turn = rotationAngle(job.model.rest[j].rotation, w.pose[j].rotation);
    value -= kTurnPrice * turn * turn;
  }
  for (std::size_t m = 0; m < job.subject.markers.size(); ++m) {
    if (w.point_of_marker[m] < 0) continue;
    const glm::dvec3 off = job.points[static_cast<std::size_t>(w.point_of_marker[m])] -
                           markerPosition(job.subject.markers[m], w.world_from_joint);
    value += std::max(0.0, 1.0 - glm::dot(off, off) / (kFar * kFar));
  }
  return value;
}

// Joints that stand elsewhere than before.
void markMoved(const SearchLimbs& search) {
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

// What the body explains at its best with the names in the workspace, from the pose in it; markers
// that stay far off have no say.
double settle(const RecogniseSubject& job) {
  constexpr int kSteps = 3;
  constexpr double kFarOff = 0.03;
  RecogniseWorkspace& w = job.workspace;
  fitToPoints(job, kSteps);
  updateWorld(job);
  for (std::size_t m = 0; m < job.subject.markers.size(); ++m) {
    std::int32_t& point = w.point_of_marker[m];
    if (point >= 0 &&
        distance(job.points[static_cast<std::size_t>(point)],
                 markerPosition(job.subject.markers[m], w.world_from_joint)) > kFarOff)
      point = -1;
  }
  fitToPoints(job, kSteps);
  updateWorld(job);
  return valueOf(job);
}

// True if a marker that had no name gets one although nothing else of its limb is in sight: a limb
// goes through any single point.
bool namesLone(const SearchLimbs& search) {
  const std::vector<subject::SubjectMarker>& markers = search.subject.markers;
  const std::vector<std::int32_t>& points = search.workspace.trial.point_of_marker;
  const std::vector<frame::LabelledMarker>& slots =
      search.labels.subjects[search.subject_index].markers;
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
bool findBetter(const SearchLimbs& search, const RecogniseSubject& job) {
  constexpr int kSteps = 3;
  RecogniseWorkspace& w = job.workspace;
  takeOwnNames(search);
  w.pose = search.state.parent_from_joint;
  fitToPoints(job, kSteps);
  updateWorld(job);
  const double before = valueOf(job);
  const std::size_t named_before = countNamed(w);
  settleLimbs(job, search.limbs, w.trial);
  const double after = valueOf(job);
  const std::size_t named = countNamed(w);
  const double gain = named > named_before ? kLeastGain : kExchangeGain;
  if (named < named_before || after < before + gain || namesLone(search)) return false;
  takeOwnNames(search);
  if (w.point_of_marker == w.trial.point_of_marker) return false;
  return after >= settle(job) + gain;
}

}  // namespace

bool hasDoubtfulLimb(const frame::LabelledMarkers& labels, const subject::Subject& subject,
                     std::uint32_t subject_index, const SolveModel& model, const SolveState& state,
                     RecogniseWorkspace& w) {
  const std::vector<frame::LabelledMarker>& slots = labels.subjects[subject_index].markers;
  for (std::size_t m = 0; m < slots.size(); ++m) {
    if (isSeen(slots[m]) && glm::dot(state.bias[m], state.bias[m]) > kOff * kOff) return true;
  }
  if (labels.unlabelled.empty()) return false;
  w.world_from_joint.resize(model.joints());
  worldFromJoints(model, state.parent_from_joint, w.world_from_joint);
  for (std::size_t m = 0; m < slots.size(); ++m) {
    if (isSeen(slots[m])) continue;
    const glm::dvec3 expected = markerPosition(subject.markers[m], w.world_from_joint);
    for (const frame::Marker& marker : labels.unlabelled) {
      if (distance(glm::dvec3(marker.position), expected) < kNear) return true;
    }
  }
  return false;
}

bool SearchLimbs::run() const {
  RecogniseWorkspace& w = workspace;
  layOut(w, model, subject, 0);
  fillPool(*this);
  layOutPoints(w, w.points.size());
  const RecogniseSubject job = jobOf(*this);
  const std::uint64_t last = finding;
  finding = 0;
  if (!findBetter(*this, job)) return false;
  w.pose = w.trial.parent_from_joint;
  w.point_of_marker = w.trial.point_of_marker;
  finding = summarise(*this);
  if (finding != last) return false;
  finding = 0;
  if (rename(*this) == 0) return false;
  markMoved(*this);
  moveJoints(model, w.pose, w.doubted, state);
  return true;
}

}  // namespace understudy::solve
