#include <algorithm>

#include "capture/solve/guard_test.h"

namespace understudy::solve {
namespace {

constexpr std::size_t kTrials = 4;     // Pairs that are fitted at each depth.
constexpr double kFarOff = 0.06;       // Distances from the model count up to this, metres.
constexpr double kFreeLunch = 1.5e-4;  // What a freedom costs that a marker takes up, m^2.
constexpr double kFarLess = 1.0e-4;    // Distances so much worse need no fit, m^2.

constexpr double kSkin = 1.6e-5;  // Squared distance from the model that skin explains, m^2.

// Freedoms of a joint that so many markers take up: as far as they do, the markers fit anywhere.
double freedomsTaken(const GuardTest& test, std::size_t joint, std::size_t markers) {
  const std::int32_t freedoms = test.model().joint_freedoms[joint];
  if (freedoms == 6) return markers == 0 ? 0.0 : markers == 1 ? 3.0 : markers == 2 ? 5.0 : 6.0;
  if (freedoms == 3) return markers == 0 ? 0.0 : markers == 1 ? 2.0 : 3.0;
  return 0.0;
}

// What it costs more to explain the markers after a name moved from one slot to an empty one, since
// there it takes up freedoms that nothing measures: a marker fits best where it is alone.
double costOfMove(const GuardTest& test, std::size_t from, std::size_t to) {
  const std::vector<subject::SubjectMarker>& markers = test.subject().markers;
  const auto joint_from = static_cast<std::size_t>(markers[from].joint);
  const auto joint_to = static_cast<std::size_t>(markers[to].joint);
  if (joint_from == joint_to) return 0.0;
  std::size_t seen_from = 0, seen_to = 0;
  for (std::size_t m = 0; m < markers.size(); ++m) {
    if (!isSeen(test.work().labelled.markers[m])) continue;
    seen_from += static_cast<std::size_t>(markers[m].joint) == joint_from;
    seen_to += static_cast<std::size_t>(markers[m].joint) == joint_to;
  }
  return kFreeLunch *
         (freedomsTaken(test, joint_from, seen_from - 1) -
          freedomsTaken(test, joint_from, seen_from) + freedomsTaken(test, joint_to, seen_to + 1) -
          freedomsTaken(test, joint_to, seen_to));
}

}  // namespace

double costOfFreedoms(const GuardTest& test, std::size_t one, std::size_t other) {
  const std::vector<frame::LabelledMarker>& slots = test.work().labelled.markers;
  const std::size_t names = test.subject().markers.size();
  if (one >= names || other >= names || isSeen(slots[one]) == isSeen(slots[other])) return 0.0;
  return isSeen(slots[one]) ? costOfMove(test, one, other) : costOfMove(test, other, one);
}

void measureUnrest(const GuardTest& test) {
  SwapGuardWorkspace& w = test.work();
  const SolveModel& model = test.model();
  const SolveState& state = test.state();
  const std::vector<subject::SubjectMarker>& markers = test.subject().markers;
  w.excess.assign(markers.size(), 0.0);
  for (std::size_t m = 0; m < markers.size(); ++m) {
    const double off = glm::dot(state.bias[m], state.bias[m]);
    if (isSeen(test.slots()[m])) w.excess[m] = std::max(0.0, off - kSkin);
  }
  w.unrest.assign(markers.size(), 0.0);
  for (std::size_t m = 0; m < markers.size(); ++m) {
    const auto joint = static_cast<std::size_t>(markers[m].joint);
    const double turn = joint == 0 ? 0.0
                                   : rotationAngle(model.rest[joint].rotation,
                                                   state.parent_from_joint[joint].rotation);
    w.unrest[m] = kGuardTurnShare * turn * turn;
    const std::size_t begin = static_cast<std::size_t>(model.neighbour_start[m]);
    const std::size_t end = static_cast<std::size_t>(model.neighbour_start[m + 1]);
    for (std::size_t n = begin; n < end; ++n)
      w.unrest[m] += w.excess[static_cast<std::size_t>(model.neighbours[n])];
  }
}

namespace {

// How badly the distances from a place to the seen markers of a segment suit the marker that would
// be there; `except` is left out.
double distanceCost(const GuardTest& test, std::size_t marker, std::size_t except,
                    const glm::dvec3& place) {
  const std::vector<subject::SubjectMarker>& markers = test.subject().markers;
  const SolveModel& model = test.model();
  double cost = 0.0;
  for (auto k = static_cast<std::size_t>(model.neighbour_start[marker]);
       k < static_cast<std::size_t>(model.neighbour_start[marker + 1]); ++k) {
    const auto n = static_cast<std::size_t>(model.neighbours[k]);
    if (n == marker || n == except || markers[n].joint != markers[marker].joint) continue;
    const frame::LabelledMarker& other = test.work().labelled.markers[n];
    if (!isSeen(other)) continue;
    const double wanted =
        distance(glm::dvec3(markers[n].offset_joint), glm::dvec3(markers[marker].offset_joint));
    const double off = std::abs(distance(glm::dvec3(other.position), place) - wanted);
    cost += std::min(off, kFarOff) * std::min(off, kFarOff);
  }
  return cost;
}

double gainOfExchange(const GuardTest& test, std::size_t one, std::size_t other) {
  const std::vector<frame::LabelledMarker>& slots = test.work().labelled.markers;
  double gain = 0.0;
  const std::size_t names = test.subject().markers.size();
  const auto add = [&](std::size_t from, std::size_t to) {
    if (!isSeen(slots[from])) return;
    const glm::dvec3 place(slots[from].position);
    if (from < names) gain += distanceCost(test, from, to, place);
    if (to < names) gain -= distanceCost(test, to, from, place);
  };
  add(one, other);
  add(other, one);
  return gain - costOfFreedoms(test, one, other);
}

void offer(const GuardTest& test, std::size_t one, std::size_t other) {
  std::vector<SwapGuardWorkspace::Candidate>& candidates = test.work().candidates;
  if (candidates.size() == kMostGuardCandidates) return;
  const std::vector<double>& unrest = test.work().unrest;
  const double about = unrest[one] + (other < unrest.size() ? unrest[other] : 0.0);
  if (about < test.guard.settings.least_gain) return;
  const double gain = gainOfExchange(test, one, other);
  if (gain > -kFarLess) candidates.push_back({one, other, gain});
}

}  // namespace

void listCandidates(const GuardTest& test) {
  std::vector<SwapGuardWorkspace::Candidate>& candidates = test.work().candidates;
  const std::vector<frame::LabelledMarker>& slots = test.work().labelled.markers;
  const std::size_t names = test.subject().markers.size();
  const SolveModel& model = test.model();
  const double reach = test.guard.settings.farthest_exchange;
  const auto isNear = [&](std::size_t one, std::size_t other) {
    return distance(glm::dvec3(slots[one].position), glm::dvec3(slots[other].position)) < reach;
  };
  candidates.clear();
  for (std::size_t one = 0; one < names; ++one) {
    if (!isSeen(slots[one]) || test.slot(one).doubt == 0) continue;
    const std::size_t begin = static_cast<std::size_t>(model.neighbour_start[one]);
    const std::size_t end = static_cast<std::size_t>(model.neighbour_start[one + 1]);
    for (std::size_t n = begin; n < end; ++n) {
      const std::size_t other = static_cast<std::size_t>(model.neighbours[n]);
      if (other == one) continue;
      if (!isSeen(slots[other])) {
        if (test.slot(other).hidden > test.guard.settings.doubted_gap) offer(test, one, other);
      } else if (other > one && test.slot(other).doubt > 0 && isNear(one, other)) {
        offer(test, one, other);
      }
    }
    for (std::size_t spare = names; spare < slots.size(); ++spare) {
      if (isSeen(slots[spare]) && isNear(one, spare)) offer(test, one, spare);
    }
  }
  std::sort(candidates.begin(), candidates.end(),
            [](const SwapGuardWorkspace::Candidate& a, const SwapGuardWorkspace::Candidate& b) {
              if (a.gain != b.gain) return a.gain > b.gain;
              return a.one != b.one ? a.one < b.one : a.other < b.other;
            });
  if (candidates.size() > kTrials) candidates.resize(kTrials);
}

}  // namespace understudy::solve
