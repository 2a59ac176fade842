#include "capture/solve/find_fingers.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "capture/solve/hand_search.h"
#include "capture/solve/lane_kernels.h"
#include "capture/solve/solve_steps.h"

namespace understudy::solve {
core::Result<void> check(const FindFingersSettings& s) {
  const auto wrong = [](const char* what) {
    return core::makeError(std::string("finger settings: ") + what);
  };
  if (!(s.reach > 0.0)) return wrong("reach must be > 0");
  if (!(s.gate > 0.0)) return wrong("gate must be > 0");
  if (!(s.close_gate > 0.0 && s.close_gate <= s.gate))
    return wrong("close_gate must be in 0..gate");
  if (!(s.sigma > 0.0)) return wrong("sigma must be > 0");
  if (!(s.smallest_share > 0.0 && s.smallest_share <= 1.0))
    return wrong("smallest_share must be in 0..1");
  if (!(s.turn_sigma > 0.0)) return wrong("turn_sigma must be > 0");
  if (!(s.largest_rms > 0.0)) return wrong("largest_rms must be > 0");
  if (s.shapes == 0 || s.shapes > kHandShapeCount) return wrong("shapes must be in 1..15");
  if (s.fits == 0 || s.retry == 0) return wrong("fits and retry must be > 0");
  if (!(s.lost_time > 0.0)) return wrong("lost_time must be > 0");
  if (!(s.doubted_misfit > 0.0)) return wrong("doubted_misfit must be > 0");
  if (!(s.stray > 0.0)) return wrong("stray must be > 0");
  if (!(s.palm_stray > 0.0)) return wrong("palm_stray must be > 0");
  if (!(s.margin >= 0.0)) return wrong("margin must be >= 0");
  if (!(s.exchange_reach >= 0.0)) return wrong("exchange_reach must be >= 0");
  if (!(s.exchange_margin > 0.0)) return wrong("exchange_margin must be > 0");
  if (s.exchange_looks == 0 || s.exchange_every == 0)
    return wrong("exchange_looks and exchange_every must be > 0");
  return {};
}

FindFingersWorkspace makeFindFingersWorkspace(std::size_t joints) {
  constexpr std::size_t kMostMarkers = subject::kMostHandMarkers;
  FindFingersWorkspace w;
  constexpr std::size_t kMostRows = kMostMarkers + kMostPalm, kMostPoints = kMostNear + kMostPalm;
  w.near.reserve(kMostPoints);
  w.places.reserve(kMostRows);
  w.points.reserve(kMostMarkers);
  w.cost.reserve(kMostRows * (kMostRows + kMostPoints));
  w.coordinate.reserve(kMostHandCoordinates);
  w.best.reserve(kMostHandCoordinates);
  w.chosen.reserve(kMostRows);
  w.best_chosen.reserve(kMostRows);
  w.seen.reserve(kMostMarkers);
  w.palm.reserve(kMostPalm);
  w.old_palm.reserve(kMostPalm);
  w.trials.resize(kHandShapeCount + 1);
  for (FindFingersWorkspace::Trial& trial : w.trials)
    trial.coordinate.reserve(kMostHandCoordinates);
  w.hands.reserve(1 + kMostLeads);
  w.leads.reserve(kMostPoints * kMostPoints);
  w.ranking.reserve((1 + kMostLeads) * kHandShapeCount);
  w.pose.reserve(joints);
  w.moved.reserve(joints);
  w.turns.resize(kHandJoints);
  label::reserve(w.assignment, kMostRows + kMostPoints + 1);
  return w;
}

namespace {

// The marker that a row of the search's result got, if any; a nameless one is taken.
frame::LabelledMarker chosenMarker(const FindFingers& job, std::size_t row) {
  const std::int32_t chosen = job.workspace.best_chosen[row];
  if (chosen < 0) return {};
  const FindFingersWorkspace::Near& near = job.workspace.near[static_cast<std::size_t>(chosen)];
  if (near.palm >= 0) return job.workspace.old_palm[static_cast<std::size_t>(near.palm)];
  frame::Marker& taken = job.unlabelled[static_cast<std::size_t>(near.unlabelled)];
  taken.rays = 0;
  return {taken.position, taken.covariance, 1.0f};
}

bool isChosen(const FindFingersWorkspace& w, std::size_t palm) {
  return std::any_of(w.best_chosen.begin(), w.best_chosen.end(), [&](std::int32_t chosen) {
    return chosen >= 0 &&
           w.near[static_cast<std::size_t>(chosen)].palm == static_cast<std::int32_t>(palm);
  });
}

// Names the markers of the hand itself anew. One that nobody wants keeps its name, if that is free.
void renamePalm(const FindFingers& job) {
  FindFingersWorkspace& w = job.workspace;
  for (std::size_t p = 0; p < job.palm.size(); ++p) {
    const auto marker = static_cast<std::size_t>(job.palm[p].marker);
    const std::int32_t chosen = w.best_chosen[job.hand.markers.size() + p];
    const bool wanted = isChosen(w, p);
    if (chosen < 0 ? !wanted
                   : w.near[static_cast<std::size_t>(chosen)].palm == static_cast<std::int32_t>(p))
      continue;
    job.body[marker] = chosenMarker(job, job.hand.markers.size() + p);
    job.state.bias[marker] = glm::dvec3(0.0);
    if (!wanted && isSeen(w.old_palm[p]) && job.unlabelled.size() < job.unlabelled.capacity())
      job.unlabelled.push_back(unnamedMarker(w.old_palm[p]));
  }
}

// Turns a hand that wrong names had turned.
void turnHand(const FindFingers& job) {
  constexpr double kFar = 0.2;  // Radians.
  FindFingersWorkspace& w = job.workspace;
  const glm::dquat turn = glm::conjugate(job.world_from_hand.rotation) * w.best_hand.rotation;
  const glm::dvec3 half(turn.x, turn.y, turn.z);
  if (4.0 * glm::dot(half, half) < kFar * kFar) return;
  const auto joint = static_cast<std::size_t>(job.hand.joint);
  w.pose = job.state.parent_from_joint;
  w.pose[joint].rotation = glm::normalize(w.pose[joint].rotation * turn);
  w.moved.assign(w.pose.size(), 0);
  w.moved[joint] = 1;
  moveJoints(job.model, w.pose, w.moved, job.state);
}

// Begins anew with fingers and hand as they were found.
void moveFingers(const FindFingers& job, const std::vector<double>& coordinate) {
  HandState& fingers = job.state.hands[job.hand_index];
  forgetFingers(fingers);
  fingers.coordinate = coordinate;
  fingers.found = true;
  turnFingers(job.hand, coordinate, job.workspace.turns);
  for (std::size_t j = 0; j < kHandJoints; ++j) {
    job.state.parent_from_joint[static_cast<std::size_t>(job.hand.joints[j])].rotation =
        job.workspace.turns[j];
  }
  turnHand(job);
}

// Gives the markers of the search's result their names.
void takeNames(const FindFingers& job) {
  FindFingersWorkspace& w = job.workspace;
  moveFingers(job, w.best);
  w.old_palm.clear();
  for (const PalmMarker& marker : job.palm)
    w.old_palm.push_back(job.body[static_cast<std::size_t>(marker.marker)]);
  for (std::size_t m = 0; m < job.hand.markers.size(); ++m) {
    const auto marker = static_cast<std::size_t>(job.hand.markers[m]);
    job.state.bias[marker] = glm::dvec3(0.0);
    job.state.unseen[marker] = 0.0;
    job.slots[m] = chosenMarker(job, m);
  }
  renamePalm(job);
  std::erase_if(job.unlabelled, [](const frame::Marker& marker) { return marker.rays == 0; });
}

void giveBack(std::span<frame::LabelledMarker> slots, std::vector<frame::Marker>& unlabelled) {
  for (frame::LabelledMarker& slot : slots) {
    if (isSeen(slot) && unlabelled.size() < unlabelled.capacity())
      unlabelled.push_back(unnamedMarker(slot));
  }
}

bool hasStray(const FindFingers& job) {
  const double far = job.settings.stray * job.settings.stray;
  for (std::size_t m = 0; m < job.slots.size(); ++m) {
    const glm::dvec3& bias = job.state.bias[static_cast<std::size_t>(job.hand.markers[m])];
    if (isSeen(job.slots[m]) && glm::dot(bias, bias) > far) return true;
  }
  const double palm_far = job.settings.palm_stray * job.settings.palm_stray;
  return std::any_of(job.palm.begin(), job.palm.end(), [&](const PalmMarker& marker) {
    const auto index = static_cast<std::size_t>(marker.marker);
    const glm::dvec3& bias = job.state.bias[index];
    return isSeen(job.body[index]) && glm::dot(bias, bias) > palm_far;
  });
}

// The slot of a row: those of the fingers, then of the hand itself.
frame::LabelledMarker& slotOf(const FindFingers& job, std::size_t row) {
  const std::size_t fingers = job.hand.markers.size();
  return row < fingers ? job.slots[row]
                       : job.body[static_cast<std::size_t>(job.palm[row - fingers].marker)];
}

void forgetBias(const FindFingers& job, std::size_t row) {
  const std::size_t fingers = job.hand.markers.size();
  const std::int32_t marker =
      row < fingers ? job.hand.markers[row] : job.palm[row - fingers].marker;
  job.state.bias[static_cast<std::size_t>(marker)] = glm::dvec3(0.0);
}

bool mayExchange(const FindFingers& job, std::size_t one, std::size_t other) {
  const frame::LabelledMarker &a = slotOf(job, one), &b = slotOf(job, other);
  return isSeen(a) && isSeen(b) &&
         static_cast<double>(glm::distance(a.position, b.position)) <= job.settings.exchange_reach;
}

// The next pair in turn that may be exchanged; false if there is none. Pairs are counted row by
// row: a marker on a finger with any behind it.
bool nextPair(const FindFingers& job, FingerExchange& suspicion) {
  const std::size_t rows = job.hand.markers.size() + job.palm.size();
  const std::size_t count = job.hand.markers.size() * rows;
  for (std::size_t tried = 0; tried < count; ++tried) {
    const std::size_t pair = suspicion.next++ % count;
    suspicion.one = pair / rows;
    suspicion.other = pair % rows;
    if (suspicion.other > suspicion.one && mayExchange(job, suspicion.one, suspicion.other))
      return true;
  }
  return false;
}

}  // namespace

bool FindFingers::run() const {
  if (!(HandSearch{*this}.run(false) < 1e300)) return false;
  takeNames(*this);
  return true;
}

bool FindFingers::revise() const {
  if (!hasStray(*this)) return false;
  HandSearch search{*this};
  const double present = search.presentCost();
  const std::size_t unnamed = unlabelled.size();
  giveBack(slots, unlabelled);
  const double best = search.run(true);
  if (best < present - settings.margin) {
    takeNames(*this);
    return true;
  }
  unlabelled.resize(unnamed);
  return false;
}

bool FindFingers::exchange(FingerExchange& suspicion) const {
  constexpr int kPairs = 2;
  constexpr double kClearly = 0.75;  // Of the cost, at most: few markers fit many ways.
  HandSearch search{*this};
  const double present = search.presentCost();
  const double most = std::min(present - settings.exchange_margin, kClearly * present);
  for (int i = 0; i < kPairs; ++i) {
    const bool again = suspicion.wins > 0 && mayExchange(*this, suspicion.one, suspicion.other);
    if (!again) {
      suspicion.wins = 0;
      if (!nextPair(*this, suspicion)) return false;
    }
    frame::LabelledMarker &one = slotOf(*this, suspicion.one),
                          &other = slotOf(*this, suspicion.other);
    std::swap(one, other);
    const bool wins = search.presentCost() < most;
    suspicion.wins = wins ? suspicion.wins + 1 : 0;
    if (suspicion.wins >= settings.exchange_looks) {
      workspace.best_hand = search.hand;
      forgetBias(*this, suspicion.one);
      forgetBias(*this, suspicion.other);
      moveFingers(*this, workspace.coordinate);
      suspicion.wins = 0;
      return true;
    }
    std::swap(one, other);
    if (wins) return false;
  }
  return false;
}

void doubtFingers(const FindFingersSettings& settings, std::span<frame::LabelledMarker> slots,
                  std::vector<frame::Marker>& unlabelled, HandState& state) {
  const double far = settings.doubted_misfit * settings.doubted_misfit;
  if (!state.found || !(state.misfit > far || state.unseen > settings.lost_time)) return;
  giveBack(slots, unlabelled);
  std::fill(slots.begin(), slots.end(), frame::LabelledMarker{});
  forgetFingers(state);
}

}  // namespace understudy::solve
