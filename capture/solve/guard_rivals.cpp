#include <algorithm>

#include "capture/solve/guard_test.h"

namespace understudy::solve {
namespace {

using Rivals = SwapGuardState::Rivals;
using Restless = SwapGuardWorkspace::Restless;

constexpr std::uint32_t kEvery = 2;  // Frames between looks; one pair of joints is tested in each.
constexpr int kSteps = 3;            // Of a fit.

// Markers in doubt about which their body does not fit.
void listRestless(const SwapGuard& guard) {
  SwapGuardWorkspace& w = guard.workspace;
  w.restless.clear();
  for (std::size_t s = 0; s < guard.subjects.size(); ++s) {
    if (!guard.states[s].tracked || !guard.state.suspicions[s].doubted) continue;
    const GuardTest test{guard, s};
    measureUnrest(test);
    for (std::size_t m = 0; m < test.subject().markers.size(); ++m) {
      if (w.restless.size() == kMostRestless) return;
      const auto joint = static_cast<std::size_t>(test.subject().markers[m].joint);
      if (joint == 0 || test.slot(m).doubt == 0 || !isSeen(test.slots()[m])) continue;
      if (w.excess[m] < 0.5 * guard.settings.least_gain) continue;
      w.restless.push_back({s, m, w.excess[m]});
    }
  }
}

// The two joints of different subjects that lie near each other and fit worst.
bool findRivals(const SwapGuard& guard, Rivals& rivals) {
  const std::vector<Restless>& restless = guard.workspace.restless;
  const double reach = 2.0 * guard.settings.farthest_exchange;
  double worst = 0.0;
  for (const Restless& a : restless) {
    for (const Restless& b : restless) {
      if (a.subject >= b.subject || a.excess + b.excess <= worst) continue;
      const glm::vec3& place = guard.labels.subjects[a.subject].markers[a.marker].position;
      const glm::vec3& other = guard.labels.subjects[b.subject].markers[b.marker].position;
      if (distance(glm::dvec3(place), glm::dvec3(other)) > reach) continue;
      worst = a.excess + b.excess;
      rivals.one = a.subject;
      rivals.other = b.subject;
      rivals.joint_one = guard.subjects[a.subject].markers[a.marker].joint;
      rivals.joint_other = guard.subjects[b.subject].markers[b.marker].joint;
    }
  }
  return worst > 0.0;
}

// The slots of the two joints, by name where both have it, in order otherwise.
std::uint32_t pairSlots(const SwapGuard& guard, const Rivals& rivals,
                        std::array<frame::SlotExchange, frame::kMostExchanges>& exchanges) {
  const std::vector<subject::SubjectMarker>& ones = guard.subjects[rivals.one].markers;
  const std::vector<subject::SubjectMarker>& others = guard.subjects[rivals.other].markers;
  std::uint32_t count = 0, nth = 0;
  for (std::size_t m = 0; m < ones.size() && count < frame::kMostExchanges; ++m) {
    if (ones[m].joint != rivals.joint_one) continue;
    std::size_t found = others.size(), seen = 0;
    for (std::size_t n = 0; n < others.size(); ++n) {
      if (others[n].joint != rivals.joint_other) continue;
      if (others[n].name == ones[m].name) {
        found = n;
        break;
      }
      if (seen++ == nth) found = n;
    }
    ++nth;
    if (found == others.size()) continue;
    exchanges[count++] = {static_cast<std::uint16_t>(rivals.one), static_cast<std::uint16_t>(m),
                          static_cast<std::uint16_t>(rivals.other),
                          static_cast<std::uint16_t>(found)};
  }
  return count;
}

// One of the two bodies with its own markers and with those that it would get; `pose` is the fit
// with the latter.
struct Costs {
  double before = 0, after = 0;
};

Costs compare(const GuardTest& test, std::span<const frame::SlotExchange> exchanges, bool is_one,
              std::vector<math::RigidTransformd>& pose) {
  SwapGuardWorkspace& w = test.work();
  const auto own = [&](const frame::SlotExchange& e) { return is_one ? e.marker : e.other_marker; };
  const frame::SlotExchange about{.marker = own(exchanges[0]),
                                  .other_subject = frame::kSparePlace,
                                  .other_marker = frame::kSparePlace};
  Costs costs;
  w.labelled.markers.assign(test.slots().begin(), test.slots().end());
  w.pose = test.state().parent_from_joint;
  fit(test, kSteps, w.before);
  costs.before = costAbout(test, w.before, about);
  for (const frame::SlotExchange& e : exchanges) {
    w.labelled.markers[own(e)] =
        is_one ? test.guard.labels.subjects[e.other_subject].markers[e.other_marker]
               : test.guard.labels.subjects[e.subject].markers[e.marker];
  }
  w.pose = test.state().parent_from_joint;
  worldFromJoints(test.model(), w.pose, w.world);
  const auto joint = static_cast<std::size_t>(test.subject().markers[about.marker].joint);
  const std::int32_t parent = test.model().joint_parent[joint];
  if (parent > 0) turnJoint(test, static_cast<std::size_t>(parent));
  turnJoint(test, joint);
  fit(test, kSteps, w.trial);
  costs.after = costAbout(test, w.trial, about);
  pose.assign(w.pose.begin(), w.pose.end());
  return costs;
}

// Moves the joints that the fit has turned far, of the limb from the exchanged one's parent on.
void moveLimb(const GuardTest& test, std::size_t joint,
              const std::vector<math::RigidTransformd>& pose) {
  constexpr double kFarTurn = 0.15;
  SwapGuardWorkspace& w = test.work();
  const SolveModel& model = test.model();
  w.moved.assign(model.joints(), 0);
  w.moved[joint] = 1;
  if (model.joint_parent[joint] > 0)
    w.moved[static_cast<std::size_t>(model.joint_parent[joint])] = 1;
  for (std::size_t j = 1; j < model.joints(); ++j) {
    if (w.moved[static_cast<std::size_t>(model.joint_parent[j])]) w.moved[j] = 1;
  }
  for (std::size_t j = 0; j < model.joints(); ++j) {
    if (rotationAngle(test.state().parent_from_joint[j].rotation, pose[j].rotation) < kFarTurn)
      w.moved[j] = 0;
  }
  moveJoints(model, pose, w.moved, test.state());
}

void correct(const SwapGuard& guard, const Rivals& rivals,
             std::span<const frame::SlotExchange> exchanges) {
  const std::uint64_t now = guard.labels.stamp.sequence;
  std::uint64_t since = 0;
  const auto doubtSlot = [&](std::size_t subject, std::size_t marker) {
    const GuardTest test{guard, subject};
    SwapGuardState::Slot& slot = test.slot(marker);
    if (slot.doubt > 0) since = std::max(since, slot.doubted_since);
    doubtName(guard.settings, now, slot);
    slot.doubted_since = now;
    test.state().bias[marker] = glm::dvec3(0.0);
  };
  for (const frame::SlotExchange& e : exchanges) {
    doubtSlot(e.subject, e.marker);
    doubtSlot(e.other_subject, e.other_marker);
    std::swap(guard.labels.subjects[e.subject].markers[e.marker],
              guard.labels.subjects[e.other_subject].markers[e.other_marker]);
  }
  moveLimb({guard, rivals.one}, static_cast<std::size_t>(rivals.joint_one),
           guard.workspace.best_pose);
  moveLimb({guard, rivals.other}, static_cast<std::size_t>(rivals.joint_other),
           guard.workspace.other_pose);
  if (since >= now || guard.events.size() == guard.events.capacity()) return;
  frame::CaptureEvent& event = guard.events.emplace_back();
  event.kind = frame::CaptureEventKind::swap_corrected;
  event.first_sequence = since;
  event.last_sequence = now - 1;
  event.subject = static_cast<std::uint32_t>(rivals.one);
  event.exchange_count = static_cast<std::uint32_t>(exchanges.size());
  std::copy(exchanges.begin(), exchanges.end(), event.exchanges.begin());
}

bool isSamePair(const Rivals& a, const Rivals& b) {
  return a.one == b.one && a.other == b.other && a.joint_one == b.joint_one &&
         a.joint_other == b.joint_other;
}

}  // namespace

void testRivals(const SwapGuard& guard) {
  SwapGuardWorkspace& w = guard.workspace;
  Rivals& rivals = guard.state.rivals;
  const std::uint64_t now = guard.labels.stamp.sequence;
  if (guard.subjects.size() < 2 || now % kEvery != 0) return;
  listRestless(guard);
  const Rivals last = rivals;
  if (!findRivals(guard, rivals)) {
    rivals.wins = 0;
    return;
  }
  std::array<frame::SlotExchange, frame::kMostExchanges> pairs;
  const std::uint32_t count = pairSlots(guard, rivals, pairs);
  if (!isSamePair(rivals, last)) rivals.wins = 0;
  if (count == 0) return;
  const std::span<const frame::SlotExchange> exchanges(pairs.data(), count);
  const Costs one = compare({guard, rivals.one}, exchanges, true, w.best_pose);
  const Costs other = compare({guard, rivals.other}, exchanges, false, w.other_pose);
  const double before = one.before + other.before, after = one.after + other.after;
  if (!isBetter(guard.settings, after, before)) {
    rivals.wins = 0;
    return;
  }
  ++rivals.wins;
  if (rivals.wins < guard.settings.confirm && !isDecisive(guard.settings, after, before)) return;
  rivals.wins = 0;
  correct(guard, rivals, exchanges);
}

}  // namespace understudy::solve
