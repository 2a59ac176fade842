#include "capture/solve/find_fingers.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "capture/solve/fit_hand.h"
#include "capture/solve/lane_kernels.h"
#include "capture/solve/solve_steps.h"
#include "capture/subject/anatomy.h"

namespace understudy::solve {
namespace {

using subject::kRadiansPerDegree;

constexpr std::size_t kMostNear = 24;
constexpr double kEmptyCost = 2.0;  // Of a slot without a marker, in squared gates.

// Shapes to begin with, degrees: flexion of knuckle and middle joint of the fingers from index to
// little, spread, and of the thumb its first joint's flexion and abduction and its second's
// flexion.
struct Shape {
  double knuckle[4], middle[4], fan, thumb[3];
};
constexpr Shape kShapes[] = {
    {{20, 25, 27, 27}, {30, 34, 35, 32}, 2, {8, 4, 14}},    // At rest.
    {{2, 2, 2, 2}, {4, 4, 4, 4}, 2, {0, 0, 4}},             // Flat.
    {{-8, -8, -8, -8}, {6, 6, 6, 6}, 12, {-12, 10, 0}},     // Spread.
    {{45, 48, 48, 46}, {50, 52, 52, 48}, 1, {16, 0, 25}},   // Half closed.
    {{75, 78, 78, 75}, {90, 92, 92, 88}, 0, {22, -4, 40}},  // Closed.
    {{4, 75, 76, 74}, {8, 90, 90, 86}, 1, {20, -2, 35}},    // One, two, three fingers out.
    {{4, 6, 74, 74}, {8, 10, 90, 86}, 5, {20, -4, 35}},
    {{4, 5, 6, 68}, {6, 8, 10, 78}, 5, {22, -6, 35}},
    {{74, 78, 76, 8}, {88, 92, 88, 10}, 2, {-8, 6, 2}},  // The little one out.
    {{6, 76, 76, 8}, {10, 90, 88, 12}, 3, {20, -2, 34}},
    {{74, 78, 78, 74}, {88, 92, 92, 88}, 0, {-16, 10, 0}},  // Thumb out.
    {{40, 16, 14, 12}, {46, 20, 16, 14}, 4, {22, -6, 22}},  // Pinch.
    {{4, 6, 6, 6}, {80, 84, 84, 80}, 1, {4, 2, 8}},         // Hook.
    {{-10, -10, -10, -10}, {58, 60, 58, 55}, 8, {-2, 6, 14}},
    {{64, 66, 66, 62}, {10, 10, 10, 10}, 0, {10, 0, 12}},  // On edge.
};

void fillAngles(const Shape& shape, const HandModel& hand, std::span<double> angles) {
  constexpr double kFan[] = {1.0, 0.1, -0.6, -1.2}, kTip = 0.66;
  const double sign = hand.side == subject::Side::left ? 1.0 : -1.0;
  angles[0] = shape.thumb[0];
  angles[1] = sign * shape.thumb[1];
  angles[2] = angles[3] = shape.thumb[2];
  for (std::size_t f = 0; f < 4; ++f) {
    double* digit = &angles[subject::kDigitFreedoms * (f + 1)];
    digit[0] = shape.knuckle[f];
    digit[1] = sign * shape.fan * kFan[f];
    digit[2] = shape.middle[f];
    digit[3] = kTip * shape.middle[f];
  }
  for (double& angle : angles) angle *= kRadiansPerDegree;
}

struct Search {
  const FindFingers& job;
  FindFingersWorkspace& w = job.workspace;
  math::RigidTransformd hand = job.world_from_hand;  // As the present shape has it.

  std::size_t markers() const { return job.hand.markers.size(); }
  glm::dvec3 pointAt(std::int32_t chosen) const {
    const auto near = static_cast<std::size_t>(w.near[static_cast<std::size_t>(chosen)]);
    return glm::dvec3(job.unlabelled[near].position);
  }

  // The nearest ones to the middle of the palm.
  void gather() {
    w.near.clear();
    const double reach = job.settings.reach * job.settings.reach;
    const auto squared = [&](std::int32_t u) {
      const glm::dvec3 off = glm::dvec3(job.unlabelled[static_cast<std::size_t>(u)].position) -
                             job.world_from_hand.translation;
      return glm::dot(off, off);
    };
    for (std::size_t u = 0; u < job.unlabelled.size(); ++u) {
      const auto index = static_cast<std::int32_t>(u);
      if (squared(index) > reach) continue;
      if (w.near.size() == kMostNear) {
        const auto last = std::max_element(
            w.near.begin(), w.near.end(),
            [&](std::int32_t a, std::int32_t b) { return squared(a) < squared(b); });
        if (squared(*last) > squared(index)) *last = index;
      } else {
        w.near.push_back(index);
      }
    }
  }

  // Assigns the points to the shape of w.coordinate; returns the cost in squared gates.
  double assign(double gate) {
    placeFingerMarkers(job.hand, hand, w.coordinate, {}, w.places);
    const std::size_t rows = markers(), columns = w.near.size() + rows;
    w.cost.assign(rows * columns, label::kForbidden);
    for (std::size_t r = 0; r < rows; ++r) {
      w.cost[r * columns + w.near.size() + r] = kEmptyCost;
      for (std::size_t c = 0; c < w.near.size(); ++c) {
        const glm::dvec3 off = pointAt(static_cast<std::int32_t>(c)) - w.places[r];
        const double squared = glm::dot(off, off) / (gate * gate);
        if (squared < kEmptyCost) w.cost[r * columns + c] = squared;
      }
    }
    label::assign(w.cost, rows, columns, w.assignment, w.chosen);
    double total = 0.0;
    for (std::size_t r = 0; r < rows; ++r) {
      total += w.cost[r * columns + static_cast<std::size_t>(w.chosen[r])];
      if (static_cast<std::size_t>(w.chosen[r]) >= w.near.size()) w.chosen[r] = -1;
      w.seen[r] = w.chosen[r] >= 0 ? 1 : 0;
      if (w.seen[r]) w.points[r] = pointAt(w.chosen[r]);
    }
    return total;
  }

  std::size_t matched() const {
    return static_cast<std::size_t>(std::count(w.seen.begin(), w.seen.end(), 1));
  }

  double fit(int iterations) {
    return FitHand{.model = job.hand,
                   .world_from_hand = hand,
                   .points = w.points,
                   .seen = w.seen,
                   .sigma = job.settings.sigma,
                   .turn_sigma = job.settings.turn_sigma}
        .run(iterations, w.coordinate);
  }

  void layShape(std::size_t shape) {
    double angles[kHandFreedoms];
    fillAngles(kShapes[shape], job.hand, angles);
    coordinatesOf(job.hand, angles, w.coordinate);
    hand = job.world_from_hand;
  }

  // Puts the best explanation of what is about the hand into w.best; its cost, 1e300 for none.
  double run(bool from_state) {
    gather();
    const std::size_t count = markers();
    const auto fewest = static_cast<std::size_t>(
        std::ceil(job.settings.smallest_share * static_cast<double>(count)));
    if (w.near.size() < fewest) return 1e300;
    w.places.assign(count, glm::dvec3(0.0));
    w.points.assign(count, glm::dvec3(0.0));
    w.seen.assign(count, 0);
    w.chosen.assign(count, -1);
    w.coordinate.assign(job.hand.coordinates, 0.0);
    w.ranking.clear();
    for (std::size_t shape = 0; shape < std::size(kShapes); ++shape) {
      layShape(shape);
      w.ranking.emplace_back(assign(job.settings.gate), shape);
    }
    std::sort(w.ranking.begin(), w.ranking.end());
    double best = 1e300;
    const auto trySettling = [&] {
      const double cost = settle(fewest);
      if (cost >= best) return;
      best = cost;
      w.best = w.coordinate;
      w.best_chosen = w.chosen;
    };
    for (std::size_t i = 0; i < std::min<std::size_t>(job.settings.fits, w.ranking.size()); ++i) {
      layShape(w.ranking[i].second);
      trySettling();
    }
    if (from_state) {
      w.coordinate = job.state.hands[job.hand_index].coordinate;
      hand = job.world_from_hand;
      trySettling();
    }
    return best;
  }

  // Of the names that the hand has.
  double presentCost() {
    const std::size_t count = markers();
    w.points.assign(count, glm::dvec3(0.0));
    w.seen.assign(count, 0);
    for (std::size_t m = 0; m < count; ++m) {
      w.seen[m] = isSeen(job.slots[m]) ? 1 : 0;
      w.points[m] = glm::dvec3(job.slots[m].position);
    }
    w.coordinate = job.state.hands[job.hand_index].coordinate;
    constexpr int kSteps = 4;
    return costOf(fit(kSteps));
  }

  double costOf(double squares) const {
    constexpr double kMissing = 12.0;
    double cost = squares / (job.settings.sigma * job.settings.sigma) +
                  kMissing * static_cast<double>(markers() - matched());
    for (const double c : w.coordinate) cost += c * c;
    return cost;
  }

  // Assigns and fits in turn; the cost of the result, 1e300 where it explains too little.
  double settle(std::size_t fewest) {
    constexpr int kSteps = 4, kRounds = 3;
    for (int round = 0; round < kRounds; ++round) {
      const double share = static_cast<double>(round) / static_cast<double>(kRounds - 1);
      const double gate = job.settings.gate + share * (job.settings.close_gate - job.settings.gate);
      assign(gate);
      if (matched() < fewest) return 1e300;
      fit(kSteps);
    }
    assign(job.settings.close_gate);
    if (matched() < fewest) return 1e300;
    const double squares = fit(kSteps);
    const auto found = static_cast<double>(matched());
    if (std::sqrt(squares / found) > job.settings.largest_rms) return 1e300;
    return costOf(squares);
  }
};

}  // namespace

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
  if (s.fits == 0 || s.retry == 0) return wrong("fits and retry must be > 0");
  if (!(s.lost_time > 0.0)) return wrong("lost_time must be > 0");
  if (!(s.doubted_misfit > 0.0)) return wrong("doubted_misfit must be > 0");
  if (!(s.stray > 0.0)) return wrong("stray must be > 0");
  if (!(s.margin >= 0.0)) return wrong("margin must be >= 0");
  return {};
}

FindFingersWorkspace makeFindFingersWorkspace() {
  constexpr std::size_t kMostMarkers = subject::kMostHandMarkers;
  FindFingersWorkspace w;
  w.near.reserve(kMostNear);
  w.places.reserve(kMostMarkers);
  w.points.reserve(kMostMarkers);
  w.best_points.reserve(kMostMarkers);
  w.cost.reserve(kMostMarkers * (kMostMarkers + kMostNear));
  w.coordinate.reserve(kMostHandCoordinates);
  w.best.reserve(kMostHandCoordinates);
  w.chosen.reserve(kMostMarkers);
  w.best_chosen.reserve(kMostMarkers);
  w.seen.reserve(kMostMarkers);
  w.ranking.reserve(std::size(kShapes));
  w.turns.resize(kHandJoints);
  label::reserve(w.assignment, kMostMarkers + kMostNear + 1);
  return w;
}

namespace {

// Gives the markers of the search's result their names.
void takeNames(const FindFingers& job) {
  const auto& [settings, hand, world_from_hand, slots, unlabelled, state, hand_index, workspace] =
      job;
  HandState& fingers = state.hands[hand_index];
  forgetFingers(fingers);
  fingers.coordinate = workspace.best;
  fingers.found = true;
  turnFingers(hand, fingers.coordinate, workspace.turns);
  for (std::size_t j = 0; j < kHandJoints; ++j) {
    state.parent_from_joint[static_cast<std::size_t>(hand.joints[j])].rotation = workspace.turns[j];
  }
  for (std::size_t m = 0; m < hand.markers.size(); ++m) {
    const auto marker = static_cast<std::size_t>(hand.markers[m]);
    state.bias[marker] = glm::dvec3(0.0);
    state.unseen[marker] = 0.0;
    slots[m] = {};
    if (workspace.best_chosen[m] < 0) continue;
    const auto near = static_cast<std::size_t>(workspace.best_chosen[m]);
    frame::Marker& taken = unlabelled[static_cast<std::size_t>(workspace.near[near])];
    slots[m] = {taken.position, taken.covariance, 1.0f};
    taken.rays = 0;
  }
  std::erase_if(unlabelled, [](const frame::Marker& marker) { return marker.rays == 0; });
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
  return false;
}

}  // namespace

bool FindFingers::run() const {
  if (!(Search{*this}.run(false) < 1e300)) return false;
  takeNames(*this);
  return true;
}

bool FindFingers::revise() const {
  if (!hasStray(*this)) return false;
  Search search{*this};
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

void doubtFingers(const FindFingersSettings& settings, std::span<frame::LabelledMarker> slots,
                  std::vector<frame::Marker>& unlabelled, HandState& state) {
  const double far = settings.doubted_misfit * settings.doubted_misfit;
  if (!state.found || !(state.misfit > far || state.unseen > settings.lost_time)) return;
  giveBack(slots, unlabelled);
  std::fill(slots.begin(), slots.end(), frame::LabelledMarker{});
  forgetFingers(state);
}

}  // namespace understudy::solve
