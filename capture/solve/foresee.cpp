#include "capture/solve/foresee.h"

#include <algorithm>
#include <cmath>

#include "capture/solve/solve_steps.h"
#include "engine/math/exponential.h"

namespace understudy::solve {
namespace {

constexpr std::size_t kLags = kForesightLags.size();
constexpr std::size_t kLongest = kForesightLags.back();
constexpr std::size_t kFewestFrames = 60;  // In a row, before weights are believed.
constexpr std::uint64_t kSolveEvery = 8;   // Frames.
constexpr std::size_t kLearnEvery = 3;     // Frames, per number.
constexpr float kLeastSquare = 1e-8f;      // Square metres, of a stated error.
constexpr float kRise = 1.2f;              // Stated errors rise so much faster than they fall.

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

using F = float __attribute__((vector_size(16), may_alias));

F all(double value) {
  const float v = static_cast<float>(value);
  return F{v, v, v, v};
}

// Rows of rings: rotations are one vector per joint, places three numbers per joint and then
// nothing.
std::size_t placeVectors(const SolveModel& model) { return (3 * model.joints() + 3) / 4; }

const F* turnsAt(const ForeseeSubject& job, std::uint64_t sequence) {
  const std::size_t row = (sequence % ForesightState::kFrames) * job.model.joints();
  return reinterpret_cast<const F*>(&job.state.turn[row]);
}

F* placesAt(const ForeseeSubject& job, std::vector<ForesightVector>& ring, std::uint64_t sequence) {
  const std::size_t row = (sequence % ForesightState::kFrames) * placeVectors(job.model);
  return reinterpret_cast<F*>(&ring[row]);
}

float* numbersAt(const ForeseeSubject& job, std::vector<ForesightVector>& ring,
                 std::uint64_t sequence) {
  return ring[(sequence % ForesightState::kFrames) * placeVectors(job.model)].of;
}

glm::dvec3& rootAt(ForesightRoots& ring, std::uint64_t sequence) {
  return ring[sequence % ForesightState::kFrames];
}

// The newest frame's pose and places into the rings. Quaternions keep the sign of those before.
void remember(const ForeseeSubject& job) {
  ForesightState& s = job.state;
  const std::uint64_t now = job.solved.sequence;
  s.frames = now == s.sequence + 1 ? s.frames + 1 : 1;
  const std::size_t joints = job.model.joints();
  ForesightVector* turn = &s.turn[(now % ForesightState::kFrames) * joints];
  const ForesightVector* before = &s.turn[(s.sequence % ForesightState::kFrames) * joints];
  float* place = numbersAt(job, s.place, now);
  for (std::size_t j = 0; j < joints; ++j) {
    const glm::dquat& q = job.solved.parent_from_joint[j].rotation;
    const float x = static_cast<float>(q.x), y = static_cast<float>(q.y);
    const float z = static_cast<float>(q.z), w = static_cast<float>(q.w);
    const float* of = before[j].of;
    const float sign = (of[0] * x + of[1] * y) + (of[2] * z + of[3] * w) < 0.0f ? -1.0f : 1.0f;
    turn[j] = {{sign * x, sign * y, sign * z, sign * w}};
    const glm::vec3 about_root(job.solved.place[j] - job.solved.place[s.root_joint]);
    for (int k = 0; k < 3; ++k) place[3 * j + static_cast<std::size_t>(k)] = about_root[k];
  }
  rootAt(s.root_place, now) = job.solved.parent_from_joint[s.root_joint].translation;
  s.sequence = now;
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

// Adds what a part of the joints, another one in each frame, showed: neighbours in time tell alike.
void addTurnExamples(const ForeseeSubject& job, const Horizon& horizon) {
  ForesightState& s = job.state;
  const std::uint64_t now = s.sequence, base = now - horizon.frames;
  const F* here = placesAt(job, s.place, base);
  const F* there = placesAt(job, s.place, now);
  const F* before = placesAt(job, s.place, now - 1);
  const F* past[kLags];
  for (std::size_t i = 0; i < kLags; ++i)
    past[i] = placesAt(job, s.place, base - kForesightLags[i]);
  F square[kLags * (kLags + 1) / 2] = {}, right[kLags] = {};
  const std::size_t vectors = placeVectors(job.model);
  const F share = all(horizon.share);
  for (std::size_t v = now % kLearnEvery; v < vectors; v += kLearnEvery) {
    const F went = before[v] + share * (there[v] - before[v]) - here[v];
    F known[kLags];
#pragma GCC unroll 8
    for (std::size_t a = 0; a < kLags; ++a) {
      known[a] = past[a][v] - here[v];
      right[a] += known[a] * went;
#pragma GCC unroll 8
      for (std::size_t b = 0; b <= a; ++b) square[a * (a + 1) / 2 + b] += known[a] * known[b];
    }
  }
  const auto sum = [](const F& x) {
    return (static_cast<double>(x[0]) + static_cast<double>(x[1])) +
           (static_cast<double>(x[2]) + static_cast<double>(x[3]));
  };
  std::size_t entry = 0;
  for (std::size_t a = 0; a < kLags; ++a) {
    s.turns.right[a] += sum(right[a]);
    for (std::size_t b = 0; b <= a; ++b) s.turns.matrix[a * kLags + b] += sum(square[entry++]);
  }
}

// Where the root went from a frame that lies the horizon back.
glm::dvec3 rootNow(const ForeseeSubject& job, const Horizon& horizon) {
  ForesightRoots& ring = job.state.root_place;
  const glm::dvec3& before = rootAt(ring, job.state.sequence - 1);
  return before + horizon.share * (rootAt(ring, job.state.sequence) - before);
}

// Where things went from a frame that lies the horizon back.
void learn(const ForeseeSubject& job, const Horizon& horizon) {
  ForesightState& s = job.state;
  if (s.frames <= horizon.frames + kLongest) return;
  const std::uint64_t now = s.sequence, base = now - horizon.frames;
  const double kept = std::max(0.0, 1.0 - 1.0 / (job.settings.memory * job.rate_hz));
  forget(s.root, kept);
  forget(s.turns, kept);
  const glm::dvec3& here = rootAt(s.root_place, base);
  glm::dvec3 known[kLags];
  for (std::size_t i = 0; i < kLags; ++i)
    known[i] = rootAt(s.root_place, base - kForesightLags[i]) - here;
  addExample(known, rootNow(job, horizon) - here, s.root);
  addTurnExamples(job, horizon);
  if (now % kSolveEvery == 0) solveWeights(s.root);
  if (now % kSolveEvery == kSolveEvery / 2) solveWeights(s.turns);
}

// What the predictions made the horizon ago were off.
void measureErrors(const ForeseeSubject& job, const Horizon& horizon) {
  ForesightState& s = job.state;
  if (s.frames <= kFewestFrames + horizon.frames) return;
  const std::uint64_t now = s.sequence, base = now - horizon.frames;
  const float* foreseen = numbersAt(job, s.foreseen, base);
  const float* steady = numbersAt(job, s.foreseen_steady, base);
  const float* there = numbersAt(job, s.place, now);
  const float* before = numbersAt(job, s.place, now - 1);
  const glm::dvec3 root = rootNow(job, horizon);
  const glm::vec3 root_off(rootAt(s.foreseen_root, base) - root),
      root_steady_off(rootAt(s.steady_root, base) - root);
  // At first all errors so far count alike.
  const double count = static_cast<double>(s.frames - kFewestFrames - horizon.frames);
  const double often = std::min(count + 1.0, job.settings.error_time * job.rate_hz);
  const float rate = static_cast<float>(std::min(1.0, 1.0 / often));
  const float share = static_cast<float>(horizon.share);
  float sum = 0.0f, steady_sum = 0.0f;
  const bool used = s.error <= s.steady_error;
  for (std::size_t j = 0; j < job.model.joints(); ++j) {
    float square = 0.0f, steady_square = 0.0f;
    for (int k = 0; k < 3; ++k) {
      const std::size_t i = 3 * j + static_cast<std::size_t>(k);
      const float went = before[i] + share * (there[i] - before[i]);
      const float off = (foreseen[i] - went) + root_off[k];
      const float steady_off = (steady[i] - went) + root_steady_off[k];
      square += off * off;
      steady_square += steady_off * steady_off;
    }
    sum += square;
    steady_sum += steady_square;
    const float axis_square = (used ? square : steady_square) * (1.0f / 3.0f);
    // Errors come in bursts: they rise at once and fall slowly.
    float& kept = s.square_error[j];
    kept += (axis_square > kept ? std::min(1.0f, kRise * rate) : rate) * (axis_square - kept);
  }
  const double slow = 0.25 * static_cast<double>(rate);
  s.error += slow * (static_cast<double>(sum) - s.error);
  s.steady_error += slow * (static_cast<double>(steady_sum) - s.steady_error);
}

// Where joints will be: by the weights, and going on as from the frame before.
void foreseePlaces(const ForeseeSubject& job, double frames_ahead) {
  ForesightState& s = job.state;
  const glm::dvec3& root = rootAt(s.root_place, s.sequence);
  glm::dvec3 root_ahead = root;
  const F* past[kLags];
  F weight[kLags];
  for (std::size_t i = 0; i < kLags; ++i) {
    const std::uint64_t then = s.sequence - kForesightLags[i];
    root_ahead += s.root.weight[i] * (rootAt(s.root_place, then) - root);
    past[i] = placesAt(job, s.place, then);
    weight[i] = all(s.turns.weight[i]);
  }
  rootAt(s.foreseen_root, s.sequence) = root_ahead;
  rootAt(s.steady_root, s.sequence) =
      root + frames_ahead * (root - rootAt(s.root_place, s.sequence - 1));
  const F* now = placesAt(job, s.place, s.sequence);
  const F* just = placesAt(job, s.place, s.sequence - 1);
  F* foreseen = placesAt(job, s.foreseen, s.sequence);
  F* steady = placesAt(job, s.foreseen_steady, s.sequence);
  const F ahead = all(frames_ahead);
  for (std::size_t v = 0; v < placeVectors(job.model); ++v) {
    F sum = now[v];
    for (std::size_t i = 0; i < kLags; ++i) sum += weight[i] * (past[i][v] - now[v]);
    foreseen[v] = sum;
    steady[v] = now[v] + ahead * (now[v] - just[v]);
  }
}

// The vector of the turn from one rotation to another that is no unit but near it.
glm::dvec3 vectorBetween(const F& from, const F& to) {
  const glm::dvec3 a(static_cast<double>(from[0]), static_cast<double>(from[1]),
                     static_cast<double>(from[2]));
  const glm::dvec3 b(static_cast<double>(to[0]), static_cast<double>(to[1]),
                     static_cast<double>(to[2]));
  const double aw = static_cast<double>(from[3]), bw = static_cast<double>(to[3]);
  const double scale = 1.0 / std::sqrt(glm::dot(b, b) + bw * bw);
  const glm::dvec3 sine = scale * (aw * b - bw * a + glm::cross(a, b));
  const double cosine = scale * (aw * bw + glm::dot(a, b)), square = glm::dot(sine, sine);
  if (square > 0.05 || cosine < 0.0) {
    return math::vectorFromRotation(glm::dquat(cosine, sine.x, sine.y, sine.z));
  }
  // The arc sine's series.
  return sine * (2.0 + square * (1.0 / 3.0 + square * (0.15 + square * (5.0 / 56.0))));
}

// Velocities that lead from the newest pose to the one ahead by the weights. Quaternions of frames
// so near to each other add like vectors.
void publishVelocities(const ForeseeSubject& job) {
  ForesightState& s = job.state;
  const double rate = 1.0 / job.settings.seconds;
  const F* now = turnsAt(job, s.sequence);
  const F* past[kLags];
  F weight[kLags];
  for (std::size_t i = 0; i < kLags; ++i) {
    past[i] = turnsAt(job, s.sequence - kForesightLags[i]);
    weight[i] = all(s.turns.weight[i]);
  }
  const auto publish = [&](std::size_t j) {
    F ahead = now[j];
    for (std::size_t i = 0; i < kLags; ++i) ahead += weight[i] * (past[i][j] - now[j]);
    job.pose.angular_velocity[j] = glm::vec3(rate * vectorBetween(now[j], ahead));
  };
  forEachMovingJoint(job.model, [&](std::size_t j, std::size_t) { publish(j); });
  for (const HandModel& hand : job.model.hands) {
    for (const std::int32_t j : hand.joints) publish(static_cast<std::size_t>(j));
  }
  const glm::dvec3 moved = rootAt(s.foreseen_root, s.sequence) - rootAt(s.root_place, s.sequence);
  job.pose.velocity[s.root_joint] = glm::vec3(rate * moved);
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
  const std::size_t places = ForesightState::kFrames * placeVectors(model);
  state.turn.resize(ForesightState::kFrames * model.joints());
  state.place.resize(places);
  state.foreseen.resize(places);
  state.foreseen_steady.resize(places);
  constexpr float kAtFirst = 1e-4f;  // Square metres.
  state.square_error.assign(model.joints(), kAtFirst);
  forEachMovingJoint(model, [&](std::size_t joint, std::size_t) {
    if (model.joint_freedoms[joint] == 6 && state.root_joint == 0) state.root_joint = joint;
  });
  return state;
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
    if (state.error <= state.steady_error) publishVelocities(*this);
  }
  for (std::size_t j = 0; j < model.joints(); ++j) {
    pose.foreseen_sigma[j] = std::sqrt(std::max(state.square_error[j], kLeastSquare));
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
