#include <algorithm>

#include "capture/solve/hand_lanes.h"
#include "capture/solve/lane_shape.h"
#include "capture/solve/lane_values.h"
#include "capture/solve/solve_lanes.h"
#include "capture/solve/solve_steps.h"

namespace understudy::solve {
namespace {

// An array, and how many of its numbers each joint, freedom, marker or foot has.
struct ArraySize {
  LaneValue* LaneArrays::*array;
  std::size_t each;
};

using A = LaneArrays;

constexpr ArraySize kOfJoints[] = {{&A::rest_rotation, 4},
                                   {&A::rest_translation, 3},
                                   {&A::basis, 9},
                                   {&A::lever, 1},
                                   {&A::turn_covariance, 3},
                                   {&A::turn_information, 3},
                                   {&A::rotation, 4},
                                   {&A::translation, 3},
                                   {&A::measured, 1},
                                   {&A::surprise, 1},
                                   {&A::joint_covariance, 6},
                                   {&A::predicted_rotation, 4},
                                   {&A::predicted_translation, 3},
                                   {&A::candidate_rotation, 4},
                                   {&A::candidate_translation, 3},
                                   {&A::world_rotation, 4},
                                   {&A::world_turn, 9},
                                   {&A::world_translation, 3},
                                   {&A::step_place, 3},
                                   {&A::moments, 21},
                                   {&A::forces, 6},
                                   {&A::motion, 6},
                                   {&A::motion_covariance, 21},
                                   {&A::sudden, 1}};

constexpr ArraySize kOfFreedoms[] = {{&A::lower_limit, 1},
                                     {&A::upper_limit, 1},
                                     {&A::habit_mean, 1},
                                     {&A::habit_variance, 1},
                                     {&A::habit_speed, 1},
                                     {&A::suggested, 1},
                                     {&A::suggested_speed, 1},
                                     {&A::expected_variance, 1},
                                     {&A::velocity, 1},
                                     {&A::variance, 1},
                                     {&A::velocity_variance, 1},
                                     {&A::velocity_covariance, 1},
                                     {&A::acceleration_variance, 1},
                                     {&A::observed, 1},
                                     {&A::place_variance, 1},
                                     {&A::innovation, 1},
                                     {&A::innovation_energy, 1},
                                     {&A::axes, 6},
                                     {&A::reach, 6},
                                     {&A::factor, 1},
                                     {&A::open, 1},
                                     {&A::gradient, 1},
                                     {&A::information, 1},
                                     {&A::diagonal, 1}};

constexpr ArraySize kOfMarkers[] = {
    {&A::offset, 3},   {&A::also_share, 1}, {&A::also_offset, 3},
    {&A::bias, 3},     {&A::unseen, 1},     {&A::seen, 1},
    {&A::position, 3}, {&A::covariance, 6}, {&A::marker_information, 6},
    {&A::residual, 3}, {&A::place, 3},      {&A::squared_distance, 1},
    {&A::usual, 1}};

constexpr ArraySize kOfFeet[] = {{&A::foot_offset, 3}, {&A::foot_mean, 3}, {&A::foot_late, 3},
                                 {&A::foot_place, 3},  {&A::foot_hold, 1}, {&A::foot_variance, 1},
                                 {&A::foot_seconds, 1}};

constexpr ArraySize kOfSubjects[] = {
    {&A::habit_rate, 1},     {&A::skin_variance, 1}, {&A::misfit, 1},
    {&A::fitted, 1},         {&A::seconds, 1},       {&A::surprise_fall, 1},
    {&A::hidden_damping, 1}, {&A::rest_share, 1},    {&A::rms, 1}};

// Calls with each array of a shape and its size, in order.
template <class Function>
void forEachArray(const LaneShape& shape, LaneArrays& arrays, const Function& function) {
  const auto go = [&](std::span<const ArraySize> list, std::size_t count) {
    for (const ArraySize& of : list) function(arrays.*of.array, of.each * count);
  };
  go(kOfJoints, shape.joints);
  go(kOfFreedoms, shape.freedoms);
  go(kOfMarkers, shape.markers);
  go(kOfFeet, shape.feet);
  go(kOfSubjects, 1);
}

void fillArrays(LaneGroup& group) {
  std::size_t total = countHandValues(group.shape);
  forEachArray(group.shape, group.arrays, [&](LaneValue*, std::size_t size) { total += size; });
  group.values.assign(total, LaneValue{});
  LaneValue* next = group.values.data();
  forEachArray(group.shape, group.arrays, [&](LaneValue*& array, std::size_t size) {
    array = next;
    next += size;
  });
  fillHandArrays(group.shape, next, group.arrays);
}

// The furthest that markers below each joint get from it.
void fillLevers(const LaneSubject& of, std::size_t lane, LaneGroup& group) {
  std::vector<double> lever(of.model->joints(), 0.0);
  for (const subject::SubjectMarker& marker : of.subject->markers) {
    double& own = lever[static_cast<std::size_t>(marker.joint)];
    own = std::max(own, static_cast<double>(glm::length(marker.offset_joint)));
  }
  for (std::size_t joint = lever.size(); joint-- > 1;) {
    const std::int32_t parent = of.model->joint_parent[joint];
    if (parent < 0 || !(lever[joint] > 0.0)) continue;
    double& above = lever[static_cast<std::size_t>(parent)];
    above = std::max(above, glm::length(of.model->rest[joint].translation) + lever[joint]);
  }
  for (std::size_t j = 0; j < group.shape.joints; ++j)
    group.arrays.lever[j].of[lane] = lever[static_cast<std::size_t>(group.joint[j])];
}

// What never changes of a lane's subject.
void fillSubject(const LaneSubject& of, std::size_t lane, LaneGroup& group) {
  const LaneArrays& a = group.arrays;
  for (std::size_t j = 0; j < group.shape.joints; ++j) {
    const std::size_t joint = static_cast<std::size_t>(group.joint[j]);
    const math::RigidTransformd& rest = of.model->rest[joint];
    put(&a.rest_rotation[4 * j], lane, rest.rotation);
    put(&a.rest_translation[3 * j], lane, rest.translation);
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
    a.lower_limit[f].of[lane] = of.model->lower_limit[f];
    a.upper_limit[f].of[lane] = of.model->upper_limit[f];
  }
  a.seconds->of[lane] = 1.0 / kReferenceRate;
  fillLevers(of, lane, group);
  fillHandSubject(*of.model, lane, group);
}

// What lanes without a tracked subject hold.
void fillResting(const LaneSubject& of, LaneGroup& group) {
  group.resting = makeSolveState(*of.subject, *of.model);
  startTracking(*of.model, 0, of.model->rest, group.resting);
  group.discarded = group.resting;
  group.unseen.assign(group.shape.markers, {});
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
      fillResting(of, group);
      shapes.push_back(std::move(lists));
      settings.push_back(of.settings);
    }
    fillSubject(of, groups[g].subjects.size(), groups[g]);
    groups[g].subjects.push_back(s);
  }
  return groups;
}

}  // namespace understudy::solve
