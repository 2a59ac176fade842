#include "capture/solve/coupling.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "capture/solve/habit.h"
#include "capture/solve/solve_subject.h"

namespace understudy::solve {
namespace {

using anim::HumanoidJoint;

constexpr std::size_t kTold = JointCoupling::kTold;
constexpr double kShortest = 0.25;       // Seconds that a habit is learnt from at least.
constexpr double kMostExamples = 200.0;  // A joint's memory,
constexpr double kFewExamples = 10.0;    // and what is too little to go by.
// What is hidden is suggested anew in every so many frames; in between it goes on.
constexpr std::uint64_t kSuggestTurns = 4;
constexpr double kLeastShare = 0.1;  // Of a suggestion that is believed.
constexpr double kRidge = 0.1;       // Radians: what tells little suggests little.

// Parts from the trunk outwards, and which of the two others tell of each.
struct Part {
  HumanoidJoint joint, first, second;
};

constexpr Part kArm[] = {
    {HumanoidJoint::left_shoulder, HumanoidJoint::left_upper_arm, HumanoidJoint::left_lower_arm},
    {HumanoidJoint::left_upper_arm, HumanoidJoint::left_lower_arm, HumanoidJoint::left_shoulder},
    {HumanoidJoint::left_lower_arm, HumanoidJoint::left_upper_arm, HumanoidJoint::left_hand},
    {HumanoidJoint::left_hand, HumanoidJoint::left_lower_arm, HumanoidJoint::left_upper_arm}};
constexpr Part kLeg[] = {
    {HumanoidJoint::left_upper_leg, HumanoidJoint::left_lower_leg, HumanoidJoint::left_foot},
    {HumanoidJoint::left_lower_leg, HumanoidJoint::left_upper_leg, HumanoidJoint::left_foot},
    {HumanoidJoint::left_foot, HumanoidJoint::left_lower_leg, HumanoidJoint::left_upper_leg},
    {HumanoidJoint::left_toes, HumanoidJoint::left_foot, HumanoidJoint::left_lower_leg}};

constexpr int kArmToRight = static_cast<int>(HumanoidJoint::right_shoulder) -
                            static_cast<int>(HumanoidJoint::left_shoulder);
constexpr int kLegToRight = static_cast<int>(HumanoidJoint::right_upper_leg) -
                            static_cast<int>(HumanoidJoint::left_upper_leg);

HumanoidJoint shifted(HumanoidJoint part, int by) {
  return static_cast<HumanoidJoint>(static_cast<int>(part) + by);
}

// Of the angles of one joint, from the pose as it was solved.
struct Angles {
  JointAngles at;
  glm::dvec3 rate{0.0};
  std::array<bool, 3> shown{};
};

Angles measure(const SolveModel& model, const SolveState& state, std::size_t joint) {
  const std::size_t first = static_cast<std::size_t>(model.joint_freedom[joint]);
  Angles result{.at = anglesOf(model, joint, state.parent_from_joint[joint].rotation)};
  const double* velocity = &state.velocity[first];
  result.rate = anglesFromTurn(result.at, {velocity[0], velocity[1], velocity[2]});
  for (std::size_t k = 0; k < 3; ++k) result.shown[k] = state.observed[first + k] > kShownAbove;
  return result;
}

// What tells of a joint: angles and their rates.
struct Telling {
  std::array<double, kTold> angle, rate;
  bool steady = true, shown = true;
};

Telling tellingOf(const Angles& first, const Angles& second) {
  Telling result;
  const Angles* from[] = {&first, &second};
  for (std::size_t i = 0; i < kTold; ++i) {
    const Angles& angles = *from[i / 3];
    const auto k = static_cast<glm::length_t>(i % 3);
    result.angle[i] = angles.at.angles[k];
    result.rate[i] = angles.rate[k];
    result.shown = result.shown && angles.shown[i % 3];
    result.steady = result.steady && angles.at.steady;
  }
  return result;
}

// Examples that the best known of its angles was learnt from.
double mostExamples(const JointCoupling& c) {
  return std::max(c.count[0], std::max(c.count[1], c.count[2]));
}

// Cholesky's factors of the covariance and a ridge; then each own angle's slopes, which are the
// usual ones as far as nothing else was learnt.
void solveSlopes(JointCoupling& c) {
  const double ridge = kRidge * kRidge * (1.0 + kFewExamples / std::max(mostExamples(c), 1.0));
  std::array<double, kTold* kTold> l = c.square;
  for (std::size_t a = 0; a < kTold; ++a) {
    l[a * kTold + a] += ridge;
    for (std::size_t b = 0; b <= a; ++b) {
      double sum = l[a * kTold + b];
      for (std::size_t k = 0; k < b; ++k) sum -= l[a * kTold + k] * l[b * kTold + k];
      l[a * kTold + b] = a == b ? std::sqrt(std::max(sum, 0.5 * ridge)) : sum / l[b * kTold + b];
    }
  }
  for (std::size_t k = 0; k < 3; ++k) {
    std::array<double, kTold>& x = c.slope[k];
    for (std::size_t a = 0; a < kTold; ++a) x[a] = c.with[k][a] + ridge * c.usual[k][a];
    for (std::size_t a = 0; a < kTold; ++a) {
      for (std::size_t i = 0; i < a; ++i) x[a] -= l[a * kTold + i] * x[i];
      x[a] /= l[a * kTold + a];
    }
    for (std::size_t a = kTold; a-- > 0;) {
      for (std::size_t i = a + 1; i < kTold; ++i) x[a] -= l[i * kTold + a] * x[i];
      x[a] /= l[a * kTold + a];
    }
  }
}

// How the joint goes with the others. What is not shown has no part in it.
void learnSlopes(const Angles& own, const Telling& told, JointCoupling& c) {
  if (!told.shown || !(own.shown[0] || own.shown[1] || own.shown[2])) return;
  const double rate = 1.0 / std::min(mostExamples(c) + 1.0, kMostExamples);
  std::array<double, kTold> off;
  for (std::size_t a = 0; a < kTold; ++a) {
    off[a] = told.angle[a] - c.mean[a];
    c.mean[a] += rate * off[a];
    for (std::size_t b = 0; b <= a; ++b) {
      double& kept = c.square[a * kTold + b];
      kept += rate * ((1.0 - rate) * off[a] * off[b] - kept);
    }
  }
  for (std::size_t k = 0; k < 3; ++k) {
    if (!own.shown[k]) continue;
    c.count[k] = std::min(c.count[k] + 1.0, kMostExamples);
    const double own_rate = 1.0 / c.count[k];
    const double own_off = own.at.angles[static_cast<glm::length_t>(k)] - c.own_mean[k];
    c.own_mean[k] += own_rate * own_off;
    for (std::size_t a = 0; a < kTold; ++a) {
      c.with[k][a] += own_rate * ((1.0 - own_rate) * off[a] * own_off - c.with[k][a]);
    }
  }
}

void suggest(const JointCoupling& c, const Telling& told, std::size_t first, SolveState& state) {
  for (std::size_t k = 0; k < 3; ++k) {
    double angle = 0.0, rate = 0.0;
    for (std::size_t a = 0; a < kTold; ++a) {
      angle += c.slope[k][a] * (told.angle[a] - c.mean[a]);
      rate += c.slope[k][a] * told.rate[a];
    }
    angle *= c.share[k];
    rate *= c.share[k];
    state.suggested[first + k] = angle;
    state.suggested_speed[first + k] = rate;
  }
}

// How far suggestions may be believed: what they were, before the example was learnt, on what the
// angle then was.
void judgeSuggestions(const Angles& own, const SolveState& state, std::size_t first,
                      JointCoupling& c) {
  for (std::size_t k = 0; k < 3; ++k) {
    const std::size_t f = first + k;
    if (!own.shown[k] || c.count[k] < 1.0) continue;
    const double suggested = state.suggested[f] / std::max(c.share[k], kLeastShare);
    const double was = own.at.angles[static_cast<glm::length_t>(k)] - state.habit_mean[f];
    const double rate = 1.0 / std::min(c.count[k] + 1.0, kMostExamples);
    c.agreement[k] += rate * (suggested * was - c.agreement[k]);
    c.power[k] += rate * (suggested * suggested - c.power[k]);
    c.share[k] = std::clamp(c.agreement[k] / std::max(c.power[k], 1e-9), kLeastShare, 1.0);
  }
}

// The performer's habit about what the others suggest.
void learnHabit(const Angles& own, std::size_t first, double rate, SolveState& state) {
  for (std::size_t k = 0; k < 3; ++k) {
    const std::size_t f = first + k;
    if (!own.shown[k]) continue;
    const auto axis = static_cast<glm::length_t>(k);
    const double off = own.at.angles[axis] - state.suggested[f] - state.habit_mean[f];
    const double speed = own.rate[axis] - state.suggested_speed[f];
    state.habit_mean[f] += rate * off;
    state.habit_variance[f] += rate * ((1.0 - rate) * off * off - state.habit_variance[f]);
    state.habit_speed[f] += rate * (speed * speed - state.habit_speed[f]);
  }
}

bool isHidden(const SolveState& state, std::size_t first) {
  return state.observed[first] < kShownAbove || state.observed[first + 1] < kShownAbove ||
         state.observed[first + 2] < kShownAbove;
}

}  // namespace

std::vector<JointCoupling> makeCouplings(const subject::Subject& subject, const SolveModel& model) {
  // Inman and his colleagues: of 180 degrees of the lifted arm the collar bone has some 36, the
  // most of them in the first 90. The upper arm's angle is about the collar bone's own.
  constexpr double kWithArm = 0.2;
  std::vector<bool> marked(model.joints(), false);
  for (const subject::SubjectMarker& marker : subject.markers)
    marked[static_cast<std::size_t>(marker.joint)] = true;
  std::vector<JointCoupling> result;
  const auto addLimb = [&](std::span<const Part> limb, int by) {
    const auto jointOf = [&](HumanoidJoint part) {
      const int joint = subject.humanoid[shifted(part, by)];
      const bool sound = joint >= 0 && marked[static_cast<std::size_t>(joint)] &&
                         model.joint_freedoms[static_cast<std::size_t>(joint)] == 3;
      return sound ? joint : -1;
    };
    for (const Part& part : limb) {
      const int joint = jointOf(part.joint), first = jointOf(part.first),
                second = jointOf(part.second);
      if (joint < 0 || first < 0 || second < 0) continue;
      JointCoupling& coupling = result.emplace_back();
      coupling.joint = static_cast<std::size_t>(joint);
      coupling.told_by = {static_cast<std::size_t>(first), static_cast<std::size_t>(second)};
      coupling.turn = result.size() % kCouplingTurns;
      if (part.joint == HumanoidJoint::left_shoulder)
        coupling.usual[0][2] = by == 0 ? kWithArm : -kWithArm;
      coupling.slope = coupling.usual;
    }
  };
  addLimb(kArm, 0);
  addLimb(kLeg, 0);
  addLimb(kArm, kArmToRight);
  addLimb(kLeg, kLegToRight);
  return result;
}

void coupleJoints(const SolveModel& model, double seconds, double memory, SolveState& state) {
  const std::size_t turn = static_cast<std::size_t>(state.sequence % kCouplingTurns);
  const double known = std::clamp(state.tracked_seconds, kShortest, memory);
  const double rate = std::min(1.0, static_cast<double>(kCouplingTurns) * seconds / known);
  for (JointCoupling& c : state.couplings) {
    const std::size_t first = static_cast<std::size_t>(model.joint_freedom[c.joint]);
    const bool learns = c.turn == turn;
    if (!learns && !isHidden(state, first)) continue;
    if (!learns && (state.sequence + c.turn) % kSuggestTurns != 0) {
      for (std::size_t k = 0; k < 3; ++k) {
        state.suggested[first + k] += seconds * state.suggested_speed[first + k];
      }
      continue;
    }
    const Telling told =
        tellingOf(measure(model, state, c.told_by[0]), measure(model, state, c.told_by[1]));
    if (!told.steady) {
      for (std::size_t k = 0; k < 3; ++k) state.suggested_speed[first + k] = 0.0;
      continue;
    }
    suggest(c, told, first, state);
    if (!learns) continue;
    const Angles own = measure(model, state, c.joint);
    if (!own.at.steady) continue;
    judgeSuggestions(own, state, first, c);
    learnHabit(own, first, rate, state);
    learnSlopes(own, told, c);
    solveSlopes(c);
  }
}

}  // namespace understudy::solve
