#include "capture/label/label_frame.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace understudy::label {
namespace {

// Components larger than this are cut to their cheapest pairs; the matrix stays small and the work
// bounded.
constexpr std::size_t kLargestComponent = 64;

double gate(const LabelSettings& settings, const frame::PredictedMarker& predicted) {
  return std::clamp(settings.gate_sigmas * static_cast<double>(predicted.sigma),
                    settings.smallest_gate, settings.largest_gate);
}

double squaredDistance(const glm::vec3& a, const glm::vec3& b) {
  const glm::dvec3 between = glm::dvec3(a) - glm::dvec3(b);
  return glm::dot(between, between);
}

void fillSlot(const LabelFrame& job, std::size_t prediction, const frame::Marker& marker) {
  const frame::PredictedMarker& predicted = job.predictions.markers[prediction];
  job.labelled.subjects[predicted.subject].markers[predicted.marker] = {marker.position,
                                                                        marker.covariance, 1.0f};
  job.workspace.slot_filled[prediction] = 1;
}

std::int32_t rootOf(std::vector<std::int32_t>& component, std::int32_t node) {
  while (component[static_cast<std::size_t>(node)] != node) {
    std::int32_t& above = component[static_cast<std::size_t>(node)];
    above = component[static_cast<std::size_t>(above)];
    node = above;
  }
  return node;
}

// All pairs of an open slot and an open marker within the slot's gate.
void findPairs(const LabelFrame& job) {
  LabelWorkspace& w = job.workspace;
  w.pairs.clear();
  for (std::size_t p = 0; p < job.predictions.markers.size(); ++p) {
    if (w.slot_filled[p]) continue;
    const frame::PredictedMarker& predicted = job.predictions.markers[p];
    const double reach = gate(job.settings, predicted);
    for (std::size_t o = 0; o < w.open.size(); ++o) {
      const frame::Marker& marker = job.cloud.markers[static_cast<std::size_t>(w.open[o])];
      const double squared = squaredDistance(marker.position, predicted.position);
      if (squared > reach * reach || w.pairs.size() == w.pairs.capacity()) continue;
      const double sigma = std::max(static_cast<double>(predicted.sigma), 0.25 * reach);
      w.pairs.push_back(
          {static_cast<std::int32_t>(p), static_cast<std::int32_t>(o), squared / (sigma * sigma)});
    }
  }
}

void joinComponents(const LabelFrame& job) {
  LabelWorkspace& w = job.workspace;
  const std::size_t slots = job.predictions.markers.size();
  w.component.resize(slots + w.open.size());
  for (std::size_t i = 0; i < w.component.size(); ++i)
    w.component[i] = static_cast<std::int32_t>(i);
  for (const LabelWorkspace::Pair& pair : w.pairs) {
    const std::int32_t a = rootOf(w.component, pair.slot);
    const std::int32_t b = rootOf(w.component, pair.marker + static_cast<std::int32_t>(slots));
    w.component[static_cast<std::size_t>(std::max(a, b))] = std::min(a, b);
  }
}

std::size_t indexIn(std::vector<std::int32_t>& list, std::int32_t value) {
  const auto found = std::find(list.begin(), list.end(), value);
  if (found != list.end()) return static_cast<std::size_t>(found - list.begin());
  list.push_back(value);
  return list.size() - 1;
}

void assignComponent(const LabelFrame& job, std::int32_t root) {
  LabelWorkspace& w = job.workspace;
  w.slots.clear();
  w.markers.clear();
  for (const LabelWorkspace::Pair& pair : w.pairs) {
    if (rootOf(w.component, pair.slot) != root) continue;
    if (w.slots.size() >= kLargestComponent || w.markers.size() >= kLargestComponent) break;
    indexIn(w.slots, pair.slot);
    indexIn(w.markers, pair.marker);
  }
  // Every slot may also stay empty, at the cost of its gate: one private column per slot.
  const std::size_t rows = w.slots.size(), columns = w.markers.size() + rows;
  const double empty_cost = job.settings.gate_sigmas * job.settings.gate_sigmas + 1.0;
  w.cost.assign(rows * columns, kForbidden);
  for (std::size_t r = 0; r < rows; ++r) w.cost[r * columns + w.markers.size() + r] = empty_cost;
  for (const LabelWorkspace::Pair& pair : w.pairs) {
    const auto slot = std::find(w.slots.begin(), w.slots.end(), pair.slot);
    const auto marker = std::find(w.markers.begin(), w.markers.end(), pair.marker);
    if (slot == w.slots.end() || marker == w.markers.end()) continue;
    w.cost[static_cast<std::size_t>(slot - w.slots.begin()) * columns +
           static_cast<std::size_t>(marker - w.markers.begin())] = pair.cost;
  }
  w.chosen.resize(rows);
  assign(w.cost, rows, columns, w.assignment, w.chosen);
  for (std::size_t r = 0; r < rows; ++r) {
    if (w.chosen[r] < 0 || static_cast<std::size_t>(w.chosen[r]) >= w.markers.size()) continue;
    const std::int32_t open = w.markers[static_cast<std::size_t>(w.chosen[r])];
    const std::int32_t marker = w.open[static_cast<std::size_t>(open)];
    fillSlot(job, static_cast<std::size_t>(w.slots[r]),
             job.cloud.markers[static_cast<std::size_t>(marker)]);
    w.done[static_cast<std::size_t>(open)] = 1;
  }
}

bool isDouble(const LabelFrame& job, const frame::Marker& marker) {
  const double reach = job.settings.duplicate_radius * job.settings.duplicate_radius;
  for (const frame::LabelledSubject& subject : job.labelled.subjects) {
    for (const frame::LabelledMarker& named : subject.markers) {
      if (named.confidence > 0.0f && squaredDistance(named.position, marker.position) < reach)
        return true;
    }
  }
  return false;
}

}  // namespace

core::Result<void> check(const LabelSettings& s) {
  if (!(s.gate_sigmas > 0.0)) return core::makeError("label settings: gate_sigmas must be > 0");
  if (!(s.smallest_gate > 0.0)) return core::makeError("label settings: smallest_gate must be > 0");
  if (!(s.largest_gate >= s.smallest_gate)) {
    return core::makeError("label settings: largest_gate must be >= smallest_gate");
  }
  return {};
}

LabelWorkspace makeLabelWorkspace(std::size_t most_predictions, std::size_t most_markers) {
  LabelWorkspace w;
  w.slot_filled.reserve(most_predictions);
  w.open.reserve(most_markers);
  w.pairs.reserve(16 * most_markers);
  w.component.reserve(most_predictions + most_markers);
  w.slots.reserve(kLargestComponent + 1);
  w.markers.reserve(kLargestComponent + 1);
  w.cost.reserve((kLargestComponent + 1) * (2 * kLargestComponent + 2));
  w.chosen.reserve(kLargestComponent + 1);
  w.done.reserve(most_markers);
  reserve(w.assignment, 2 * kLargestComponent + 2);
  return w;
}

void LabelFrame::run() const {
  LabelWorkspace& w = workspace;
  labelled.stamp = cloud.stamp;
  labelled.unlabelled.clear();
  for (frame::LabelledSubject& subject : labelled.subjects) {
    std::fill(subject.markers.begin(), subject.markers.end(), frame::LabelledMarker{});
  }
  w.slot_filled.assign(predictions.markers.size(), 0);
  w.open.clear();
  for (std::size_t m = 0; m < cloud.markers.size(); ++m) {
    const frame::Marker& marker = cloud.markers[m];
    if (marker.prediction != frame::kNoPrediction) {
      const std::size_t p = static_cast<std::size_t>(marker.prediction);
      const double reach = gate(settings, predictions.markers[p]);
      if (squaredDistance(marker.position, predictions.markers[p].position) <= reach * reach) {
        fillSlot(*this, p, marker);
        continue;
      }
    }
    if (w.open.size() < w.open.capacity()) w.open.push_back(static_cast<std::int32_t>(m));
  }
  findPairs(*this);
  joinComponents(*this);
  w.done.assign(w.open.size(), 0);
  for (std::size_t p = 0; p < predictions.markers.size(); ++p) {
    const std::int32_t root = rootOf(w.component, static_cast<std::int32_t>(p));
    if (root == static_cast<std::int32_t>(p) && !w.slot_filled[p]) assignComponent(*this, root);
  }
  for (std::size_t o = 0; o < w.open.size(); ++o) {
    const frame::Marker& marker = cloud.markers[static_cast<std::size_t>(w.open[o])];
    if (w.done[o] || isDouble(*this, marker)) continue;
    if (labelled.unlabelled.size() < labelled.unlabelled.capacity())
      labelled.unlabelled.push_back(marker);
  }
}

}  // namespace understudy::label
