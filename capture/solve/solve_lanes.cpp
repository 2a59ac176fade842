#include "capture/solve/solve_lanes.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstddef>

#include "capture/solve/hand_lanes.h"
#include "capture/solve/lane_values.h"
#include "capture/solve/solve_steps.h"

namespace understudy::solve {
namespace {

constexpr double kShortestHabit = 0.25;  // Seconds that a habit is learnt from at least.

// A group in one frame. Lanes without a tracked subject read a resting state, and what comes of
// them is discarded.
struct GroupFrame {
  const SolveSubjects& job;
  LaneGroup& group;
  std::array<bool, kSolveLanes> tracked{};
  std::array<const SolveState*, kSolveLanes> from{};
  std::array<SolveState*, kSolveLanes> to{};
  std::array<double, kSolveLanes> seconds{};

  const LaneSubject& subject(std::size_t lane) const { return job.subjects[group.subjects[lane]]; }
  frame::SkeletonPose& pose(std::size_t lane) const { return job.poses[group.subjects[lane]]; }

  // The first numbers of each lane's field.
  template <class Of>
  std::array<const double*, kSolveLanes> sources(const Of& of) const {
    std::array<const double*, kSolveLanes> result;
    for (std::size_t lane = 0; lane < kSolveLanes; ++lane) result[lane] = of(*from[lane]);
    return result;
  }
  template <class Of>
  std::array<double*, kSolveLanes> targets(const Of& of) const {
    std::array<double*, kSolveLanes> result;
    for (std::size_t lane = 0; lane < kSolveLanes; ++lane) result[lane] = of(*to[lane]);
    return result;
  }
};

GroupFrame frameOf(const SolveSubjects& job, LaneGroup& group) {
  GroupFrame f{job, group};
  for (std::size_t lane = 0; lane < kSolveLanes; ++lane) {
    f.tracked[lane] = lane < group.subjects.size() && job.states[group.subjects[lane]].tracked;
    SolveState* own = f.tracked[lane] ? &job.states[group.subjects[lane]] : nullptr;
    f.from[lane] = own != nullptr ? own : &group.resting;
    f.to[lane] = own != nullptr ? own : &group.discarded;
    f.seconds[lane] =
        own != nullptr ? secondsSince(*own, job.stamp.sequence, job.rate_hz) : 1.0 / kReferenceRate;
  }
  return f;
}

// ---- Between states and lanes ----

// Numbers per freedom.
struct FreedomNumbers {
  std::vector<double> SolveState::*of_state;
  LaneValue* LaneArrays::*of_lanes;
};

constexpr FreedomNumbers kChanged[] = {
    {&SolveState::velocity, &LaneArrays::velocity},
    {&SolveState::variance, &LaneArrays::variance},
    {&SolveState::innovation, &LaneArrays::innovation},
    {&SolveState::innovation_energy, &LaneArrays::innovation_energy},
    {&SolveState::place_variance, &LaneArrays::place_variance},
    {&SolveState::velocity_variance, &LaneArrays::velocity_variance},
    {&SolveState::velocity_covariance, &LaneArrays::velocity_covariance},
    {&SolveState::acceleration_variance, &LaneArrays::acceleration_variance},
    {&SolveState::observed, &LaneArrays::observed},
    {&SolveState::habit_mean, &LaneArrays::habit_mean},
    {&SolveState::habit_variance, &LaneArrays::habit_variance},
    {&SolveState::habit_speed, &LaneArrays::habit_speed}};

constexpr FreedomNumbers kOnlyRead[] = {
    {&SolveState::suggested, &LaneArrays::suggested},
    {&SolveState::suggested_speed, &LaneArrays::suggested_speed}};

// Vectors and transforms as the numbers that they consist of.
constexpr std::size_t kTransform = 7, kVector = 3;
static_assert(sizeof(math::RigidTransformd) == kTransform * sizeof(double));
static_assert(sizeof(glm::dvec3) == kVector * sizeof(double));
static_assert(offsetof(math::RigidTransformd, translation) == 4 * sizeof(double));

// Where in a state the numbers begin; States may be const.
template <class State>
auto* rotations(State& s) {
  return &s.parent_from_joint[0].rotation.x;
}
template <class State>
auto* translations(State& s) {
  return &s.parent_from_joint[0].translation.x;
}
template <class State>
auto* turnCovariances(State& s) {
  return &s.turn_covariance[0].x;
}
template <class State>
auto* biases(State& s) {
  return s.bias.empty() ? nullptr : &s.bias[0].x;
}

LaneRows jointRows(const LaneGroup& group, std::size_t width, std::size_t stride) {
  return {.row = group.joint.data(), .count = group.shape.joints, .width = width, .stride = stride};
}

LaneRows oneRow(std::size_t numbers) {
  return {.row = nullptr, .count = 1, .width = numbers, .stride = 0};
}

// What belongs to a subject as a whole, and to its feet.
void readSubject(const GroupFrame& f, std::size_t lane) {
  const LaneArrays& a = f.group.arrays;
  const SolveState& state = *f.from[lane];
  const SolveSettings& settings = *f.subject(0).settings;
  const double seconds = f.seconds[lane];
  for (std::size_t j = 0; j < f.group.shape.joints; ++j) {
    const std::size_t joint = static_cast<std::size_t>(f.group.joint[j]);
    a.measured[j].of[lane] = state.measured[joint];
    a.surprise[j].of[lane] = state.surprise[joint];
  }
  for (std::size_t foot = 0; foot < f.group.shape.feet; ++foot) {
    const FootHold& hold = state.feet[foot];
    put(&a.foot_offset[3 * foot], lane, hold.offset);
    put(&a.foot_mean[3 * foot], lane, hold.mean);
    put(&a.foot_late[3 * foot], lane, hold.late);
    a.foot_seconds[foot].of[lane] = hold.seconds;
  }
  a.misfit->of[lane] = state.misfit;
  a.fitted->of[lane] = state.fitted;
  a.seconds->of[lane] = seconds;
  a.hidden_damping->of[lane] = power(settings.hidden_damping, seconds * kReferenceRate);
  // The doubt about a pose that was just found tells nothing once its velocity is known.
  constexpr double kSettling = 0.15, kSettlingTime = 0.01;
  const double memory = state.tracked_seconds < kSettling ? kSettlingTime : settings.surprise_time;
  a.surprise_fall->of[lane] = std::min(1.0, seconds / memory);
  const double known = std::clamp(state.tracked_seconds, kShortestHabit, settings.habit_time);
  a.habit_rate->of[lane] = std::min(1.0, static_cast<double>(kHabitTurns) * seconds / known);
  a.rest_share->of[lane] = 1.0 / (settings.rest_time * f.job.rate_hz);
}

void readStates(const GroupFrame& f) {
  const LaneArrays& a = f.group.arrays;
  const LaneShape& shape = f.group.shape;
  const auto read = [&](const auto& of, const LaneRows& rows, LaneValue* to) {
    f.job.kernels.interleave(f.sources(of).data(), rows, to);
  };
  const auto readFreedoms = [&](const FreedomNumbers& n) {
    read([&](const SolveState& s) { return (s.*n.of_state).data(); }, oneRow(shape.freedoms),
         a.*n.of_lanes);
  };
  for (const FreedomNumbers& numbers : kChanged) readFreedoms(numbers);
  for (const FreedomNumbers& numbers : kOnlyRead) readFreedoms(numbers);
  read(rotations<const SolveState>, jointRows(f.group, 4, kTransform), a.rotation);
  read(translations<const SolveState>, jointRows(f.group, kVector, kTransform), a.translation);
  read(turnCovariances<const SolveState>, jointRows(f.group, kVector, kVector), a.turn_covariance);
  read(biases<const SolveState>, oneRow(kVector * shape.markers), a.bias);
  read([](const SolveState& s) { return s.unseen.data(); }, oneRow(shape.markers), a.unseen);
  for (std::size_t lane = 0; lane < kSolveLanes; ++lane) readSubject(f, lane);
}

void readMarkers(const GroupFrame& f) {
  using Marker = frame::LabelledMarker;
  static_assert(offsetof(Marker, position) == 0 &&
                offsetof(Marker, covariance) == 3 * sizeof(float) &&
                offsetof(Marker, confidence) == 12 * sizeof(float) &&
                sizeof(Marker) == kMarkerFloats * sizeof(float));
  const LaneArrays& a = f.group.arrays;
  const float* from[kSolveLanes];
  for (std::size_t lane = 0; lane < kSolveLanes; ++lane) {
    const Marker* markers = f.group.unseen.data();
    if (f.tracked[lane]) {
      const frame::LabelledSubject& labels = f.job.labels[f.group.subjects[lane]];
      assert(labels.markers.size() == f.subject(lane).subject->markers.size());
      markers = labels.markers.data();
      readHands(*f.subject(lane).model, *f.from[lane], labels, lane, f.group);
    } else {
      restHands(lane, f.group);
    }
    from[lane] = reinterpret_cast<const float*>(markers);
  }
  f.job.kernels.interleaveMarkers(from, f.group.shape.markers, a);
}

void writePlaces(const GroupFrame& f, std::size_t lane) {
  const std::vector<std::int32_t>& parent = f.subject(lane).model->joint_parent;
  std::vector<glm::dvec3>& place = f.to[lane]->place;
  std::size_t next = 0;
  for (std::size_t j = 0; j < place.size(); ++j) {
    if (next < f.group.joint.size() && static_cast<std::size_t>(f.group.joint[next]) == j) {
      ++next;
    } else if (parent[j] >= 0) {
      place[j] = place[static_cast<std::size_t>(parent[j])];
    }
  }
}

void writeSubject(const GroupFrame& f, std::size_t lane) {
  const LaneArrays& a = f.group.arrays;
  SolveState& state = *f.to[lane];
  for (std::size_t j = 0; j < f.group.shape.joints; ++j) {
    const std::size_t joint = static_cast<std::size_t>(f.group.joint[j]);
    state.measured[joint] = a.measured[j].of[lane] > 0.5 ? 1 : 0;
    state.surprise[joint] = a.surprise[j].of[lane];
  }
  writePlaces(f, lane);
  for (std::size_t foot = 0; foot < f.group.shape.feet; ++foot) {
    FootHold& hold = state.feet[foot];
    hold.mean = vectorAt(&a.foot_mean[3 * foot], lane);
    hold.late = vectorAt(&a.foot_late[3 * foot], lane);
    hold.seconds = a.foot_seconds[foot].of[lane];
  }
  state.misfit = a.misfit->of[lane];
  state.fitted = a.fitted->of[lane];
  state.surprise_seconds = f.seconds[lane];
  state.tracked_seconds += f.seconds[lane];
  state.sequence = f.job.stamp.sequence;
}

void writeStates(const GroupFrame& f) {
  const LaneArrays& a = f.group.arrays;
  const LaneShape& shape = f.group.shape;
  const auto write = [&](const auto& of, const LaneRows& rows, const LaneValue* from) {
    f.job.kernels.separate(from, rows, f.targets(of).data());
  };
  for (const FreedomNumbers& n : kChanged) {
    write([&](SolveState& s) { return (s.*n.of_state).data(); }, oneRow(shape.freedoms),
          a.*n.of_lanes);
  }
  write(rotations<SolveState>, jointRows(f.group, 4, kTransform), a.rotation);
  write(translations<SolveState>, jointRows(f.group, kVector, kTransform), a.translation);
  write(turnCovariances<SolveState>, jointRows(f.group, kVector, kVector), a.turn_covariance);
  write([](SolveState& s) { return &s.place[0].x; }, jointRows(f.group, kVector, kVector),
        a.world_translation);
  write(biases<SolveState>, oneRow(kVector * shape.markers), a.bias);
  write([](SolveState& s) { return s.unseen.data(); }, oneRow(shape.markers), a.unseen);
  for (std::size_t lane = 0; lane < kSolveLanes; ++lane) {
    if (f.tracked[lane]) writeSubject(f, lane);
  }
}

// Joints that no marker informs move with the next one above that does; so do their covariances.
void writeCovariance(const GroupFrame& f, std::size_t lane) {
  frame::SkeletonPose& pose = f.pose(lane);
  const SolveModel& model = *f.subject(lane).model;
  for (std::size_t j = 0; j < model.joints(); ++j) {
    const std::int32_t parent = model.joint_parent[j];
    if (parent >= 0) pose.covariance[j] = pose.covariance[static_cast<std::size_t>(parent)];
  }
  for (std::size_t j = 0; j < f.group.shape.joints; ++j) {
    pose.covariance[static_cast<std::size_t>(f.group.joint[j])] =
        symmetricAt(&f.group.arrays.joint_covariance[6 * j], lane);
  }
}

// What calibration may have wrong moves joints in every frame alike, and no marker shows it.
void addDoubt(const subject::Subject& subject, frame::SkeletonPose& pose) {
  for (std::size_t j = 0; j < subject.joints.size(); ++j) {
    const float sigma = subject.joints[j].place_sigma;
    for (glm::length_t k = 0; k < 3; ++k) pose.covariance[j][k][k] += sigma * sigma;
  }
}

LaneSettings laneSettings(const SolveSettings& s, std::uint64_t sequence) {
  return {.finger_radius = s.finger_radius * s.finger_radius,
          .finger_skin_variance = s.finger_sigma * s.finger_sigma,
          .limit_information = 1.0 / (s.limit_sigma * s.limit_sigma),
          .marker_variance = s.marker_sigma * s.marker_sigma,
          .squared_radius = s.robust_radius * s.robust_radius,
          .hidden_turning = s.hidden_turning,
          .hidden_speed = s.hidden_speed,
          .largest_variance = s.largest_sigma * s.largest_sigma,
          .rest_information = 1.0 / (s.rest_sigma * s.rest_sigma),
          .hold_variance = s.hold_sigma * s.hold_sigma,
          .hold_drift = s.hold_drift,
          .hold_reach = s.hold_reach,
          .bias_time = s.bias_time,
          .largest_bias = s.largest_bias,
          .misfit_time = s.misfit_time,
          .smallest_variance = s.smallest_sigma * s.smallest_sigma,
          .surprise_rise = s.surprise_rise,
          .turn_noise = s.angular_noise,
          .shift_noise = s.linear_noise,
          .least_turn_noise = s.least_turn_noise,
          .least_shift_noise = s.least_shift_noise,
          .iterations = s.iterations,
          .habit_turn = static_cast<std::size_t>(sequence % kHabitTurns)};
}

void solveGroup(const SolveSubjects& job, LaneGroup& group) {
  const GroupFrame f = frameOf(job, group);
  if (std::find(f.tracked.begin(), f.tracked.end(), true) == f.tracked.end()) return;
  const SolveSettings& settings = *f.subject(0).settings;
  readStates(f);
  readMarkers(f);
  job.kernels.solve(group.shape, laneSettings(settings, job.stamp.sequence), group.arrays);
  writeStates(f);
  for (std::size_t lane = 0; lane < kSolveLanes; ++lane) {
    if (!f.tracked[lane]) continue;
    SolveState& state = *f.to[lane];
    const SolveModel& model = *f.subject(lane).model;
    writeCovariance(f, lane);
    writeHands(model, group, lane, f.seconds[lane], state, f.pose(lane));
    addDoubt(*f.subject(lane).subject, f.pose(lane));
    f.pose(lane).residual_mm = static_cast<float>(1000.0 * group.arrays.rms->of[lane]);
    coupleJoints(model, f.seconds[lane], settings.habit_time, state);
    updateTracking(model, job.labels[group.subjects[lane]], settings, f.seconds[lane], state);
  }
}

}  // namespace

void SolveSubjects::run() const {
  for (LaneGroup& group : groups) {
    solveGroup(*this, group);
    for (const std::size_t s : group.subjects) {
      poses[s].stamp = stamp;
      publishPose(*subjects[s].model, states[s], poses[s]);
      publishFingers(*subjects[s].model, states[s], poses[s]);
    }
  }
}

}  // namespace understudy::solve
