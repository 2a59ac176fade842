#include "capture/solve/habit.h"

#include <algorithm>
#include <cmath>

#include "capture/subject/anatomy.h"
#include "engine/math/elementary.h"
#include "engine/math/exponential.h"

namespace understudy::solve {
namespace {

using anim::HumanoidJoint;

// Standard deviations about flexion, twist and abduction, degrees: about a quarter of the ranges of
// motion (anatomy.h) where these are wide, and what toes, collar bones and knees hardly do.
struct Spread {
  HumanoidJoint first, last;
  double flexion, twist, abduction;
};

constexpr Spread kSpreads[] = {
    {HumanoidJoint::spine, HumanoidJoint::upper_chest, 8, 4, 4},
    {HumanoidJoint::neck, HumanoidJoint::head, 8, 6, 4},
    {HumanoidJoint::left_shoulder, HumanoidJoint::left_shoulder, 8, 2, 8},
    {HumanoidJoint::left_upper_arm, HumanoidJoint::left_upper_arm, 40, 25, 40},
    {HumanoidJoint::left_lower_arm, HumanoidJoint::left_lower_arm, 35, 15, 20},
    {HumanoidJoint::left_hand, HumanoidJoint::left_hand, 15, 12, 12},
    {HumanoidJoint::right_shoulder, HumanoidJoint::right_shoulder, 8, 2, 8},
    {HumanoidJoint::right_upper_arm, HumanoidJoint::right_upper_arm, 40, 25, 40},
    {HumanoidJoint::right_lower_arm, HumanoidJoint::right_lower_arm, 35, 15, 20},
    {HumanoidJoint::right_hand, HumanoidJoint::right_hand, 15, 12, 12},
    {HumanoidJoint::left_upper_leg, HumanoidJoint::left_upper_leg, 20, 8, 8},
    {HumanoidJoint::left_lower_leg, HumanoidJoint::left_lower_leg, 20, 3, 3},
    {HumanoidJoint::left_foot, HumanoidJoint::left_foot, 12, 6, 6},
    {HumanoidJoint::left_toes, HumanoidJoint::left_toes, 10, 1.5, 1.5},
    {HumanoidJoint::right_upper_leg, HumanoidJoint::right_upper_leg, 20, 8, 8},
    {HumanoidJoint::right_lower_leg, HumanoidJoint::right_lower_leg, 20, 3, 3},
    {HumanoidJoint::right_foot, HumanoidJoint::right_foot, 12, 6, 6},
    {HumanoidJoint::right_toes, HumanoidJoint::right_toes, 10, 1.5, 1.5}};

constexpr double kStiff = 0.06, kStiffTempo = 12.0;
constexpr double kSteady = 0.04;  // Least squared cosine of half the swing.

glm::dvec3 usualSpread(const subject::Subject& subject, std::size_t joint) {
  constexpr double kWithoutPart = 6.0;
  for (int part = 0; part < anim::kHumanoidJointCount; ++part) {
    if (subject.humanoid.joint[static_cast<std::size_t>(part)] != static_cast<int>(joint)) continue;
    for (const Spread& spread : kSpreads) {
      if (part < static_cast<int>(spread.first) || part > static_cast<int>(spread.last)) continue;
      return subject::kRadiansPerDegree *
             glm::dvec3(spread.flexion, spread.twist, spread.abduction);
    }
  }
  // Bodies whose parts nobody named: anything goes.
  const bool is_body = subject.humanoid[HumanoidJoint::hips] >= 0;
  return glm::dvec3(is_body ? subject::kRadiansPerDegree * kWithoutPart : 0.6);
}

double spreadOf(double variance) { return std::max(variance, kLeastSpread * kLeastSpread); }

double tempoOf(double variance, double speed) {
  return std::clamp(std::sqrt(speed / spreadOf(variance)), kLeastTempo, kMostTempo);
}

}  // namespace

void fillHabits(const subject::Subject& subject, const SolveModel& model, SolveState& state) {
  state.habit_mean.assign(model.freedoms(), 0.0);
  state.habit_variance.assign(model.freedoms(), 1.0);
  state.habit_speed.assign(model.freedoms(), kUsualTempo * kUsualTempo);
  for (std::size_t joint = 0; joint < model.joints(); ++joint) {
    if (model.joint_freedoms[joint] != 3) continue;
    const std::size_t first = static_cast<std::size_t>(model.joint_freedom[joint]);
    const glm::dvec3 spread = usualSpread(subject, joint);
    for (std::size_t k = 0; k < 3; ++k) {
      const double sigma = spread[static_cast<glm::length_t>(k)];
      state.habit_variance[first + k] = sigma * sigma;
      // What hardly turns at all is back soon.
      const double tempo = sigma < kStiff ? kStiffTempo : kUsualTempo;
      state.habit_speed[first + k] = sigma * sigma * tempo * tempo;
    }
  }
}

JointAngles anglesOf(const SolveModel& model, std::size_t joint, const glm::dquat& rotation) {
  const glm::dquat& axes = model.joint_from_freedoms[joint];
  glm::dquat turn =
      glm::conjugate(axes) * (glm::conjugate(model.rest[joint].rotation) * rotation) * axes;
  if (turn.w < 0.0) turn = -turn;
  JointAngles result;
  const double squared = turn.w * turn.w + turn.y * turn.y;
  if (!(squared > kSteady)) {
    result.steady = false;
    return result;
  }
  const double length = std::sqrt(squared);
  const glm::dquat twist(turn.w / length, 0.0, turn.y / length, 0.0);
  const glm::dvec3 swing = math::vectorFromRotation(turn * glm::conjugate(twist));
  result.angles = {swing.x, math::vectorFromRotation(twist).y, swing.z};
  result.twist_cosine = twist.w * twist.w - twist.y * twist.y;
  result.twist_sine = 2.0 * twist.w * twist.y;
  return result;
}

glm::dvec3 turnFromAngles(const JointAngles& at, const glm::dvec3& change) {
  return {at.twist_cosine * change.x - at.twist_sine * change.z, change.y,
          at.twist_sine * change.x + at.twist_cosine * change.z};
}

glm::dvec3 anglesFromTurn(const JointAngles& at, const glm::dvec3& turn) {
  return {at.twist_cosine * turn.x + at.twist_sine * turn.z, turn.y,
          at.twist_cosine * turn.z - at.twist_sine * turn.x};
}

HabitStep habitStep(double variance, double speed, double seconds) {
  const double tempo = tempoOf(variance, speed);
  const double x = tempo * seconds;
  const double fall = 1.0 / (1.0 + x * (1.0 + x / 2.0 * (1.0 + x / 3.0 * (1.0 + x / 4.0))));
  return {.keeps_place = fall * (1.0 + x),
          .place_from_speed = fall * seconds,
          .speed_from_place = -fall * tempo * x,
          .keeps_speed = fall * (1.0 - x)};
}

double habitVariance(const SolveState& state, std::size_t freedom, const HabitStep& step) {
  const double spread = spreadOf(state.habit_variance[freedom]);
  const double tempo = tempoOf(state.habit_variance[freedom], state.habit_speed[freedom]);
  const double usual_speed = tempo * tempo * spread;
  const double place = std::min(state.variance[freedom], spread) - spread;
  const double speed = std::min(state.velocity_variance[freedom], usual_speed) - usual_speed;
  return spread + step.keeps_place * step.keeps_place * place +
         2.0 * step.keeps_place * step.place_from_speed * state.velocity_covariance[freedom] +
         step.place_from_speed * step.place_from_speed * speed;
}

}  // namespace understudy::solve
