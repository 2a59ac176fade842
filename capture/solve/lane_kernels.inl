// The kernels' one source, compiled twice with different instruction sets. No header but lane_kernels.h, so that no
// inline function exists in two builds.

#include "capture/solve/lane_math.inl"

namespace {

using understudy::solve::kHabitTurns;
using understudy::solve::kHiddenBelow;
using understudy::solve::kLeastSpread;
using understudy::solve::kLeastTempo;
using understudy::solve::kMostNeighbours;
using understudy::solve::kMostTempo;
using understudy::solve::kShownAbove;
using understudy::solve::kSolveLanes;
using understudy::solve::LaneArrays;
using understudy::solve::LaneSettings;
using understudy::solve::LaneShape;

constexpr double kMeasured = 0.09;       // A joint of which markers told less was not measured.
constexpr double kSquaredAgreement = 4;  // Markers are believed to twice the distance of their neighbours.
constexpr int kReturnIterations = 3;     // More steps when a limb comes back into sight.
constexpr double kLongHidden = 0.05;     // Seconds.
constexpr double kLargestStep = 0.5;     // Of one iteration, radians.

struct Work {
  const LaneShape& shape;
  const LaneSettings& settings;
  const LaneArrays& a;

  std::size_t parent(std::size_t joint) const { return static_cast<std::size_t>(shape.parent[joint]); }
  bool hasParent(std::size_t joint) const { return shape.parent[joint] >= 0; }
  std::size_t freedom(std::size_t joint) const { return static_cast<std::size_t>(shape.joint_freedom[joint]); }
  std::size_t freedoms(std::size_t joint) const { return static_cast<std::size_t>(shape.joint_freedoms[joint]); }
};

// Turns a joint by the step of its freedoms.
void turnFreedoms(const Work& w, std::size_t joint, const V* from, const V* step, V* to) {
  V turn[3];
  turnBy(at(w.a.basis, 9 * joint), step, turn);
  turnJoint(from, turn, to);
}

// The step of a joint's freedoms that turns it from one place to another near it.
void freedomsBetween(const Work& w, std::size_t joint, const V* from, const V* to, V* step) {
  V turn[4], vector[3];
  between(from, to, turn);
  vectorOfTurn(turn, vector);
  turnBack(at(w.a.basis, 9 * joint), vector, step);
}

}  // namespace

#include "capture/solve/lane_copies.inl"
#include "capture/solve/lane_markers.inl"
#include "capture/solve/lane_feet.inl"
#include "capture/solve/lane_habit.inl"
#include "capture/solve/lane_motion.inl"
#include "capture/solve/lane_hands.inl"
#include "capture/solve/lane_tree.inl"

namespace {

// Lanes whose markers are all where they were expected.
Mask isCalm(const Work& w) {
  V furthest = all(0.0);
  for (std::size_t m = 0; m < w.shape.markers; ++m) furthest = larger(furthest, *at(w.a.squared_distance, m));
  return furthest < all(w.settings.squared_radius);
}

// Lanes whose solution is a step so small that another one would change nothing that matters: how far the markers of
// a turned joint are from the straight way that it took them.
Mask isSmall(const Work& w) {
  constexpr double kBend = 4.5e-4, kSmallShift = 0.01;  // Metres.
  Mask small = all(0.0) < all(1.0);
  for (std::size_t i = 0; i < w.shape.freedoms; i += 3) {
    const std::size_t joint = static_cast<std::size_t>(w.shape.freedom_joint[i]);
    const bool is_shift = i != w.freedom(joint);
    const V* step = at(w.a.gradient, i);
    const V squared = dot3(step, step);
    small &= is_shift ? squared < all(kSmallShift * kSmallShift) : squared * *at(w.a.lever, joint) < all(2.0 * kBend);
  }
  return small;
}

// Moves the candidate by the solution, in the lanes that still iterate.
void applyStep(const Work& w, Mask active) {
  const LaneArrays& a = w.a;
  for (std::size_t j = 0; j < w.shape.joints; ++j) {
    const std::size_t count = w.freedoms(j);
    if (count == 0) continue;
    V step[6];
    for (std::size_t k = 0; k < count; ++k) step[k] = active ? *at(a.gradient, w.freedom(j) + k) : all(0.0);
    limitLength(step, kLargestStep);
    V* rotation = at(a.candidate_rotation, 4 * j);
    V moved[4];
    turnFreedoms(w, j, rotation, step, moved);
    for (std::size_t k = 0; k < 4; ++k) rotation[k] = active ? moved[k] : rotation[k];
    for (std::size_t k = 3; k < count; ++k) at(a.candidate_translation, 3 * j)[k - 3] += step[k];
  }
}

// Steps that each lane needs.
V countIterations(const Work& w) {
  Mask back = all(0.0) > all(1.0);
  for (std::size_t m = 0; m < w.shape.markers; ++m) {
    back |= (*at(w.a.seen, m) > all(0.0)) & (*at(w.a.unseen, m) > all(kLongHidden));
  }
  const V usual = all(static_cast<double>(w.settings.iterations));
  return back ? usual + all(static_cast<double>(kReturnIterations)) : usual;
}

void zeroSums(const Work& w) {
  V* moments = lanes(w.a.moments);
  V* forces = lanes(w.a.forces);
  for (std::size_t i = 0; i < 21 * w.shape.joints; ++i) moments[i] = all(0.0);
  for (std::size_t i = 0; i < 6 * w.shape.joints; ++i) forces[i] = all(0.0);
}

void iterate(const Work& w) {
  const LaneArrays& a = w.a;
  V counts = countIterations(w);
  for (int i = 0;; ++i) {
    const V done = all(static_cast<double>(i));
    const Mask active = done < counts;
    if (!any(active)) break;
    Mask last = done + all(1.0) == counts;
    chain(w, a.candidate_rotation, a.candidate_translation);
    compare(w, a.candidate_translation);
    placeFeet(w);
    placeHands(w);
    if (i == 0) {
      updateSurprise(w);
      updateFingerSurprise(w);
    }
    fillAxes(w, active);
    zeroSums(w);
    const Mask calm = isCalm(w);
    const V squared_radius = all(w.settings.squared_radius);
    const Trust trust{.squared_radius = last | calm ? squared_radius : all(4.0) * squared_radius,
                      .hidden_share = last | calm ? all(0.09) : all(9.0)};
    eliminateTree(w, trust, i == 0, active);
    findSteps(w);
    const Mask hands_small = solveHands(w);
    if (i == 0) {
      counts = calm & isSmall(w) & hands_small ? all(1.0) : counts;
      last = counts == all(1.0);
    }
    if (w.shape.hands > 0 && any(last)) {
      findCovariances(w);
      findHandCovariance(w, last);
    }
    applyStep(w, active);
    stepHands(w, active);
  }
  findInformation(w);
  if (w.shape.hands == 0) findCovariances(w);
}

void solveAll(const LaneShape& shape, const LaneSettings& settings, const LaneArrays& arrays) {
  const Work w{shape, settings, arrays};
  predict(w);
  invertCovariances(w);
  predictHands(w);
  for (std::size_t i = 0; i < 4 * shape.joints; ++i) lanes(arrays.candidate_rotation)[i] = lanes(arrays.predicted_rotation)[i];
  for (std::size_t i = 0; i < 3 * shape.joints; ++i) lanes(arrays.candidate_translation)[i] = lanes(arrays.predicted_translation)[i];
  judgeFeet(w);
  iterate(w);
  filter(w);
  chain(w, arrays.candidate_rotation, arrays.candidate_translation);
  plantFeet(w);
  compare(w, arrays.candidate_translation);
  placeHands(w);
  keepHands(w);
  followFeet(w);
  const V mean_square = updateBias(w);
  *at(arrays.rms, 0) = squareRoot(mean_square);
  V& misfit = *at(arrays.misfit, 0);
  misfit += smaller(all(1.0), *at(arrays.seconds, 0) / all(settings.misfit_time)) * (mean_square - misfit);
  keepPose(w);
  learnHabits(w);
}

}  // namespace
