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

// A marker is the less likely to be just here the wider its slot's gate is: in place of six
// logarithms of the width, which this is near to, since logarithms differ between machines.
constexpr double kWideCost = 14.0;

constexpr float kLeastConfidence = 0.2f;
constexpr float kUndecided = 0.3f;

// Predictions of subjects; those of markers without a name come after them.
std::size_t namedPredictions(const LabelFrame& job) { return job.workspace.named_predictions; }

float confidence(const LabelFrame& job, const frame::PredictedMarker& predicted,
                 const frame::Marker& marker) {
  const double off = std::sqrt(squaredDistance(marker.position, predicted.position));
  if (off <= job.settings.doubted_jump) return 1.0f;
  return std::max(kLeastConfidence, static_cast<float>(job.settings.doubted_jump / off));
}

void fillSlot(const LabelFrame& job, std::size_t prediction, const frame::Marker& marker,
              float certainty = 1.0f) {
  const frame::PredictedMarker& predicted = job.predictions.markers[prediction];
  job.labelled.subjects[predicted.subject].markers[predicted.marker] = {
      marker.position, marker.covariance, std::min(certainty, confidence(job, predicted, marker))};
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
  for (std::size_t p = 0; p < namedPredictions(job); ++p) {
    if (w.slot_filled[p]) continue;
    const frame::PredictedMarker& predicted = job.predictions.markers[p];
    const double reach = gate(job.settings, predicted);
    for (std::size_t o = 0; o < w.open.size(); ++o) {
      const frame::Marker& marker = job.cloud.markers[static_cast<std::size_t>(w.open[o])];
      const double squared = squaredDistance(marker.position, predicted.position);
      if (squared > reach * reach || w.pairs.size() == w.pairs.capacity()) continue;
      w.pairs.push_back({static_cast<std::int32_t>(p), static_cast<std::int32_t>(o), 0.0});
    }
  }
}

void joinComponents(const LabelFrame& job) {
  LabelWorkspace& w = job.workspace;
  const std::size_t slots = namedPredictions(job);
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

void gatherComponent(const LabelFrame& job, std::int32_t root) {
  LabelWorkspace& w = job.workspace;
  w.slots.clear();
  w.markers.clear();
  for (const LabelWorkspace::Pair& pair : w.pairs) {
    if (rootOf(w.component, pair.slot) != root) continue;
    if (w.slots.size() >= kLargestComponent || w.markers.size() >= kLargestComponent) break;
    indexIn(w.slots, pair.slot);
    indexIn(w.markers, pair.marker);
  }
}

double sigmaOf(const LabelFrame& job, std::size_t prediction) {
  const frame::PredictedMarker& predicted = job.predictions.markers[prediction];
  return std::max(static_cast<double>(predicted.sigma), 0.25 * gate(job.settings, predicted));
}

// Costs of the component's pairs if its markers moved `share` of the step that was expected. Every
// slot may also stay empty, at the cost of its gate: one private column per slot.
void fillCosts(const LabelFrame& job, float share) {
  LabelWorkspace& w = job.workspace;
  const std::size_t rows = w.slots.size(), columns = w.markers.size() + rows;
  const double empty_cost = job.settings.gate_sigmas * job.settings.gate_sigmas + kWideCost + 1.0;
  w.cost.assign(rows * columns, kForbidden);
  for (std::size_t r = 0; r < rows; ++r) w.cost[r * columns + w.markers.size() + r] = empty_cost;
  for (const LabelWorkspace::Pair& pair : w.pairs) {
    const auto slot = std::find(w.slots.begin(), w.slots.end(), pair.slot);
    const auto marker = std::find(w.markers.begin(), w.markers.end(), pair.marker);
    if (slot == w.slots.end() || marker == w.markers.end()) continue;
    const std::size_t p = static_cast<std::size_t>(pair.slot);
    const frame::PredictedMarker& predicted = job.predictions.markers[p];
    const glm::vec3 expected = predicted.position - (1.0f - share) * w.step[p];
    const std::int32_t open = w.open[static_cast<std::size_t>(pair.marker)];
    const double sigma = sigmaOf(job, p);
    const double narrowest = 0.25 * job.settings.smallest_gate;
    w.cost[static_cast<std::size_t>(slot - w.slots.begin()) * columns +
           static_cast<std::size_t>(marker - w.markers.begin())] =
        squaredDistance(job.cloud.markers[static_cast<std::size_t>(open)].position, expected) /
            (sigma * sigma) +
        kWideCost * (1.0 - narrowest / sigma);
  }
}

// True if the marker is far from where its slot was expected and a slot that stays empty would have
// it about as near, or about as likely.
bool isUndecided(const LabelFrame& job, std::size_t row) {
  const LabelWorkspace& w = job.workspace;
  constexpr double kAsFar = 1.5;
  constexpr double kAsLikely = 4.0;  // Of squared sigmas.
  const std::size_t column = static_cast<std::size_t>(w.best_chosen[row]);
  const std::int32_t open = w.open[static_cast<std::size_t>(w.markers[column])];
  const glm::vec3& place = job.cloud.markers[static_cast<std::size_t>(open)].position;
  const auto squaredMiss = [&](std::size_t r) {
    const std::size_t p = static_cast<std::size_t>(w.slots[r]);
    return squaredDistance(job.predictions.markers[p].position, place);
  };
  const auto squaredSigmas = [&](std::size_t r) {
    const double sigma = sigmaOf(job, static_cast<std::size_t>(w.slots[r]));
    return squaredMiss(r) / (sigma * sigma);
  };
  const double own = squaredMiss(row);
  if (own <= job.settings.doubted_jump * job.settings.doubted_jump) return false;
  const double own_sigmas = squaredSigmas(row);
  for (std::size_t r = 0; r < w.slots.size(); ++r) {
    if (static_cast<std::size_t>(w.best_chosen[r]) < w.markers.size()) continue;
    if (squaredMiss(r) < kAsFar * kAsFar * own) return true;
    if (squaredSigmas(r) < own_sigmas + kAsLikely) return true;
  }
  return false;
}

void assignComponent(const LabelFrame& job, std::int32_t root) {
  LabelWorkspace& w = job.workspace;
  gatherComponent(job, root);
  if (w.slots.empty()) return;
  const std::size_t rows = w.slots.size(), columns = w.markers.size() + rows;
  w.chosen.resize(rows);
  // Went on, stopped, bounced.
  constexpr float kShares[] = {1.0f, 0.0f, -1.0f};
  double best = 0.0;
  for (const float share : kShares) {
    fillCosts(job, share);
    assign(w.cost, rows, columns, w.assignment, w.chosen);
    double total = 0.0;
    for (std::size_t r = 0; r < rows; ++r)
      total += w.cost[r * columns + static_cast<std::size_t>(w.chosen[r])];
    if (share < 1.0f && total >= best) continue;
    best = total;
    w.best_chosen.assign(w.chosen.begin(), w.chosen.end());
  }
  for (std::size_t r = 0; r < rows; ++r) {
    if (static_cast<std::size_t>(w.best_chosen[r]) >= w.markers.size()) continue;
    const bool undecided = isUndecided(job, r);
    if (undecided && !w.seen_before[static_cast<std::size_t>(w.slots[r])]) continue;
    const std::int32_t open = w.markers[static_cast<std::size_t>(w.best_chosen[r])];
    const std::int32_t marker = w.open[static_cast<std::size_t>(open)];
    fillSlot(job, static_cast<std::size_t>(w.slots[r]),
             job.cloud.markers[static_cast<std::size_t>(marker)], undecided ? kUndecided : 1.0f);
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

// The step that every marker was expected to make since the frame before, which `labelled` still
// holds.
void measureSteps(const LabelFrame& job) {
  LabelWorkspace& w = job.workspace;
  w.step.assign(namedPredictions(job), glm::vec3(0.0f));
  w.seen_before.assign(namedPredictions(job), 0);
  for (std::size_t p = 0; p < namedPredictions(job); ++p) {
    const frame::PredictedMarker& predicted = job.predictions.markers[p];
    const frame::LabelledMarker& before =
        job.labelled.subjects[predicted.subject].markers[predicted.marker];
    w.seen_before[p] = before.confidence > 0.0f ? 1 : 0;
    if (w.seen_before[p]) w.step[p] = predicted.position - before.position;
  }
}

void findMatches(const LabelFrame& job) {
  LabelWorkspace& w = job.workspace;
  w.match.assign(namedPredictions(job), -1);
  w.jumped.clear();
  const double jump = job.settings.doubted_jump * job.settings.doubted_jump;
  for (std::size_t m = 0; m < job.cloud.markers.size(); ++m) {
    const frame::Marker& marker = job.cloud.markers[m];
    if (marker.prediction == frame::kNoPrediction) continue;
    const std::size_t p = static_cast<std::size_t>(marker.prediction);
    if (p >= namedPredictions(job)) continue;
    w.match[p] = static_cast<std::int32_t>(m);
  }
  FindDoubles{.settings = job.settings.doubles,
              .predictions = std::span(job.predictions.markers).first(namedPredictions(job)),
              .cloud = job.cloud.markers,
              .seen_before = w.seen_before,
              .match = w.match,
              .is_double = w.is_double}
      .run();
  for (std::size_t p = 0; p < namedPredictions(job); ++p) {
    if (w.match[p] < 0) continue;
    const frame::Marker& marker = job.cloud.markers[static_cast<std::size_t>(w.match[p])];
    if (squaredDistance(marker.position, job.predictions.markers[p].position) > jump)
      w.jumped.push_back(static_cast<std::int32_t>(p));
  }
}

// Takes back the matches that were not believed, and those about them that one of these could be.
void openJumped(const LabelFrame& job) {
  LabelWorkspace& w = job.workspace;
  constexpr double kAround = 0.03;
  for (const std::int32_t jumped : w.jumped) {
    const std::size_t j = static_cast<std::size_t>(jumped);
    const frame::Marker& marker = job.cloud.markers[static_cast<std::size_t>(w.match[j])];
    const glm::vec3& place = job.predictions.markers[j].position;
    const double jump = std::sqrt(squaredDistance(marker.position, place));
    const double reach = std::min(1.5 * jump + kAround, job.settings.largest_gate);
    for (std::size_t p = 0; p < namedPredictions(job); ++p) {
      if (squaredDistance(job.predictions.markers[p].position, place) < reach * reach)
        w.slot_filled[p] = 2;
    }
  }
}

}  // namespace

core::Result<void> check(const LabelSettings& s) {
  if (!(s.gate_sigmas > 0.0)) return core::makeError("label settings: gate_sigmas must be > 0");
  if (!(s.doubted_jump > 0.0)) return core::makeError("label settings: doubted_jump must be > 0");
  if (!(s.smallest_gate > 0.0)) return core::makeError("label settings: smallest_gate must be > 0");
  if (!(s.largest_gate >= s.smallest_gate)) {
    return core::makeError("label settings: largest_gate must be >= smallest_gate");
  }
  if (!(s.doubles.radius >= 0.0))
    return core::makeError("label settings: double_radius must be >= 0");
  if (!(s.doubles.share >= 0.0 && s.doubles.share < 1.0))
    return core::makeError("label settings: double_share must be in 0..1");
  return {};
}

LabelWorkspace makeLabelWorkspace(std::size_t most_predictions, std::size_t most_markers) {
  LabelWorkspace w;
  w.slot_filled.reserve(most_predictions);
  w.match.reserve(most_predictions);
  w.step.reserve(most_predictions);
  w.seen_before.reserve(most_predictions);
  w.jumped.reserve(most_predictions);
  w.is_double.reserve(most_markers);
  w.is_named.reserve(most_markers);
  w.open.reserve(most_markers);
  w.pairs.reserve(16 * most_markers);
  w.component.reserve(most_predictions + most_markers);
  w.slots.reserve(kLargestComponent + 1);
  w.markers.reserve(kLargestComponent + 1);
  w.cost.reserve((kLargestComponent + 1) * (2 * kLargestComponent + 2));
  w.chosen.reserve(kLargestComponent + 1);
  w.best_chosen.reserve(kLargestComponent + 1);
  w.done.reserve(most_markers);
  reserve(w.assignment, 2 * kLargestComponent + 2);
  return w;
}

void LabelFrame::run() const {
  LabelWorkspace& w = workspace;
  const auto unnamed =
      std::find_if(predictions.markers.begin(), predictions.markers.end(),
                   [](const frame::PredictedMarker& p) { return p.subject == frame::kNoSubject; });
  w.named_predictions = static_cast<std::size_t>(unnamed - predictions.markers.begin());
  measureSteps(*this);
  labelled.stamp = cloud.stamp;
  labelled.unlabelled.clear();
  for (frame::LabelledSubject& subject : labelled.subjects) {
    std::fill(subject.markers.begin(), subject.markers.end(), frame::LabelledMarker{});
  }
  w.slot_filled.assign(w.named_predictions, 0);
  findMatches(*this);
  openJumped(*this);
  w.is_named.assign(cloud.markers.size(), 0);
  for (std::size_t p = 0; p < w.named_predictions; ++p) {
    if (w.match[p] < 0 || w.slot_filled[p] != 0) continue;
    const std::size_t m = static_cast<std::size_t>(w.match[p]);
    fillSlot(*this, p, cloud.markers[m]);
    w.is_named[m] = 1;
  }
  w.open.clear();
  for (std::size_t m = 0; m < cloud.markers.size(); ++m) {
    if (w.is_named[m] || w.is_double[m]) continue;
    if (w.open.size() < w.open.capacity()) w.open.push_back(static_cast<std::int32_t>(m));
  }
  for (std::uint8_t& filled : w.slot_filled) filled = filled == 1 ? 1 : 0;
  if (!w.open.empty()) {
    findPairs(*this);
    joinComponents(*this);
    w.done.assign(w.open.size(), 0);
    for (std::size_t p = 0; p < w.named_predictions; ++p) {
      const std::int32_t root = rootOf(w.component, static_cast<std::int32_t>(p));
      if (root == static_cast<std::int32_t>(p) && !w.slot_filled[p]) assignComponent(*this, root);
    }
  }
  for (std::size_t o = 0; o < w.open.size(); ++o) {
    const frame::Marker& marker = cloud.markers[static_cast<std::size_t>(w.open[o])];
    if (w.done[o] || isDouble(*this, marker)) continue;
    if (labelled.unlabelled.size() < labelled.unlabelled.capacity())
      labelled.unlabelled.push_back(marker);
  }
}

}  // namespace understudy::label
