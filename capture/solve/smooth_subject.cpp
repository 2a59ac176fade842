#include "capture/solve/smooth_subject.h"

#include <algorithm>
#include <cmath>

#include "capture/solve/fit_hand.h"
#include "capture/solve/habit.h"
#include "capture/solve/lane_kernels.h"
#include "capture/solve/solve_steps.h"

namespace understudy::solve {
namespace {

using math::RigidTransformd;

// What the filter expects of one freedom: how (place, speed) go on, and their covariance.
struct Expectation {
  double transition[4];
  double velocity, place, both, speed;
};

Expectation expectShown(const SmoothSubject& job, std::size_t f, double t) {
  const SolveState& s = job.solved;
  const double hidden = power(job.solve_settings.hidden_damping, t * kReferenceRate);
  const double damping = hidden + s.observed[f] * (1.0 - hidden);
  const double noise = job.settings.unforeseen * s.acceleration_variance[f] * t * t;
  const double speed = s.velocity_variance[f] * damping * damping;
  const double both = s.velocity_covariance[f] * damping;
  return {.transition = {1.0, damping * t, 0.0, damping},
          .velocity = damping * s.velocity[f],
          .place = s.place_variance[f] + 2.0 * t * both + t * t * (speed + 0.25 * noise),
          .both = both + t * (speed + 0.5 * noise),
          .speed = speed + noise};
}

// The same of what follows the performer's habit; `off` is the angle's distance from its mean.
Expectation expectHidden(const SmoothSubject& job, std::size_t f, double off, double t) {
  const SolveState& s = job.solved;
  const HabitStep step = habitStep(s.habit_variance[f], s.habit_speed[f], t);
  const double spread = std::max(s.habit_variance[f], kLeastSpread * kLeastSpread);
  const double tempo = std::clamp(std::sqrt(s.habit_speed[f] / spread), kLeastTempo, kMostTempo);
  const double usual = tempo * tempo * spread;
  const double place = std::min(s.place_variance[f], spread) - spread;
  const double speed = std::min(s.velocity_variance[f], usual) - usual;
  const double both = s.velocity_covariance[f];
  const double a = step.keeps_place, b = step.place_from_speed;
  const double c = step.speed_from_place, d = step.keeps_speed;
  return {.transition = {a, b, c, d},
          .velocity = c * off + d * s.velocity[f] + (1.0 - d) * s.suggested_speed[f],
          .place = spread + a * a * place + 2.0 * a * b * both + b * b * speed,
          .both = a * c * place + (a * d + b * c) * both + b * d * speed,
          .speed = usual + c * c * place + 2.0 * c * d * both + d * d * speed};
}

void blend(double& shown, double hidden, double share) { shown += share * (hidden - shown); }

// What the newest frame leads to expect of the next one.
void expectNext(const SmoothSubject& job, SmootherFrame& frame) {
  const double t = 1.0 / job.rate_hz;
  const SolveState& s = job.solved;
  predictPose(job.model, job.solve_settings, s, t, frame.expected, job.workspace.information);
  forEachMovingJoint(job.model, [&](std::size_t joint, std::size_t first) {
    const std::size_t count = static_cast<std::size_t>(job.model.joint_freedoms[joint]);
    const JointAngles at = count == 3
                               ? anglesOf(job.model, joint, s.parent_from_joint[joint].rotation)
                               : JointAngles{.steady = false};
    for (std::size_t k = 0; k < count; ++k) {
      const std::size_t f = first + k;
      Expectation e = expectShown(job, f, t);
      const double share = at.steady ? hiddenShare(s.observed[f]) : 0.0;
      if (share > 0.0) {
        const double off =
            at.angles[static_cast<glm::length_t>(k)] - (s.habit_mean[f] + s.suggested[f]);
        const Expectation h = expectHidden(job, f, off, t);
        for (std::size_t i = 0; i < 4; ++i) blend(e.transition[i], h.transition[i], share);
        blend(e.velocity, h.velocity, share);
        blend(e.place, h.place, share);
        blend(e.both, h.both, share);
        blend(e.speed, h.speed, share);
      }
      for (std::size_t i = 0; i < 4; ++i) frame.transition[4 * f + i] = e.transition[i];
      frame.expected_velocity[f] = e.velocity;
      frame.expected_place[f] = e.place;
      frame.expected_both[f] = e.both;
      frame.expected_speed[f] = e.speed;
    }
  });
}

void keepFrame(const SmoothSubject& job, SmootherFrame& frame) {
  frame.sequence = job.solved.sequence;
  frame.pose = job.solved.parent_from_joint;
  frame.velocity = job.solved.velocity;
  frame.place = job.solved.place_variance;
  frame.both = job.solved.velocity_covariance;
  frame.speed = job.solved.velocity_variance;
  expectNext(job, frame);
  for (std::size_t h = 0; h < job.model.hands.size(); ++h) {
    keepHand(job.model.hands[h], job.solved.hands[h], job.solved.unseen, 1.0 / job.rate_hz,
             frame.hands[h]);
  }
}

// Takes the smoothed frame after `frame`, in the workspace, one frame back.
void stepBack(const SmoothSubject& job, const SmootherFrame& frame) {
  SmootherWorkspace& w = job.workspace;
  forEachMovingJoint(job.model, [&](std::size_t joint, std::size_t first) {
    double off[6] = {}, step[6] = {};
    stepBetween(job.model, joint, frame.expected[joint], w.pose[joint], off);
    const std::size_t count = static_cast<std::size_t>(job.model.joint_freedoms[joint]);
    for (std::size_t k = 0; k < count; ++k) {
      const std::size_t f = first + k;
      const double faster = w.velocity[f] - frame.expected_velocity[f];
      const double* t = &frame.transition[4 * f];
      // P F^T, then times the inverse of what was expected.
      const double p00 = frame.place[f] * t[0] + frame.both[f] * t[1];
      const double p01 = frame.place[f] * t[2] + frame.both[f] * t[3];
      const double p10 = frame.both[f] * t[0] + frame.speed[f] * t[1];
      const double p11 = frame.both[f] * t[2] + frame.speed[f] * t[3];
      const double e00 = frame.expected_place[f], e01 = frame.expected_both[f],
                   e11 = frame.expected_speed[f];
      const double determinant = e00 * e11 - e01 * e01;
      const bool sound = determinant > 1e-9 * e00 * e11;
      const double scale = sound ? 1.0 / determinant : 0.0;
      const double x = (e11 * off[k] - e01 * faster) * scale;
      const double y = (e00 * faster - e01 * off[k]) * scale;
      step[k] = p00 * x + p01 * y;
      w.velocity[f] = frame.velocity[f] + p10 * x + p11 * y;
    }
    w.pose[joint] = frame.pose[joint];
    if (job.state.smooths[joint] == 0) return;
    moveJoint(job.model, joint, step, w.pose[joint]);
  });
  for (std::size_t h = 0; h < job.model.hands.size(); ++h)
    stepHandBack(frame.hands[h], w.coordinate[h]);
}

void turnHands(const SmoothSubject& job) {
  SmootherWorkspace& w = job.workspace;
  for (std::size_t h = 0; h < job.model.hands.size(); ++h) {
    const HandModel& hand = job.model.hands[h];
    turnFingers(hand, w.coordinate[h], w.turns);
    for (std::size_t j = 0; j < w.turns.size(); ++j)
      w.pose[static_cast<std::size_t>(hand.joints[j])].rotation = w.turns[j];
  }
}

}  // namespace

SmootherState makeSmootherState(const subject::Subject& subject, const SolveModel& model,
                                const SmootherSettings& settings) {
  SmootherState state;
  SmootherFrame frame;
  frame.pose.resize(model.joints());
  frame.expected.resize(model.joints());
  for (std::vector<double>* values :
       {&frame.velocity, &frame.place, &frame.both, &frame.speed, &frame.expected_velocity,
        &frame.expected_place, &frame.expected_both, &frame.expected_speed}) {
    values->resize(model.freedoms());
  }
  frame.transition.resize(4 * model.freedoms());
  for (const HandModel& hand : model.hands) frame.hands.push_back(makeSmootherHand(hand));
  state.frames.assign(settings.lag + 1, frame);
  std::vector<std::uint8_t> marked(model.joints(), 0);
  for (const subject::SubjectMarker& marker : subject.markers) {
    marked[static_cast<std::size_t>(marker.joint)] = 1;
  }
  state.smooths.assign(model.joints(), 0);
  for (std::size_t j = 0; j < model.joints(); ++j) {
    std::int32_t above = model.joint_parent[j];
    // Joints that do not turn are one with those above.
    while (above > 0 && model.joint_freedoms[static_cast<std::size_t>(above)] == 0) {
      above = model.joint_parent[static_cast<std::size_t>(above)];
    }
    state.smooths[j] = above < 0 || (marked[j] && marked[static_cast<std::size_t>(above)]) ? 1 : 0;
  }
  return state;
}

SmootherWorkspace makeSmootherWorkspace(const SolveModel& largest) {
  SmootherWorkspace workspace;
  workspace.pose.resize(largest.joints());
  workspace.velocity.resize(largest.freedoms());
  workspace.information.resize(largest.freedoms());
  workspace.coordinate.assign(kMostHands, std::vector<double>(kMostHandCoordinates, 0.0));
  workspace.turns.resize(kHandJoints);
  return workspace;
}

bool SmoothSubject::run(std::uint64_t& sequence,
                        std::vector<math::RigidTransformd>& parent_from_joint) const {
  const std::size_t size = state.frames.size();
  const std::uint64_t now = solved.sequence;
  const bool follows = state.count > 0 && state.frames[(now + size - 1) % size].sequence + 1 == now;
  state.count = !solved.tracked ? 0 : follows || size == 1 ? std::min(state.count + 1, size) : 1;
  if (!solved.tracked) return false;
  keepFrame(*this, state.frames[now % size]);
  if (state.count < size) return false;
  workspace.pose = solved.parent_from_joint;
  workspace.velocity = solved.velocity;
  for (std::size_t h = 0; h < model.hands.size(); ++h)
    workspace.coordinate[h] = solved.hands[h].coordinate;
  for (std::uint64_t back = 1; back < size; ++back) {
    stepBack(*this, state.frames[(now - back) % size]);
  }
  turnHands(*this);
  sequence = now - (size - 1);
  parent_from_joint = workspace.pose;
  return true;
}

}  // namespace understudy::solve
