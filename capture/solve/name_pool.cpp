#include "capture/solve/name_pool.h"

#include <algorithm>

#include "capture/solve/grow_body.h"
#include "capture/solve/recognise_steps.h"
#include "capture/solve/solve_steps.h"

namespace understudy::solve {

void fillNamePool(const frame::LabelledMarkers& labels, std::uint32_t subject_index, double reach,
                  RecogniseWorkspace& w) {
  const std::vector<frame::LabelledMarker>& slots = labels.subjects[subject_index].markers;
  w.pool.clear();
  for (std::size_t m = 0; m < slots.size() && w.pool.size() < w.pool.capacity(); ++m) {
    if (!isSeen(slots[m])) continue;
    w.pool.push_back(unnamedMarker(slots[m]));
  }
  const std::size_t own = w.pool.size();
  for (const frame::Marker& marker : labels.unlabelled) {
    if (w.pool.size() == w.pool.capacity()) break;
    for (std::size_t k = 0; k < own; ++k) {
      if (distance(glm::dvec3(marker.position), glm::dvec3(w.pool[k].position)) > reach) continue;
      w.pool.push_back(marker);
      break;
    }
  }
  w.points.clear();
  for (const frame::Marker& marker : w.pool) w.points.push_back(glm::dvec3(marker.position));
}

void takeOwnNames(const frame::LabelledSubject& named, RecogniseWorkspace& w) {
  w.point_of_marker.assign(named.markers.size(), -1);
  std::int32_t own = 0;
  for (std::size_t m = 0; m < named.markers.size(); ++m) {
    if (isSeen(named.markers[m])) w.point_of_marker[m] = own++;
  }
}

std::size_t renameFromPool(RecogniseWorkspace& w, std::uint32_t subject_index,
                           frame::LabelledMarkers& labels, SolveState& state) {
  std::vector<frame::LabelledMarker>& slots = labels.subjects[subject_index].markers;
  std::vector<frame::Marker>& unnamed = labels.unlabelled;
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
    state.bias[m] = glm::dvec3(0.0);
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

double explainedValue(const RecogniseSubject& job) {
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

double settleNames(const RecogniseSubject& job) {
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
  return explainedValue(job);
}

}  // namespace understudy::solve
