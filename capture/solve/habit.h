#pragma once

#include <glm/glm.hpp>
#include <glm/gtc/quaternion.hpp>

#include "capture/solve/solve_subject.h"

// How a performer holds and moves each joint of late: mean and variance of the angles about its
// anatomical axes and the mean square of their speeds, learnt while markers show the joint. What no
// marker shows is believed to go on like that: a damped motion towards the mean whose statistics
// are the habit's (the process with Matern's covariance of order 3/2; Hartikainen and Sarkka,
// "Kalman filtering and smoothing solutions to temporal Gaussian process regression models", 2010).

namespace understudy::solve {

/// Speed is spread times this where nothing was learnt, 1/s.
inline constexpr double kUsualTempo = 2.0;

/// Share of a freedom that is hidden, by what markers told of it in the newest frame, 0..1.
inline double hiddenShare(double observed) {
  const double share = (kShownAbove - observed) / (kShownAbove - kHiddenBelow);
  return share < 0.0 ? 0.0 : share > 1.0 ? 1.0 : share;
}

/// Gives a state the habits of people at large: means at rest, spreads as usual for the part that
/// a joint plays.
void fillHabits(const subject::Subject& subject, const SolveModel& model, SolveState& state);

/// Angles of a ball joint about its freedoms' axes: flexion, twist, abduction as
/// subject::anatomicalAngles has them. `steady` is false near half a turn of swing, where the twist
/// says nothing.
struct JointAngles {
  glm::dvec3 angles{0.0};
  double twist_sine = 0.0, twist_cosine = 1.0;
  bool steady = true;
};

JointAngles anglesOf(const SolveModel& model, std::size_t joint, const glm::dquat& rotation);

/// The turn about the joint's own axes that changes its angles by so much, and the other way round;
/// first order.
glm::dvec3 turnFromAngles(const JointAngles& at, const glm::dvec3& change);
glm::dvec3 anglesFromTurn(const JointAngles& at, const glm::dvec3& turn);

/// A hidden freedom's way through a time: how its angle and speed go on, and the variances.
struct HabitStep {
  double keeps_place, place_from_speed, speed_from_place, keeps_speed;
};

HabitStep habitStep(double variance, double speed, double seconds);

/// Variance of a hidden freedom's place after that step.
double habitVariance(const SolveState& state, std::size_t freedom, const HabitStep& step);

}  // namespace understudy::solve
