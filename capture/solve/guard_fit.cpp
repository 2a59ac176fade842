#include <algorithm>

#include "capture/solve/guard_test.h"

namespace understudy::solve {
namespace {

constexpr double kFarOff = 0.06;  // Distances from the model count up to this, metres.
constexpr int kSteps = 3;         // Of a fit.

double squared(const glm::dvec3& v) { return glm::dot(v, v); }

}  // namespace

void turnJoint(const GuardTest& test, std::size_t joint) {
  SwapGuardWorkspace& w = test.work();
  const SolveModel& model = test.model();
  const std::int32_t parent = model.joint_parent[joint];
  if (parent < 0 || model.joint_freedoms[joint] == 0) return;
  Correspondences found;
  found.add(glm::dvec3(0.0), w.world[joint].translation, 1.0);
  for (std::size_t m = 0; m < test.subject().markers.size() && found.count < 4; ++m) {
    if (test.subject().markers[m].joint != static_cast<int>(joint) ||
        !isSeen(w.labelled.markers[m]))
      continue;
    found.add(glm::dvec3(test.subject().markers[m].offset_joint),
              glm::dvec3(w.labelled.markers[m].position), 1.0);
  }
  if (found.count < 2) return;
  const glm::dquat before = w.world[joint].rotation;
  const glm::dquat after = fitRigid(found, before, 1e-6).rotation;
  const glm::dquat& above = w.world[static_cast<std::size_t>(parent)].rotation;
  w.pose[joint].rotation = glm::normalize(glm::conjugate(above) * after);
  for (std::size_t child = joint + 1; child < model.joints(); ++child) {
    if (model.joint_parent[child] != static_cast<std::int32_t>(joint)) continue;
    if (model.joint_freedoms[child] == 0) continue;
    w.pose[child].rotation =
        glm::normalize(glm::conjugate(after) * before * w.pose[child].rotation);
  }
  worldFromJoints(test.model(), w.pose, w.world);
}

void fit(const GuardTest& test, int steps, GuardFit& result) {
  SwapGuardWorkspace& w = test.work();
  SolveWorkspace& solve_workspace = test.guard.solve_workspaces[test.index];
  fitPose(test.subject(), test.model(), test.guard.solve_settings, test.guard.kernels, w.labelled,
          steps, solve_workspace, w.pose);
  result.turns = result.total = 0.0;
  result.of_marker.resize(test.subject().markers.size());
  for (std::size_t m = 0; m < test.subject().markers.size(); ++m) {
    result.of_marker[m] = 0.0;
    if (!isSeen(w.labelled.markers[m])) continue;
    const double off =
        squared(glm::dvec3(w.labelled.markers[m].position) -
                markerPosition(test.subject().markers[m], solve_workspace.world_from_joint));
    result.of_marker[m] = std::min(off, kFarOff * kFarOff);
    result.total += result.of_marker[m];
  }
  for (std::size_t j = 1; j < test.model().joints(); ++j) {
    if (test.model().joint_freedoms[j] == 0) continue;
    const double turn = rotationAngle(test.model().rest[j].rotation, w.pose[j].rotation);
    result.turns += kGuardTurnShare * turn * turn;
  }
  result.total += result.turns;
}

double costAbout(const GuardTest& test, const GuardFit& result, const frame::SlotExchange& pair) {
  const SolveModel& model = test.model();
  double cost = result.turns;
  for (const std::size_t marker : {std::size_t{pair.marker}, std::size_t{pair.other_marker}}) {
    if (marker >= test.subject().markers.size()) continue;
    const std::size_t begin = static_cast<std::size_t>(model.neighbour_start[marker]);
    const std::size_t end = static_cast<std::size_t>(model.neighbour_start[marker + 1]);
    for (std::size_t n = begin; n < end; ++n)
      cost += result.of_marker[static_cast<std::size_t>(model.neighbours[n])];
  }
  return cost;
}

namespace {

std::size_t placeOf(const GuardTest& test, std::uint16_t subject, std::uint16_t marker) {
  return subject == frame::kSparePlace ? test.subject().markers.size() + marker : marker;
}

// The joints of an exchange, the inner one first; twice the same where there is one.
std::pair<std::size_t, std::size_t> jointsOf(const GuardTest& test,
                                             const frame::SlotExchange& pair) {
  const std::vector<subject::SubjectMarker>& markers = test.subject().markers;
  const auto one = static_cast<std::size_t>(markers[pair.marker].joint);
  if (pair.other_subject == frame::kSparePlace) return {one, one};
  return std::minmax(one, static_cast<std::size_t>(markers[pair.other_marker].joint));
}

}  // namespace

void exchangeSlots(const GuardTest& test, const frame::SlotExchange& pair) {
  std::vector<frame::LabelledMarker>& slots = test.work().labelled.markers;
  std::swap(slots[placeOf(test, pair.subject, pair.marker)],
            slots[placeOf(test, pair.other_subject, pair.other_marker)]);
}

bool isDecisive(const SwapGuardSettings& settings, double after, double before) {
  return after < settings.decisive * before && after < before - 10.0 * settings.least_gain;
}

namespace {

// What is about the exchanged markers when their joints alone have turned to suit, from w.start;
// the rest of the body stays.
double costTurned(const GuardTest& test, const frame::SlotExchange& pair) {
  SwapGuardWorkspace& w = test.work();
  const SolveModel& model = test.model();
  const std::vector<subject::SubjectMarker>& markers = test.subject().markers;
  w.pose = w.start;
  worldFromJoints(model, w.pose, w.world);
  const auto [first, last] = jointsOf(test, pair);
  turnJoint(test, first);
  if (last != first) turnJoint(test, last);
  double cost = 0.0;
  for (std::size_t j = 1; j < model.joints(); ++j) {
    const std::int32_t parent = model.joint_parent[j];
    const auto isAt = [&](std::size_t joint) {
      return j == joint || parent == static_cast<std::int32_t>(joint);
    };
    if (model.joint_freedoms[j] == 0 || !(isAt(first) || isAt(last))) continue;
    const double turn = rotationAngle(model.rest[j].rotation, w.pose[j].rotation);
    cost += kGuardTurnShare * turn * turn;
  }
  const auto addAbout = [&](std::size_t marker) {
    for (auto k = static_cast<std::size_t>(model.neighbour_start[marker]);
         k < static_cast<std::size_t>(model.neighbour_start[marker + 1]); ++k) {
      const auto n = static_cast<std::size_t>(model.neighbours[k]);
      if (!isSeen(w.labelled.markers[n])) continue;
      const double off =
          squared(glm::dvec3(w.labelled.markers[n].position) - markerPosition(markers[n], w.world));
      cost += std::min(off, kFarOff * kFarOff);
    }
  };
  addAbout(pair.marker);
  if (last != first) addAbout(pair.other_marker);
  return cost;
}

}  // namespace

bool isPromising(const GuardTest& test, const frame::SlotExchange& pair, double freedoms) {
  constexpr double kShare = 0.3;  // Of the gain that an exchange must have in the end.
  const double before = costTurned(test, pair);
  exchangeSlots(test, pair);
  const double after = costTurned(test, pair) + freedoms;
  exchangeSlots(test, pair);
  return after < before - kShare * test.guard.settings.least_gain;
}

void fitExchanged(const GuardTest& test, const frame::SlotExchange& pair) {
  SwapGuardWorkspace& w = test.work();
  w.pose = w.start;
  exchangeSlots(test, pair);
  worldFromJoints(test.model(), w.pose, w.world);
  const auto [first, last] = jointsOf(test, pair);
  turnJoint(test, first);
  if (last != first) turnJoint(test, last);
  fit(test, kSteps, w.trial);
  exchangeSlots(test, pair);
}

bool isBetter(const SwapGuardSettings& settings, double after, double before) {
  return after < settings.clearly_better * before && after < before - settings.least_gain;
}

}  // namespace understudy::solve
