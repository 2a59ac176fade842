#include "capture/solve/solve_lanes.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "capture/solve/hand_lanes.h"
#include "capture/solve/lane_values.h"
#include "capture/solve/solve_steps.h"

namespace understudy::solve {
namespace {

using math::RigidTransformd;

// ---- Shapes ----

// Index lists of a shape, before they are put into one array.
struct ShapeLists {
  std::vector<std::int32_t> joint, parent, joint_freedom, joint_freedoms;
  std::vector<std::int32_t> freedom_joint, freedom_parent, leads;
  std::vector<std::int32_t> marker_joint, marker_also, marker_begin, marker_order;
  std::vector<std::int32_t> neighbour_start, neighbours, learns, foot_joint, hands;

  bool operator==(const ShapeLists&) const = default;
};

std::vector<bool> findInformed(const LaneSubject& of) {
  std::vector<bool> informed(of.model->joints(), false);
  for (std::size_t m = 0; m < of.model->body_markers; ++m) {
    const subject::SubjectMarker& marker = of.subject->markers[m];
    informed[static_cast<std::size_t>(marker.joint)] = true;
    if (marker.also.joint >= 0) informed[static_cast<std::size_t>(marker.also.joint)] = true;
  }
  for (const HandModel& hand : of.model->hands)
    informed[static_cast<std::size_t>(hand.joint)] = true;
  for (std::size_t joint = informed.size(); joint-- > 1;) {
    const std::int32_t parent = of.model->joint_parent[joint];
    if (informed[joint] && parent >= 0) informed[static_cast<std::size_t>(parent)] = true;
  }
  informed[0] = true;
  return informed;
}

// Joints whose own turn can be told from that of the one above: markers on both.
std::vector<std::int32_t> findLearners(const ShapeLists& lists) {
  std::vector<std::int32_t> learns;
  const auto marked = [&](std::size_t j) {
    return lists.marker_begin[j + 1] > lists.marker_begin[j];
  };
  for (std::size_t j = 0; j < lists.joint.size(); ++j) {
    std::int32_t above = lists.parent[j];
    // Joints that do not turn are one with those above.
    while (above > 0 && lists.joint_freedoms[static_cast<std::size_t>(above)] == 0 &&
           !marked(static_cast<std::size_t>(above))) {
      above = lists.parent[static_cast<std::size_t>(above)];
    }
    learns.push_back(above >= 0 && marked(j) && marked(static_cast<std::size_t>(above)) ? 1 : 0);
  }
  return learns;
}

// Joints that others or fingers hang on.
std::vector<std::int32_t> findLeading(const SolveModel& model,
                                      const std::vector<std::int32_t>& place,
                                      const ShapeLists& lists) {
  std::vector<std::int32_t> leads(lists.joint.size(), 0);
  for (const std::int32_t parent : lists.parent) {
    if (parent >= 0) leads[static_cast<std::size_t>(parent)] = 1;
  }
  for (const HandModel& hand : model.hands)
    leads[static_cast<std::size_t>(place[static_cast<std::size_t>(hand.joint)])] = 1;
  return leads;
}

ShapeLists listShape(const LaneSubject& of) {
  const SolveModel& model = *of.model;
  const std::vector<bool> informed = findInformed(of);
  ShapeLists lists;
  std::vector<std::int32_t> place(model.joints(), -1);
  for (std::size_t j = 0; j < model.joints(); ++j) {
    if (!informed[j]) continue;
    place[j] = static_cast<std::int32_t>(lists.joint.size());
    const std::int32_t parent = model.joint_parent[j];
    lists.joint.push_back(static_cast<std::int32_t>(j));
    lists.parent.push_back(parent < 0 ? -1 : place[static_cast<std::size_t>(parent)]);
    lists.joint_freedom.push_back(model.joint_freedom[j]);
    lists.joint_freedoms.push_back(model.joint_freedoms[j]);
  }
  for (const std::int32_t j : model.freedom_joint)
    lists.freedom_joint.push_back(place[static_cast<std::size_t>(j)]);
  lists.freedom_parent = model.freedom_parent;
  for (std::size_t m = 0; m < model.body_markers; ++m) {
    const subject::SubjectMarker& marker = of.subject->markers[m];
    const int also = marker.also.joint;
    lists.marker_joint.push_back(place[static_cast<std::size_t>(marker.joint)]);
    lists.marker_also.push_back(also < 0 ? -1 : place[static_cast<std::size_t>(also)]);
  }
  lists.marker_begin.push_back(0);
  for (std::size_t j = 0; j < lists.joint.size(); ++j) {
    for (std::size_t m = 0; m < lists.marker_joint.size(); ++m) {
      if (lists.marker_joint[m] == static_cast<std::int32_t>(j))
        lists.marker_order.push_back(static_cast<std::int32_t>(m));
    }
    lists.marker_begin.push_back(static_cast<std::int32_t>(lists.marker_order.size()));
  }
  lists.learns = findLearners(lists);
  const SolveState state = makeSolveState(*of.subject, model);
  for (const JointCoupling& coupling : state.couplings)
    lists.learns[static_cast<std::size_t>(place[coupling.joint])] = 0;
  for (const FootHold& foot : state.feet) {
    if (place[foot.joint] >= 0) lists.foot_joint.push_back(place[foot.joint]);
  }
  lists.neighbour_start = model.neighbour_start;
  lists.neighbours = model.neighbours;
  lists.hands = listHands(model, place);
  lists.leads = findLeading(model, place, lists);
  return lists;
}

void fillShape(const ShapeLists& lists, LaneGroup& group) {
  const std::pair<const std::vector<std::int32_t>*, const std::int32_t**> parts[] = {
      {&lists.parent, &group.shape.parent},
      {&lists.joint_freedom, &group.shape.joint_freedom},
      {&lists.joint_freedoms, &group.shape.joint_freedoms},
      {&lists.freedom_joint, &group.shape.freedom_joint},
      {&lists.freedom_parent, &group.shape.freedom_parent},
      {&lists.leads, &group.shape.leads},
      {&lists.marker_joint, &group.shape.marker_joint},
      {&lists.marker_also, &group.shape.marker_also},
      {&lists.marker_begin, &group.shape.marker_begin},
      {&lists.marker_order, &group.shape.marker_order},
      {&lists.foot_joint, &group.shape.foot_joint},
      {&lists.learns, &group.shape.learns},
      {&lists.neighbour_start, &group.shape.neighbour_start},
      {&lists.neighbours, &group.shape.neighbours}};
  std::size_t total = lists.hands.size();
  for (const auto& [list, pointer] : parts) total += list->size();
  group.indices.reserve(total);
  for (const auto& [list, pointer] : parts) {
    *pointer = group.indices.data() + group.indices.size();
    group.indices.insert(group.indices.end(), list->begin(), list->end());
  }
  const std::size_t hands = group.indices.size();
  group.indices.insert(group.indices.end(), lists.hands.begin(), lists.hands.end());
  fillHandShapes(std::span(group.indices).subspan(hands), group.shape);
  group.joint = lists.joint;
  group.shape.joints = lists.joint.size();
  group.shape.freedoms = lists.freedom_joint.size();
  group.shape.markers = lists.marker_joint.size();
  group.shape.feet = lists.foot_joint.size();
}

// ---- Arrays ----

void fillArrays(LaneGroup& group) {
  const std::size_t j = group.shape.joints, f = group.shape.freedoms, m = group.shape.markers;
  LaneArrays& a = group.arrays;
  const std::pair<LaneValue**, std::size_t> parts[] = {{&a.rest_rotation, 4 * j},
                                                       {&a.rest_translation, 3 * j},
                                                       {&a.basis, 9 * j},
                                                       {&a.lower_limit, f},
                                                       {&a.upper_limit, f},
                                                       {&a.habit_mean, f},
                                                       {&a.habit_variance, f},
                                                       {&a.habit_speed, f},
                                                       {&a.suggested, f},
                                                       {&a.suggested_speed, f},
                                                       {&a.habit_rate, 1},
                                                       {&a.foot_offset, 3 * group.shape.feet},
                                                       {&a.foot_mean, 3 * group.shape.feet},
                                                       {&a.foot_late, 3 * group.shape.feet},
                                                       {&a.foot_seconds, group.shape.feet},
                                                       {&a.foot_place, 3 * group.shape.feet},
                                                       {&a.foot_hold, group.shape.feet},
                                                       {&a.foot_variance, group.shape.feet},
                                                       {&a.turn_covariance, 3 * j},
                                                       {&a.turn_information, 3 * j},
                                                       {&a.expected_variance, f},
                                                       {&a.offset, 3 * m},
                                                       {&a.also_share, m},
                                                       {&a.also_offset, 3 * m},
                                                       {&a.rotation, 4 * j},
                                                       {&a.translation, 3 * j},
                                                       {&a.measured, j},
                                                       {&a.surprise, j},
                                                       {&a.velocity, f},
                                                       {&a.variance, f},
                                                       {&a.velocity_variance, f},
                                                       {&a.velocity_covariance, f},
                                                       {&a.acceleration_variance, f},
                                                       {&a.observed, f},
                                                       {&a.place_variance, f},
                                                       {&a.innovation, f},
                                                       {&a.innovation_energy, f},
                                                       {&a.skin_variance, 1},
                                                       {&a.bias, 3 * m},
                                                       {&a.unseen, m},
                                                       {&a.misfit, 1},
                                                       {&a.fitted, 1},
                                                       {&a.seen, m},
                                                       {&a.position, 3 * m},
                                                       {&a.covariance, 6 * m},
                                                       {&a.seconds, 1},
                                                       {&a.surprise_fall, 1},
                                                       {&a.hidden_damping, 1},
                                                       {&a.rest_share, 1},
                                                       {&a.rms, 1},
                                                       {&a.joint_covariance, 6 * j},
                                                       {&a.predicted_rotation, 4 * j},
                                                       {&a.predicted_translation, 3 * j},
                                                       {&a.candidate_rotation, 4 * j},
                                                       {&a.candidate_translation, 3 * j},
                                                       {&a.world_rotation, 4 * j},
                                                       {&a.world_turn, 9 * j},
                                                       {&a.world_translation, 3 * j},
                                                       {&a.axes, 6 * f},
                                                       {&a.step_place, 3 * j},
                                                       {&a.moments, 21 * j},
                                                       {&a.forces, 6 * j},
                                                       {&a.reach, 6 * f},
                                                       {&a.factor, f},
                                                       {&a.open, f},
                                                       {&a.gradient, f},
                                                       {&a.motion, 6 * j},
                                                       {&a.motion_covariance, 21 * j},
                                                       {&a.information, f},
                                                       {&a.diagonal, f},
                                                       {&a.marker_information, 6 * m},
                                                       {&a.residual, 3 * m},
                                                       {&a.place, 3 * m},
                                                       {&a.squared_distance, m},
                                                       {&a.usual, m},
                                                       {&a.sudden, j}};
  std::size_t total = countHandValues(group.shape);
  for (const auto& [pointer, size] : parts) total += size;
  group.values.assign(total, LaneValue{});
  LaneValue* next = group.values.data();
  for (const auto& [pointer, size] : parts) {
    *pointer = next;
    next += size;
  }
  fillHandArrays(group.shape, next, group.arrays);
}

// What never changes of a lane's subject, and a state that it may rest in.
void fillSubject(const LaneSubject& of, std::size_t lane, LaneGroup& group) {
  const LaneArrays& a = group.arrays;
  for (std::size_t j = 0; j < group.shape.joints; ++j) {
    const std::size_t joint = static_cast<std::size_t>(group.joint[j]);
    const RigidTransformd& rest = of.model->rest[joint];
    put(&a.rest_rotation[4 * j], lane, rest.rotation);
    put(&a.rest_translation[3 * j], lane, rest.translation);
    put(&a.rotation[4 * j], lane, rest.rotation);
    put(&a.translation[3 * j], lane, rest.translation);
    const glm::dmat3 basis = glm::mat3_cast(of.model->joint_from_freedoms[joint]);
    for (int k = 0; k < 3; ++k) {
      put(&a.basis[9 * j + 3 * static_cast<std::size_t>(k)], lane, glm::dvec3(basis[k]));
    }
  }
  for (std::size_t m = 0; m < group.shape.markers; ++m) {
    const subject::SubjectMarker& marker = of.subject->markers[m];
    put(&a.offset[3 * m], lane, glm::dvec3(marker.offset_joint));
    a.also_share[m].of[lane] = static_cast<double>(marker.also.share);
    put(&a.also_offset[3 * m], lane, glm::dvec3(marker.also.offset_joint));
  }
  for (std::size_t f = 0; f < group.shape.freedoms; ++f) {
    a.variance[f].of[lane] = 1.0;
    a.place_variance[f].of[lane] = 1.0;
    a.velocity_variance[f].of[lane] = 1.0;
    a.acceleration_variance[f].of[lane] = 1.0;
    a.habit_variance[f].of[lane] = 1.0;
    a.habit_speed[f].of[lane] = 1.0;
    a.lower_limit[f].of[lane] = of.model->lower_limit[f];
    a.upper_limit[f].of[lane] = of.model->upper_limit[f];
  }
  a.seconds->of[lane] = 1.0 / kReferenceRate;
  fillHandSubject(*of.model, lane, group);
}

// ---- One frame ----

constexpr double kShortestHabit = 0.25;  // Seconds that a habit is learnt from at least.

struct Lane {
  const SolveSubjects& job;
  LaneGroup& group;
  std::size_t lane;

  std::size_t subject() const { return group.subjects[lane]; }
  SolveState& state() const { return job.states[subject()]; }
  const SolveSettings& settings() const { return *job.subjects[subject()].settings; }
};

void readState(const Lane& l, double seconds) {
  const LaneArrays& a = l.group.arrays;
  const SolveState& state = l.state();
  const SolveSettings& settings = l.settings();
  const std::size_t lane = l.lane;
  for (std::size_t j = 0; j < l.group.shape.joints; ++j) {
    const std::size_t joint = static_cast<std::size_t>(l.group.joint[j]);
    put(&a.rotation[4 * j], lane, state.parent_from_joint[joint].rotation);
    put(&a.translation[3 * j], lane, state.parent_from_joint[joint].translation);
    put(&a.turn_covariance[3 * j], lane, state.turn_covariance[joint]);
    a.measured[j].of[lane] = state.measured[joint];
    a.surprise[j].of[lane] = state.surprise[joint];
  }
  for (std::size_t f = 0; f < l.group.shape.freedoms; ++f) {
    a.velocity[f].of[lane] = state.velocity[f];
    a.variance[f].of[lane] = state.variance[f];
    a.innovation[f].of[lane] = state.innovation[f];
    a.innovation_energy[f].of[lane] = state.innovation_energy[f];
    a.place_variance[f].of[lane] = state.place_variance[f];
    a.velocity_variance[f].of[lane] = state.velocity_variance[f];
    a.velocity_covariance[f].of[lane] = state.velocity_covariance[f];
    a.acceleration_variance[f].of[lane] = state.acceleration_variance[f];
    a.observed[f].of[lane] = state.observed[f];
    a.habit_mean[f].of[lane] = state.habit_mean[f];
    a.habit_variance[f].of[lane] = state.habit_variance[f];
    a.habit_speed[f].of[lane] = state.habit_speed[f];
    a.suggested[f].of[lane] = state.suggested[f];
    a.suggested_speed[f].of[lane] = state.suggested_speed[f];
  }
  for (std::size_t m = 0; m < l.group.shape.markers; ++m) {
    put(&a.bias[3 * m], lane, state.bias[m]);
    a.unseen[m].of[lane] = state.unseen[m];
  }
  for (std::size_t foot = 0; foot < l.group.shape.feet; ++foot) {
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
  a.rest_share->of[lane] = 1.0 / (settings.rest_time * l.job.rate_hz);
}

void readMarkers(const Lane& l) {
  const LaneArrays& a = l.group.arrays;
  const std::vector<frame::LabelledMarker>& markers = l.job.labels[l.subject()].markers;
  assert(markers.size() == l.job.subjects[l.subject()].subject->markers.size());
  for (std::size_t m = 0; m < l.group.shape.markers; ++m) {
    putMarker(markers[m], m, l.lane, a.seen, a.position, a.covariance);
  }
  readHands(*l.job.subjects[l.subject()].model, l.state(), l.job.labels[l.subject()], l.lane,
            l.group);
}

void writePlaces(const Lane& l) {
  const std::vector<std::int32_t>& parent = l.job.subjects[l.subject()].model->joint_parent;
  std::vector<glm::dvec3>& place = l.state().place;
  std::size_t next = 0;
  for (std::size_t j = 0; j < place.size(); ++j) {
    if (next < l.group.joint.size() && static_cast<std::size_t>(l.group.joint[next]) == j) {
      place[j] = vectorAt(&l.group.arrays.world_translation[3 * next++], l.lane);
    } else if (parent[j] >= 0) {
      place[j] = place[static_cast<std::size_t>(parent[j])];
    }
  }
}

void writeState(const Lane& l, double seconds) {
  const LaneArrays& a = l.group.arrays;
  SolveState& state = l.state();
  const std::size_t lane = l.lane;
  for (std::size_t j = 0; j < l.group.shape.joints; ++j) {
    const std::size_t joint = static_cast<std::size_t>(l.group.joint[j]);
    state.parent_from_joint[joint] = {rotationAt(&a.rotation[4 * j], lane),
                                      vectorAt(&a.translation[3 * j], lane)};
    state.turn_covariance[joint] = vectorAt(&a.turn_covariance[3 * j], lane);
    state.measured[joint] = a.measured[j].of[lane] > 0.5 ? 1 : 0;
    state.surprise[joint] = a.surprise[j].of[lane];
  }
  writePlaces(l);
  for (std::size_t f = 0; f < l.group.shape.freedoms; ++f) {
    state.velocity[f] = a.velocity[f].of[lane];
    state.variance[f] = a.variance[f].of[lane];
    state.innovation[f] = a.innovation[f].of[lane];
    state.innovation_energy[f] = a.innovation_energy[f].of[lane];
    state.place_variance[f] = a.place_variance[f].of[lane];
    state.velocity_variance[f] = a.velocity_variance[f].of[lane];
    state.velocity_covariance[f] = a.velocity_covariance[f].of[lane];
    state.acceleration_variance[f] = a.acceleration_variance[f].of[lane];
    state.observed[f] = a.observed[f].of[lane];
    state.habit_mean[f] = a.habit_mean[f].of[lane];
    state.habit_variance[f] = a.habit_variance[f].of[lane];
    state.habit_speed[f] = a.habit_speed[f].of[lane];
  }
  for (std::size_t m = 0; m < l.group.shape.markers; ++m) {
    state.bias[m] = vectorAt(&a.bias[3 * m], lane);
    state.unseen[m] = a.unseen[m].of[lane];
  }
  for (std::size_t foot = 0; foot < l.group.shape.feet; ++foot) {
    FootHold& hold = state.feet[foot];
    hold.mean = vectorAt(&a.foot_mean[3 * foot], lane);
    hold.late = vectorAt(&a.foot_late[3 * foot], lane);
    hold.seconds = a.foot_seconds[foot].of[lane];
  }
  state.misfit = a.misfit->of[lane];
  state.fitted = a.fitted->of[lane];
  state.surprise_seconds = seconds;
  state.tracked_seconds += seconds;
  state.sequence = l.job.stamp.sequence;
}

// Joints that no marker informs move with the next one above that does; so do their covariances.
void writeCovariance(const Lane& l) {
  frame::SkeletonPose& pose = l.job.poses[l.subject()];
  const SolveModel& model = *l.job.subjects[l.subject()].model;
  for (std::size_t j = 0; j < model.joints(); ++j) {
    const std::int32_t parent = model.joint_parent[j];
    if (parent >= 0) pose.covariance[j] = pose.covariance[static_cast<std::size_t>(parent)];
  }
  for (std::size_t j = 0; j < l.group.shape.joints; ++j) {
    pose.covariance[static_cast<std::size_t>(l.group.joint[j])] =
        symmetricAt(&l.group.arrays.joint_covariance[6 * j], l.lane);
  }
}

// A lane whose subject is not tracked rests and sees nothing.
void restLane(const Lane& l) {
  restHands(l.lane, l.group);
  for (std::size_t m = 0; m < l.group.shape.markers; ++m) l.group.arrays.seen[m].of[l.lane] = 0.0;
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
  bool any = false;
  double seconds[kSolveLanes] = {};
  for (std::size_t lane = 0; lane < group.subjects.size(); ++lane) {
    const Lane l{job, group, lane};
    if (!l.state().tracked) {
      restLane(l);
      continue;
    }
    any = true;
    seconds[lane] = secondsSince(l.state(), job.stamp.sequence, job.rate_hz);
    readState(l, seconds[lane]);
    readMarkers(l);
  }
  if (!any) return;
  const SolveSettings& settings = *job.subjects[group.subjects[0]].settings;
  job.kernels.solve(group.shape, laneSettings(settings, job.stamp.sequence), group.arrays);
  for (std::size_t lane = 0; lane < group.subjects.size(); ++lane) {
    const Lane l{job, group, lane};
    if (!l.state().tracked) continue;
    writeState(l, seconds[lane]);
    writeCovariance(l);
    writeHands(*l.job.subjects[l.subject()].model, group, lane, seconds[lane], l.state(),
               l.job.poses[l.subject()]);
    job.poses[l.subject()].residual_mm = static_cast<float>(1000.0 * group.arrays.rms->of[lane]);
    const SolveModel& model = *job.subjects[l.subject()].model;
    coupleJoints(model, seconds[lane], settings.habit_time, l.state());
    updateTracking(model, job.labels[l.subject()], settings, seconds[lane], l.state());
  }
}

}  // namespace

std::vector<LaneGroup> makeLaneGroups(std::span<const LaneSubject> subjects) {
  std::vector<LaneGroup> groups;
  std::vector<ShapeLists> shapes;
  std::vector<const SolveSettings*> settings;
  for (std::size_t s = 0; s < subjects.size(); ++s) {
    const LaneSubject& of = subjects[s];
    ShapeLists lists = listShape(of);
    std::size_t g = 0;
    while (g < groups.size() && (groups[g].subjects.size() == kSolveLanes ||
                                 settings[g] != of.settings || shapes[g] != lists)) {
      ++g;
    }
    if (g == groups.size()) {
      LaneGroup& group = groups.emplace_back();
      fillShape(lists, group);
      fillArrays(group);
      for (std::size_t lane = 0; lane < kSolveLanes; ++lane) fillSubject(of, lane, group);
      shapes.push_back(std::move(lists));
      settings.push_back(of.settings);
    }
    fillSubject(of, groups[g].subjects.size(), groups[g]);
    groups[g].subjects.push_back(s);
  }
  return groups;
}

void SolveSubjects::run() const {
  for (std::size_t s = 0; s < subjects.size(); ++s) poses[s].stamp = stamp;
  for (LaneGroup& group : groups) solveGroup(*this, group);
  for (std::size_t s = 0; s < subjects.size(); ++s) {
    publishPose(*subjects[s].model, states[s], poses[s]);
    publishFingers(*subjects[s].model, states[s], poses[s]);
  }
}

}  // namespace understudy::solve
