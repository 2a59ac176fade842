#include "capture/solve/hand_search.h"

#include <algorithm>
#include <cmath>

#include "capture/solve/solve_steps.h"
#include "capture/subject/anatomy.h"

namespace understudy::solve {
namespace {

using subject::kRadiansPerDegree;

constexpr double kEmptyCost = 2.0;    // Of a slot without a marker, in squared gates.
constexpr double kLeadGate = 0.012;   // Of distances between a pair of points, metres.
constexpr double kPalmSigma = 0.004;  // Of a marker on the hand itself, metres.

// Shapes to begin with, degrees: flexion of knuckle and middle joint of the fingers from index to
// little, spread, and of the thumb its first joint's flexion and abduction and its second's
// flexion.
struct Shape {
  double knuckle[4], middle[4], fan, thumb[3];
};
constexpr Shape kShapes[kHandShapeCount] = {
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

// Orthogonal axes that two directions span.
glm::dmat3 axesOfPair(const glm::dvec3& first, const glm::dvec3& second) {
  constexpr double kLeast = 1e-9;
  const glm::dvec3 x = first / std::max(glm::length(first), kLeast);
  const glm::dvec3 normal = glm::cross(x, second);
  const glm::dvec3 z = normal / std::max(glm::length(normal), kLeast);
  return {x, glm::cross(z, x), z};
}

}  // namespace

std::vector<glm::dvec3> placeHandShapes(const HandModel& hand) {
  std::vector<glm::dvec3> places(std::size(kShapes) * hand.markers.size());
  std::vector<double> coordinate(hand.coordinates);
  for (std::size_t shape = 0; shape < std::size(kShapes); ++shape) {
    double angles[kHandFreedoms];
    fillAngles(kShapes[shape], hand, angles);
    coordinatesOf(hand, angles, coordinate);
    placeFingerMarkers(hand, {}, coordinate, {},
                       std::span(places).subspan(shape * hand.markers.size(), hand.markers.size()));
  }
  return places;
}

// The nearest ones to the hand, and what is called its own.
void HandSearch::gather() {
  w.near.clear();
  const auto squared = [&](const glm::dvec3& place) {
    const glm::dvec3 off = place - job.world_from_hand.translation;
    return glm::dot(off, off);
  };
  for (std::size_t p = 0; p < job.palm.size(); ++p) {
    const frame::LabelledMarker& slot = job.body[static_cast<std::size_t>(job.palm[p].marker)];
    if (isSeen(slot))
      w.near.push_back({.place = glm::dvec3(slot.position), .palm = static_cast<int>(p)});
  }
  const std::size_t named = w.near.size();
  for (std::size_t u = 0; u < job.unlabelled.size(); ++u) {
    const FindFingersWorkspace::Near here{.place = glm::dvec3(job.unlabelled[u].position),
                                          .unlabelled = static_cast<std::int32_t>(u)};
    if (squared(here.place) > job.settings.reach * job.settings.reach) continue;
    if (w.near.size() < named + kMostNear) {
      w.near.push_back(here);
      continue;
    }
    const auto last = std::max_element(
        w.near.begin() + static_cast<std::ptrdiff_t>(named), w.near.end(),
        [&](const auto& a, const auto& b) { return squared(a.place) < squared(b.place); });
    if (squared(last->place) > squared(here.place)) *last = here;
  }
}

// Where the markers are by the present shape.
void HandSearch::place() {
  placeFingerMarkers(job.hand, hand, w.coordinate, {}, std::span(w.places).first(fingers()));
  for (std::size_t p = 0; p < job.palm.size(); ++p)
    w.places[fingers() + p] = hand * job.palm[p].place_hand;
}

// A lower bound of what assigning a shape costs: each marker takes the nearest point.
double HandSearch::roughCost(const math::RigidTransformd& world_from_hand,
                             std::size_t shape) const {
  const double most = kEmptyCost * job.settings.gate * job.settings.gate;
  const auto costOfPlace = [&](const glm::dvec3& place) {
    double least = most;
    for (const auto& near : w.near) {
      const glm::dvec3 off = near.place - place;
      least = std::min(least, glm::dot(off, off));
    }
    return least;
  };
  double total = 0.0;
  for (std::size_t m = 0; m < fingers(); ++m)
    total += costOfPlace(world_from_hand * job.shapes[shape * fingers() + m]);
  for (const PalmMarker& marker : job.palm)
    total += costOfPlace(world_from_hand * marker.place_hand);
  return total;
}

// Ways in which the hand may lie: as foreseen, and as pairs of points say that are as far from
// the wrist and from each other as two markers of the hand.
void HandSearch::findLeads() {
  w.hands.assign(1, job.world_from_hand);
  if (job.palm.size() < 2) return;
  const glm::dvec3 a = job.palm[0].place_hand, b = job.palm[1].place_hand;
  const double wanted[] = {glm::length(a), glm::length(b), glm::distance(a, b)};
  const glm::dvec3& wrist = job.world_from_hand.translation;
  w.leads.clear();
  for (std::size_t i = 0; i < w.near.size(); ++i) {
    const double first = glm::distance(w.near[i].place, wrist) - wanted[0];
    if (std::abs(first) > kLeadGate) continue;
    for (std::size_t j = 0; j < w.near.size(); ++j) {
      const double second = glm::distance(w.near[j].place, wrist) - wanted[1];
      const double third = glm::distance(w.near[i].place, w.near[j].place) - wanted[2];
      if (i == j || std::abs(second) > kLeadGate || std::abs(third) > kLeadGate) continue;
      w.leads.emplace_back(first * first + second * second + third * third, i * w.near.size() + j);
    }
  }
  std::sort(w.leads.begin(), w.leads.end());
  const glm::dmat3 hand_from_pair = axesOfPair(a, b);
  for (std::size_t k = 0; k < std::min(w.leads.size(), kMostLeads); ++k) {
    const glm::dvec3 first = w.near[w.leads[k].second / w.near.size()].place - wrist;
    const glm::dvec3 second = w.near[w.leads[k].second % w.near.size()].place - wrist;
    const glm::dmat3 turn = axesOfPair(first, second) * glm::transpose(hand_from_pair);
    w.hands.push_back({glm::normalize(glm::quat_cast(turn)), wrist});
  }
}

// Assigns the points to the shape of w.coordinate; returns the cost in squared gates.
double HandSearch::assign(double gate) {
  place();
  const std::size_t points = w.near.size(), columns = points + rows();
  w.cost.assign(rows() * columns, label::kForbidden);
  for (std::size_t r = 0; r < rows(); ++r) {
    w.cost[r * columns + points + r] = kEmptyCost;
    for (std::size_t c = 0; c < points; ++c) {
      const glm::dvec3 off = w.near[c].place - w.places[r];
      const double squared = glm::dot(off, off) / (gate * gate);
      if (squared < kEmptyCost) w.cost[r * columns + c] = squared;
    }
  }
  label::assign(w.cost, rows(), columns, w.assignment, w.chosen);
  double total = 0.0;
  for (std::size_t r = 0; r < rows(); ++r) {
    total += w.cost[r * columns + static_cast<std::size_t>(w.chosen[r])];
    if (static_cast<std::size_t>(w.chosen[r]) >= points) w.chosen[r] = -1;
    const bool found = w.chosen[r] >= 0;
    const glm::dvec3 point =
        found ? w.near[static_cast<std::size_t>(w.chosen[r])].place : glm::dvec3(0.0);
    if (r < fingers()) {
      w.seen[r] = found ? 1 : 0;
      w.points[r] = point;
    } else {
      w.palm[r - fingers()].seen = found;
      w.palm[r - fingers()].point_world = point;
    }
  }
  return total;
}

std::size_t HandSearch::matched() const {
  return static_cast<std::size_t>(std::count(w.seen.begin(), w.seen.end(), 1));
}

double HandSearch::fit(int iterations) {
  return FitHand{.model = job.hand,
                 .world_from_hand = hand,
                 .points = w.points,
                 .seen = w.seen,
                 .sigma = job.settings.sigma,
                 .turn_sigma = job.settings.turn_sigma,
                 .usual = &usual,
                 .palm = w.palm,
                 .palm_sigma = kPalmSigma}
      .run(iterations, w.coordinate);
}

void HandSearch::layShape(std::size_t lead, std::size_t shape) {
  double angles[kHandFreedoms];
  fillAngles(kShapes[shape], job.hand, angles);
  coordinatesOf(job.hand, angles, w.coordinate);
  hand = usual = w.hands[lead];
}

void HandSearch::prepare() {
  w.places.assign(rows(), glm::dvec3(0.0));
  w.points.assign(fingers(), glm::dvec3(0.0));
  w.seen.assign(fingers(), 0);
  w.chosen.assign(rows(), -1);
  w.coordinate.assign(job.hand.coordinates, 0.0);
  w.palm.assign(job.palm.begin(), job.palm.end());
}

// Fits the shape of w.coordinate a little and notes what came of it.
void HandSearch::tryShape() {
  constexpr int kSteps = 3;
  constexpr double kCloser = 0.5;
  FindFingersWorkspace::Trial& trial = w.trials[w.trial_count++];
  assign(job.settings.gate);
  fit(kSteps);
  trial.cost = assign(kCloser * job.settings.gate);
  trial.world_from_hand = hand;
  trial.usual = usual;
  trial.coordinate = w.coordinate;
}

// Puts the best explanation of what is about the hand into w.best; its cost, 1e300 for none.
double HandSearch::run(bool from_state) {
  gather();
  const auto fewest = static_cast<std::size_t>(
      std::ceil(job.settings.smallest_share * static_cast<double>(fingers())));
  if (w.near.size() < fewest) return 1e300;
  prepare();
  findLeads();
  w.ranking.clear();
  for (std::size_t lead = 0; lead < w.hands.size(); ++lead) {
    for (std::size_t shape = 0; shape < std::size(kShapes); ++shape)
      w.ranking.emplace_back(roughCost(w.hands[lead], shape), lead * std::size(kShapes) + shape);
  }
  std::sort(w.ranking.begin(), w.ranking.end());
  w.trial_count = 0;
  for (std::size_t i = 0; i < std::min<std::size_t>(job.settings.shapes, w.ranking.size()); ++i) {
    layShape(w.ranking[i].second / std::size(kShapes), w.ranking[i].second % std::size(kShapes));
    tryShape();
  }
  if (from_state) {
    w.coordinate = job.state.hands[job.hand_index].coordinate;
    hand = usual = job.world_from_hand;
    tryShape();
  }
  return settleTrials(fewest);
}

// Fits the best trials to the end.
double HandSearch::settleTrials(std::size_t fewest) {
  const auto trials = std::span(w.trials).first(w.trial_count);
  double best = 1e300;
  for (std::size_t i = 0; i < std::min<std::size_t>(job.settings.fits, trials.size()); ++i) {
    const auto next =
        std::min_element(trials.begin() + static_cast<std::ptrdiff_t>(i), trials.end(),
                         [](const auto& a, const auto& b) { return a.cost < b.cost; });
    std::swap(trials[i], *next);
    w.coordinate = trials[i].coordinate;
    hand = trials[i].world_from_hand;
    usual = trials[i].usual;
    const double cost = settle(fewest);
    if (cost >= best) continue;
    best = cost;
    w.best = w.coordinate;
    w.best_chosen = w.chosen;
    w.best_hand = hand;
  }
  return best;
}

// Of the names that the hand has.
double HandSearch::presentCost() {
  prepare();
  for (std::size_t m = 0; m < fingers(); ++m) {
    w.seen[m] = isSeen(job.slots[m]) ? 1 : 0;
    w.points[m] = glm::dvec3(job.slots[m].position);
  }
  for (PalmMarker& marker : w.palm) {
    const frame::LabelledMarker& slot = job.body[static_cast<std::size_t>(marker.marker)];
    marker.seen = isSeen(slot);
    marker.point_world = glm::dvec3(slot.position);
  }
  w.coordinate = job.state.hands[job.hand_index].coordinate;
  hand = job.world_from_hand;
  constexpr int kSteps = 4;
  return costOf(fit(kSteps));
}

double HandSearch::costOf(double squares) const {
  constexpr double kMissing = 12.0;
  double cost = squares / (job.settings.sigma * job.settings.sigma) +
                kMissing * static_cast<double>(fingers() - matched());
  for (const double c : w.coordinate) cost += c * c;
  for (const PalmMarker& marker : w.palm) {
    const glm::dvec3 off = marker.point_world - hand * marker.place_hand;
    cost += marker.seen ? glm::dot(off, off) / (kPalmSigma * kPalmSigma) : kMissing;
  }
  return cost;
}

// Assigns and fits in turn; the cost of the result, 1e300 where it explains too little.
double HandSearch::settle(std::size_t fewest) {
  constexpr int kSteps = 3;
  const double gates[] = {0.5 * job.settings.gate, job.settings.close_gate,
                          job.settings.close_gate};
  double squares = 0.0;
  for (const double gate : gates) {
    assign(gate);
    if (matched() < fewest) return 1e300;
    squares = fit(kSteps);
  }
  const auto found = static_cast<double>(matched());
  if (std::sqrt(squares / found) > job.settings.largest_rms) return 1e300;
  return costOf(squares);
}

}  // namespace understudy::solve
