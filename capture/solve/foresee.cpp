#include "capture/solve/foresee.h"

#include <algorithm>
#include <cmath>

#include "capture/solve/solve_steps.h"
#include "engine/math/exponential.h"

namespace understudy::solve {
namespace {

using math::RigidTransformd;

constexpr std::size_t kLags = kForesightLags.size();
constexpr std::size_t kLongest = kForesightLags.back();
constexpr std::size_t kFewestFrames = 60;  // In a row, before weights are believed.
constexpr std::uint64_t kSolveEvery = 8;   // Frames.
constexpr std::size_t kLearnEvery = 3;     // Frames, per joint.
constexpr double kLeastSquare = 1e-8;      // Square metres, of a stated error.

// Frames ahead: whole ones, and the share of the last one that counts.
struct Horizon {
  std::size_t frames;
  double share;
};

Horizon horizonOf(const ForeseeSubject& job) {
  const double ahead = job.settings.seconds * job.rate_hz;
  const double most = static_cast<double>(ForesightState::kFrames - kLongest - 2);
  const double bounded = std::clamp(ahead, 1.0, most);
  const double whole = std::ceil(bounded);
  return {static_cast<std::size_t>(whole), 1.0 - (whole - bounded)};
}

template <class Value>
Value* rowAt(const ForeseeSubject& job, std::vector<Value>& ring, std::uint64_t sequence) {
  return &ring[(sequence % ForesightState::kFrames) * job.model.joints()];
}

// The newest frame's pose and places into the rings.
void remember(const ForeseeSubject& job) {
  ForesightState& s = job.state;
  const std::uint64_t now = job.solved.sequence;
  s.frames = now == s.sequence + 1 ? s.frames + 1 : 1;
  s.sequence = now;
  worldFromJoints(job.model, job.solved.parent_from_joint, job.workspace.world);
  RigidTransformd* pose = rowAt(job, s.pose, now);
  glm::dvec3* place = rowAt(job, s.place, now);
  for (std::size_t j = 0; j < job.model.joints(); ++j) {
    pose[j] = job.solved.parent_from_joint[j];
    place[j] = job.workspace.world[j].translation;
    if (j > 0) place[j] -= place[0];
  }
}

void forget(ForesightWeights& weights, double share) {
  for (double& value : weights.matrix) value *= share;
  for (double& value : weights.right) value *= share;
}

void addExample(const glm::dvec3* known, const glm::dvec3& went, ForesightWeights& weights) {
  for (std::size_t a = 0; a < kLags; ++a) {
    weights.right[a] += glm::dot(known[a], went);
    for (std::size_t b = 0; b <= a; ++b) {
      weights.matrix[a * kLags + b] += glm::dot(known[a], known[b]);
    }
  }
}

// Cholesky's factors of the lower triangle; a trace's small share keeps what was never moved sound.
void solveWeights(ForesightWeights& weights) {
  std::array<double, kLags* kLags> l = weights.matrix;
  std::array<double, kLags> x = weights.right;
  double trace = 0.0;
  for (std::size_t a = 0; a < kLags; ++a) trace += l[a * kLags + a];
  for (std::size_t a = 0; a < kLags; ++a) {
    l[a * kLags + a] += 1e-6 * trace + 1e-12;
    for (std::size_t b = 0; b <= a; ++b) {
      double sum = l[a * kLags + b];
      for (std::size_t k = 0; k < b; ++k) sum -= l[a * kLags + k] * l[b * kLags + k];
      l[a * kLags + b] = a == b ? std::sqrt(std::max(sum, 1e-18)) : sum / l[b * kLags + b];
    }
  }
  for (std::size_t a = 0; a < kLags; ++a) {
    for (std::size_t k = 0; k < a; ++k) x[a] -= l[a * kLags + k] * x[k];
    x[a] /= l[a * kLags + a];
  }
  for (std::size_t a = kLags; a-- > 0;) {
    for (std::size_t k = a + 1; k < kLags; ++k) x[a] -= l[k * kLags + a] * x[k];
    x[a] /= l[a * kLags + a];
  }
  weights.weight = x;
}

// Where things went from a frame that lies the horizon back.
void learn(const ForeseeSubject& job, const Horizon& horizon) {
  ForesightState& s = job.state;
  if (s.frames <= horizon.frames + kLongest) return;
  const std::uint64_t now = s.sequence, base = now - horizon.frames;
  const glm::dvec3* here = rowAt(job, s.place, base);
  const glm::dvec3* there = rowAt(job, s.place, now);
  const glm::dvec3* before = rowAt(job, s.place, now - 1);
  const double kept = std::max(0.0, 1.0 - 1.0 / (job.settings.memory * job.rate_hz));
  forget(s.root, kept);
  forget(s.turns, kept);
  const glm::dvec3* past[kLags];
  for (std::size_t i = 0; i < kLags; ++i) past[i] = rowAt(job, s.place, base - kForesightLags[i]);
  for (std::size_t j = 0; j < job.model.joints(); ++j) {
    // Joints take turns, for neighbours in time tell alike.
    if (job.model.joint_freedoms[j] == 0 || (j > 0 && (j + now) % kLearnEvery != 0)) continue;
    const glm::dvec3 went = before[j] + horizon.share * (there[j] - before[j]) - here[j];
    glm::dvec3 known[kLags];
    for (std::size_t i = 0; i < kLags; ++i) known[i] = past[i][j] - here[j];
    addExample(known, went, j == 0 ? s.root : s.turns);
  }
  if (now % kSolveEvery != 0) return;
  solveWeights(s.root);
  solveWeights(s.turns);
}

// What the predictions made the horizon ago were off.
void measureErrors(const ForeseeSubject& job, const Horizon& horizon) {
  ForesightState& s = job.state;
  if (s.frames <= kFewestFrames + horizon.frames) return;
  const std::uint64_t now = s.sequence, base = now - horizon.frames;
  const glm::dvec3* foreseen = rowAt(job, s.foreseen, base);
  const glm::dvec3* steady = rowAt(job, s.foreseen_steady, base);
  const glm::dvec3* there = rowAt(job, s.place, now);
  const glm::dvec3* before = rowAt(job, s.place, now - 1);
  const double rate = std::min(1.0, 1.0 / (job.settings.error_time * job.rate_hz));
  double sum = 0.0, steady_sum = 0.0;
  const bool used = s.error <= s.steady_error;
  for (std::size_t j = 0; j < job.model.joints(); ++j) {
    glm::dvec3 went = before[j] + horizon.share * (there[j] - before[j]);
    if (j > 0) went += before[0] + horizon.share * (there[0] - before[0]);
    const glm::dvec3 off = foreseen[j] - went, steady_off = steady[j] - went;
    const double square = glm::dot(off, off), steady_square = glm::dot(steady_off, steady_off);
    sum += square;
    steady_sum += steady_square;
    const double axis_square = (used ? square : steady_square) / 3.0;
    // Errors come in bursts: they rise at once and fall slowly.
    double& kept = s.square_error[j];
    kept += (axis_square > kept ? 1.4 * rate : rate) * (axis_square - kept);
  }
  const double slow = 0.25 * rate;
  s.error += slow * (sum - s.error);
  s.steady_error += slow * (steady_sum - s.steady_error);
}

// Where joints will be: by the weights, and going on as from the frame before.
void foreseePlaces(const ForeseeSubject& job, double frames_ahead) {
  ForesightState& s = job.state;
  const glm::dvec3* now = rowAt(job, s.place, s.sequence);
  const glm::dvec3* just = rowAt(job, s.place, s.sequence - 1);
  const glm::dvec3* past[kLags];
  for (std::size_t i = 0; i < kLags; ++i) {
    past[i] = rowAt(job, s.place, s.sequence - kForesightLags[i]);
  }
  glm::dvec3* foreseen = rowAt(job, s.foreseen, s.sequence);
  glm::dvec3* steady = rowAt(job, s.foreseen_steady, s.sequence);
  for (std::size_t j = 0; j < job.model.joints(); ++j) {
    const std::array<double, kLags>& weight = (j == 0 ? s.root : s.turns).weight;
    glm::dvec3 ahead = now[j];
    for (std::size_t i = 0; i < kLags; ++i) ahead += weight[i] * (past[i][j] - now[j]);
    foreseen[j] = ahead;
    steady[j] = now[j] + frames_ahead * (now[j] - just[j]);
  }
  for (std::size_t j = 1; j < job.model.joints(); ++j) {
    foreseen[j] += foreseen[0];
    steady[j] += steady[0];
  }
}

// The pose ahead by the weights. Quaternions of frames so near to each other add like vectors.
void foreseeByWeights(const ForeseeSubject& job) {
  ForesightState& s = job.state;
  const RigidTransformd* now = rowAt(job, s.pose, s.sequence);
  const RigidTransformd* before[kLags];
  for (std::size_t i = 0; i < kLags; ++i) {
    before[i] = rowAt(job, s.pose, s.sequence - kForesightLags[i]);
  }
  forEachMovingJoint(job.model, [&](std::size_t j, std::size_t) {
    RigidTransformd& ahead = job.workspace.local[j];
    ahead = now[j];
    glm::dquat sum = now[j].rotation;
    for (std::size_t i = 0; i < kLags; ++i) {
      const glm::dquat& then = before[i][j].rotation;
      const double sign = glm::dot(then, now[j].rotation) < 0.0 ? -1.0 : 1.0;
      sum = sum + (then * sign - now[j].rotation) * s.turns.weight[i];
    }
    ahead.rotation = glm::normalize(sum);
    if (job.model.joint_freedoms[j] != 6) return;
    for (std::size_t i = 0; i < kLags; ++i) {
      ahead.translation += s.root.weight[i] * (before[i][j].translation - now[j].translation);
    }
  });
}

// The vector of a rotation that is usually small: the arc sine's series, else exactly.
glm::dvec3 smallVector(const glm::dquat& turn) {
  const glm::dvec3 sine(turn.x, turn.y, turn.z);
  const double square = glm::dot(sine, sine);
  if (square > 0.05 || turn.w < 0.0) return math::vectorFromRotation(turn);
  return sine * (2.0 + square * (1.0 / 3.0 + square * (0.15 + square * (5.0 / 56.0))));
}

// Velocities that lead from the newest pose to the one in the workspace.
void publishVelocities(const ForeseeSubject& job) {
  const double rate = 1.0 / job.settings.seconds;
  for (std::size_t j = 0; j < job.model.joints(); ++j) {
    if (job.model.joint_freedoms[j] == 0) continue;
    const RigidTransformd& from = job.solved.parent_from_joint[j];
    const RigidTransformd& to = job.workspace.local[j];
    job.pose.angular_velocity[j] =
        glm::vec3(rate * smallVector(to.rotation * glm::conjugate(from.rotation)));
    job.pose.velocity[j] = glm::vec3(rate * (to.translation - from.translation));
  }
}

}  // namespace

core::Result<void> check(const ForesightSettings& s) {
  const auto positive = [](double value) { return value > 0.0 && std::isfinite(value); };
  if (!positive(s.seconds) || s.seconds > 0.1) {
    return core::makeError("foresight settings: seconds must be > 0 and <= 0.1");
  }
  if (!positive(s.memory)) return core::makeError("foresight settings: memory must be > 0");
  if (!positive(s.error_time)) return core::makeError("foresight settings: error_time must be > 0");
  return {};
}

ForesightState makeForesightState(const SolveModel& model) {
  ForesightState state;
  const std::size_t entries = ForesightState::kFrames * model.joints();
  state.pose.resize(entries);
  state.place.resize(entries);
  state.foreseen.resize(entries);
  state.foreseen_steady.resize(entries);
  constexpr double kAtFirst = 1e-4;  // Square metres.
  state.square_error.assign(model.joints(), kAtFirst);
  return state;
}

ForesightWorkspace makeForesightWorkspace(const SolveModel& largest) {
  ForesightWorkspace workspace;
  workspace.local.resize(largest.joints());
  workspace.world.resize(largest.joints());
  return workspace;
}

void ForeseeSubject::run() const {
  if (!solved.tracked) {
    state.frames = 0;
    std::fill(pose.foreseen_sigma.begin(), pose.foreseen_sigma.end(), 0.0f);
    return;
  }
  const Horizon horizon = horizonOf(*this);
  remember(*this);
  measureErrors(*this, horizon);
  learn(*this, horizon);
  if (state.frames > kFewestFrames) {
    foreseePlaces(*this, settings.seconds * rate_hz);
    if (state.error <= state.steady_error) {
      foreseeByWeights(*this);
      publishVelocities(*this);
    }
  }
  for (std::size_t j = 0; j < model.joints(); ++j) {
    pose.foreseen_sigma[j] =
        static_cast<float>(std::sqrt(std::max(state.square_error[j], kLeastSquare)));
  }
}

void predictPose(const frame::SkeletonPose& pose, double seconds, double learnt_seconds,
                 std::span<math::RigidTransform> parent_from_joint, std::span<float> sigma) {
  const double share = std::min(std::max(seconds, 0.0) / learnt_seconds, 2.0);
  // An unforeseen acceleration acts with the square of the time; what is off now stays.
  const double growth = share * share * share * share;
  for (std::size_t j = 0; j < parent_from_joint.size(); ++j) {
    const glm::dvec3 turn = glm::dvec3(pose.angular_velocity[j]) * (share * learnt_seconds);
    const math::RigidTransform& now = pose.parent_from_joint[j];
    parent_from_joint[j].rotation = glm::quat(math::rotationFromVector(turn)) * now.rotation;
    parent_from_joint[j].translation =
        now.translation + pose.velocity[j] * static_cast<float>(share * learnt_seconds);
    const glm::dmat3 covariance(pose.covariance[j]);
    const double mean = (covariance[0][0] + covariance[1][1] + covariance[2][2]) / 3.0;
    const double square = static_cast<double>(pose.foreseen_sigma[j]);
    sigma[j] = static_cast<float>(std::sqrt(mean + growth * square * square));
  }
}

}  // namespace understudy::solve
