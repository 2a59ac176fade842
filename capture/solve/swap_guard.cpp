#include "capture/solve/swap_guard.h"

#include <algorithm>
#include <cmath>

#include "capture/solve/recognise_steps.h"

namespace understudy::solve {
namespace {

using math::RigidTransformd;
using Slot = SwapGuardState::Slot;
using Suspicion = SwapGuardState::Suspicion;

constexpr std::size_t kMostCandidates = 64;  // Pairs that are ranked for one test.
constexpr std::size_t kTrials = 4;           // Pairs that are fitted at each depth ...
constexpr std::size_t kMostDepth = 3;        // ... of exchanges on exchanges.
constexpr int kSteps = 3;                    // Of each fit.
constexpr double kFarOff = 0.06;             // Distances from the model count up to this, metres.
constexpr double kTurnShare = 2.0e-5;        // Cost of turning away from rest, m^2 per rad^2.
constexpr std::uint32_t kFirstInterval = 2, kLastInterval = 64;

// One subject under test.
struct Test {
  const SwapGuard& guard;
  std::size_t index;

  const subject::Subject& subject() const { return guard.subjects[index]; }
  const SolveModel& model() const { return guard.models[index]; }
  SolveState& state() const { return guard.states[index]; }
  SwapGuardWorkspace& work() const { return guard.workspace; }
  Suspicion& suspicion() const { return guard.state.suspicions[index]; }
  Slot& slot(std::size_t marker) const {
    return guard.state.slots[guard.state.first_slot[index] + marker];
  }
  std::vector<frame::LabelledMarker>& slots() const { return guard.labels.subjects[index].markers; }
};

bool isSeen(const frame::LabelledMarker& marker) { return marker.confidence > 0.0f; }

double squared(const glm::dvec3& v) { return glm::dot(v, v); }

// ---- Doubts ----

void doubt(const SwapGuardSettings& settings, std::uint64_t sequence, Slot& slot) {
  if (slot.doubt == 0) slot.doubted_since = sequence;
  slot.doubt = settings.sure_after;
}

void updateDoubts(const SwapGuard& guard) {
  for (std::size_t s = 0; s < guard.subjects.size(); ++s) {
    Suspicion& suspicion = guard.state.suspicions[s];
    suspicion.doubted = false;
    if (guard.states[s].tracked && !suspicion.tracked)
      doubtNames(static_cast<std::uint32_t>(s), guard.labels.stamp.sequence, guard.settings,
                 guard.state);
    suspicion.tracked = guard.states[s].tracked;
  }
  const double jump = guard.settings.doubted_jump * guard.settings.doubted_jump;
  for (const frame::PredictedMarker& predicted : guard.predictions.markers) {
    if (predicted.subject >= guard.subjects.size()) continue;
    Slot& slot = guard.state.slots[guard.state.first_slot[predicted.subject] + predicted.marker];
    Suspicion& suspicion = guard.state.suspicions[predicted.subject];
    const frame::LabelledMarker& seen =
        guard.labels.subjects[predicted.subject].markers[predicted.marker];
    if (!isSeen(seen)) {
      ++slot.hidden;
      continue;
    }
    const glm::dvec3 off = glm::dvec3(seen.position) - glm::dvec3(predicted.position);
    const bool returned = slot.hidden > guard.settings.doubted_gap;
    slot.hidden = 0;
    if (returned || squared(off) > jump) {
      if (slot.doubt == 0) {  // Not again and again for a marker that never comes to rest.
        suspicion.interval = kFirstInterval;
        suspicion.next_test = std::min(suspicion.next_test, guard.labels.stamp.sequence);
      }
      doubt(guard.settings, guard.labels.stamp.sequence, slot);
    } else if (slot.doubt > 0) {
      const glm::dvec3& bias = guard.states[predicted.subject].bias[predicted.marker];
      const double sure = guard.settings.sure_distance * guard.settings.sure_distance;
      if (squared(bias) < sure) --slot.doubt;
    }
    suspicion.doubted = suspicion.doubted || slot.doubt > 0;
  }
}

// ---- Candidates ----

// How badly the distances from a place to the seen markers of a segment suit the marker that would
// be there; `except` is left out.
double distanceCost(const Test& test, std::size_t marker, std::size_t except,
                    const glm::dvec3& place) {
  const std::vector<subject::SubjectMarker>& markers = test.subject().markers;
  double cost = 0.0;
  for (std::size_t n = 0; n < markers.size(); ++n) {
    if (n == marker || n == except || markers[n].joint != markers[marker].joint) continue;
    const frame::LabelledMarker& other = test.work().labelled.markers[n];
    if (!isSeen(other)) continue;
    const double wanted =
        distance(glm::dvec3(markers[n].offset_joint), glm::dvec3(markers[marker].offset_joint));
    const double off = std::abs(distance(glm::dvec3(other.position), place) - wanted);
    cost += std::min(off, kFarOff) * std::min(off, kFarOff);
  }
  return cost;
}

double gainOfExchange(const Test& test, std::size_t one, std::size_t other) {
  const std::vector<frame::LabelledMarker>& slots = test.work().labelled.markers;
  double gain = 0.0;
  const auto add = [&](std::size_t from, std::size_t to) {
    if (!isSeen(slots[from])) return;
    const glm::dvec3 place(slots[from].position);
    gain += distanceCost(test, from, to, place) - distanceCost(test, to, from, place);
  };
  add(one, other);
  add(other, one);
  return gain;
}

// Lists pairs that could have each other's names, most promising first.
void listCandidates(const Test& test) {
  std::vector<SwapGuardWorkspace::Candidate>& candidates = test.work().candidates;
  const std::vector<frame::LabelledMarker>& slots = test.work().labelled.markers;
  const SolveModel& model = test.model();
  const double reach =
      test.guard.settings.farthest_exchange * test.guard.settings.farthest_exchange;
  candidates.clear();
  for (std::size_t one = 0; one < slots.size(); ++one) {
    if (!isSeen(slots[one]) || test.slot(one).doubt == 0) continue;
    const std::size_t begin = static_cast<std::size_t>(model.neighbour_start[one]);
    const std::size_t end = static_cast<std::size_t>(model.neighbour_start[one + 1]);
    for (std::size_t n = begin; n < end; ++n) {
      const std::size_t other = static_cast<std::size_t>(model.neighbours[n]);
      if (other == one || candidates.size() == kMostCandidates) continue;
      const bool seen = isSeen(slots[other]);
      if (seen && (other < one || test.slot(other).doubt == 0)) continue;
      if (!seen && test.slot(other).hidden <= test.guard.settings.doubted_gap) continue;
      if (seen &&
          squared(glm::dvec3(slots[one].position) - glm::dvec3(slots[other].position)) > reach)
        continue;
      candidates.push_back({one, other, gainOfExchange(test, one, other)});
    }
  }
  std::sort(candidates.begin(), candidates.end(),
            [](const SwapGuardWorkspace::Candidate& a, const SwapGuardWorkspace::Candidate& b) {
              if (a.gain != b.gain) return a.gain > b.gain;
              return a.one != b.one ? a.one < b.one : a.other < b.other;
            });
  if (candidates.size() > kTrials) candidates.resize(kTrials);
}

// ---- Fits ----

void updateWorld(const Test& test, const std::vector<RigidTransformd>& pose) {
  std::vector<RigidTransformd>& world = test.work().world;
  for (std::size_t j = 0; j < test.model().joints(); ++j) {
    const std::int32_t parent = test.model().joint_parent[j];
    world[j] = parent < 0 ? pose[j] : world[static_cast<std::size_t>(parent)] * pose[j];
  }
}

// Turns a joint to where its markers are; what hangs on it keeps its direction in the world.
void turnJoint(const Test& test, std::size_t joint) {
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
  updateWorld(test, w.pose);
}

// Fits w.pose to w.labelled; returns what is left: squared distances of the markers, and a little
// for every joint's turn away from rest, which decides where two markers on a limb fit either way.
double fit(const Test& test) {
  SwapGuardWorkspace& w = test.work();
  SolveWorkspace& solve_workspace = test.guard.solve_workspaces[test.index];
  fitPose(test.subject(), test.model(), test.guard.solve_settings, test.guard.kernels, w.labelled,
          kSteps, solve_workspace, w.pose);
  double cost = 0.0;
  for (std::size_t m = 0; m < test.subject().markers.size(); ++m) {
    if (!isSeen(w.labelled.markers[m])) continue;
    const double off =
        squared(glm::dvec3(w.labelled.markers[m].position) -
                markerPosition(test.subject().markers[m], solve_workspace.world_from_joint));
    cost += std::min(off, kFarOff * kFarOff);
  }
  for (std::size_t j = 1; j < test.model().joints(); ++j) {
    if (test.model().joint_freedoms[j] == 0) continue;
    const double turn = rotationAngle(test.model().rest[j].rotation, w.pose[j].rotation);
    cost += kTurnShare * turn * turn;
  }
  return cost;
}

void exchangeSlots(std::vector<frame::LabelledMarker>& slots, const frame::SlotExchange& pair) {
  std::swap(slots[pair.marker], slots[pair.other_marker]);
}

// Fits with one more exchange than w.labelled has; w.labelled stays, w.pose is the fit.
double fitExchanged(const Test& test, const std::vector<RigidTransformd>& start,
                    const frame::SlotExchange& pair) {
  SwapGuardWorkspace& w = test.work();
  w.pose = start;
  exchangeSlots(w.labelled.markers, pair);
  updateWorld(test, w.pose);
  const int one = test.subject().markers[pair.marker].joint;
  const int other = test.subject().markers[pair.other_marker].joint;
  turnJoint(test, static_cast<std::size_t>(std::min(one, other)));
  if (one != other) turnJoint(test, static_cast<std::size_t>(std::max(one, other)));
  const double cost = fit(test);
  exchangeSlots(w.labelled.markers, pair);
  return cost;
}

bool isBetter(const SwapGuardSettings& settings, double after, double before) {
  return after < settings.clearly_better * before && after < before - settings.least_gain;
}

// ---- Tests ----

struct Finding {
  std::array<frame::SlotExchange, frame::kMostExchanges> exchanges{};
  std::uint32_t count = 0;
};

bool isSame(const Finding& finding, const Suspicion& suspicion) {
  if (finding.count != suspicion.count) return false;
  for (std::uint32_t i = 0; i < finding.count; ++i) {
    if (finding.exchanges[i].marker != suspicion.exchanges[i].marker ||
        finding.exchanges[i].other_marker != suspicion.exchanges[i].other_marker)
      return false;
  }
  return true;
}

// Looks for the exchanges that explain this frame best; w.best_pose is their fit.
Finding findExchanges(const Test& test) {
  SwapGuardWorkspace& w = test.work();
  Finding finding;
  w.labelled.markers.assign(test.slots().begin(), test.slots().end());
  w.best_pose = test.state().parent_from_joint;
  double best = -1.0;
  for (std::size_t depth = 0; depth < kMostDepth; ++depth) {
    listCandidates(test);
    if (w.candidates.empty()) break;
    if (best < 0.0) {
      w.pose = w.best_pose;
      best = fit(test);
      w.best_pose = w.pose;
    }
    const double before = best;
    w.start = depth == 0 ? test.state().parent_from_joint : w.best_pose;
    frame::SlotExchange chosen{};
    for (const SwapGuardWorkspace::Candidate& candidate : w.candidates) {
      const auto index = static_cast<std::uint16_t>(test.index);
      const frame::SlotExchange pair{index, static_cast<std::uint16_t>(candidate.one), index,
                                     static_cast<std::uint16_t>(candidate.other)};
      const double cost = fitExchanged(test, w.start, pair);
      if (cost >= best) continue;
      best = cost;
      chosen = pair;
      w.best_pose = w.pose;
    }
    if (!isBetter(test.guard.settings, best, before)) break;
    finding.exchanges[finding.count++] = chosen;
    exchangeSlots(w.labelled.markers, chosen);
  }
  return finding;
}

// True if the exchanges explain the oldest frame of the window better, too, as far as they can be
// tested there: since the doubt began, and with all the markers in sight.
bool holdsInWindow(const Test& test, const Finding& finding, std::uint64_t since) {
  SwapGuardWorkspace& w = test.work();
  for (std::size_t k = 0; k + 1 < kGuardWindow; ++k) {
    const frame::LabelledMarkers& past =
        test.guard.state.window[(test.guard.state.next + k) % kGuardWindow];
    if (past.subjects.empty() || past.stamp.sequence < since ||
        past.stamp.sequence + kGuardWindow < test.guard.labels.stamp.sequence)
      continue;
    const std::vector<frame::LabelledMarker>& slots = past.subjects[test.index].markers;
    bool whole = past.subjects[test.index].tracked;
    for (std::uint32_t i = 0; i < finding.count; ++i) {
      whole = whole &&
              isSeen(slots[finding.exchanges[i].marker]) ==
                  isSeen(test.slots()[finding.exchanges[i].marker]) &&
              isSeen(slots[finding.exchanges[i].other_marker]) ==
                  isSeen(test.slots()[finding.exchanges[i].other_marker]);
    }
    if (!whole) continue;
    w.labelled.markers.assign(slots.begin(), slots.end());
    w.pose = test.state().parent_from_joint;
    const double before = fit(test);
    for (std::uint32_t i = 0; i < finding.count; ++i)
      exchangeSlots(w.labelled.markers, finding.exchanges[i]);
    w.pose = w.best_pose;
    return isBetter(test.guard.settings, fit(test), before);
  }
  return true;
}

void correct(const Test& test, const Finding& finding) {
  SwapGuardWorkspace& w = test.work();
  const std::uint64_t now = test.guard.labels.stamp.sequence;
  std::uint64_t since = 0;
  w.moved.assign(test.model().joints(), 0);
  for (std::uint32_t i = 0; i < finding.count; ++i) {
    const frame::SlotExchange& pair = finding.exchanges[i];
    exchangeSlots(test.slots(), pair);
    for (const std::size_t marker : {std::size_t{pair.marker}, std::size_t{pair.other_marker}}) {
      if (test.slot(marker).doubt > 0) since = std::max(since, test.slot(marker).doubted_since);
      w.moved[static_cast<std::size_t>(test.subject().markers[marker].joint)] = 1;
      test.state().bias[marker] = glm::dvec3(0.0);
      doubt(test.guard.settings, now, test.slot(marker));
    }
  }
  for (std::size_t j = 1; j < test.model().joints(); ++j) {
    const std::int32_t parent = test.model().joint_parent[j];
    if (parent >= 0 && w.moved[static_cast<std::size_t>(parent)] == 1 && w.moved[j] == 0)
      w.moved[j] = 2;
  }
  moveJoints(test.model(), w.best_pose, w.moved, test.state());
  if (since >= now || test.guard.events.size() == test.guard.events.capacity()) return;
  test.guard.events.push_back({.kind = frame::CaptureEventKind::swap_corrected,
                               .first_sequence = since,
                               .last_sequence = now - 1,
                               .subject = static_cast<std::uint32_t>(test.index),
                               .exchange_count = finding.count,
                               .exchanges = finding.exchanges});
}

std::uint64_t beginOf(const Test& test, const Finding& finding) {
  std::uint64_t since = 0;
  for (std::uint32_t i = 0; i < finding.count; ++i) {
    for (const std::uint16_t marker :
         {finding.exchanges[i].marker, finding.exchanges[i].other_marker}) {
      if (test.slot(marker).doubt > 0) since = std::max(since, test.slot(marker).doubted_since);
    }
  }
  return since;
}

void testSubject(const Test& test) {
  Suspicion& suspicion = test.suspicion();
  const std::uint64_t now = test.guard.labels.stamp.sequence;
  const Finding finding = findExchanges(test);
  if (finding.count == 0) {
    suspicion.wins = suspicion.count = 0;
    suspicion.next_test = now + suspicion.interval;
    suspicion.interval = std::min(2 * suspicion.interval, kLastInterval);
    return;
  }
  suspicion.wins = isSame(finding, suspicion) ? suspicion.wins + 1 : 1;
  suspicion.exchanges = finding.exchanges;
  suspicion.count = finding.count;
  suspicion.next_test = now + 1;
  suspicion.interval = kFirstInterval;
  if (suspicion.wins < test.guard.settings.confirm) return;
  suspicion.wins = suspicion.count = 0;
  if (holdsInWindow(test, finding, beginOf(test, finding))) correct(test, finding);
}

void remember(const SwapGuard& guard) {
  frame::LabelledMarkers& kept = guard.state.window[guard.state.next];
  kept.stamp = guard.labels.stamp;
  kept.subjects.resize(guard.labels.subjects.size());
  for (std::size_t s = 0; s < guard.labels.subjects.size(); ++s) {
    kept.subjects[s].tracked = guard.states[s].tracked;
    if (guard.state.suspicions[s].doubted)
      kept.subjects[s].markers = guard.labels.subjects[s].markers;
    else
      kept.subjects[s].tracked = false;
  }
  guard.state.next = (guard.state.next + 1) % kGuardWindow;
}

}  // namespace

core::Result<void> check(const SwapGuardSettings& s) {
  if (!(s.doubted_jump > 0.0)) return core::makeError("guard settings: doubted_jump must be > 0");
  if (!(s.sure_distance > 0.0)) return core::makeError("guard settings: sure_distance must be > 0");
  if (!(s.farthest_exchange > 0.0))
    return core::makeError("guard settings: farthest_exchange must be > 0");
  if (!(s.clearly_better > 0.0 && s.clearly_better < 1.0))
    return core::makeError("guard settings: clearly_better must be between 0 and 1");
  if (!(s.least_gain >= 0.0)) return core::makeError("guard settings: least_gain must be >= 0");
  if (s.confirm == 0) return core::makeError("guard settings: confirm must be > 0");
  return {};
}

SwapGuardState makeSwapGuardState(std::span<const subject::Subject> subjects) {
  SwapGuardState state;
  std::size_t total = 0;
  state.window.resize(kGuardWindow);
  for (const subject::Subject& subject : subjects) {
    state.first_slot.push_back(total);
    total += subject.markers.size();
    for (frame::LabelledMarkers& kept : state.window)
      kept.subjects.emplace_back().markers.resize(subject.markers.size());
  }
  state.first_slot.push_back(total);
  state.slots.resize(total);
  state.suspicions.resize(subjects.size());
  return state;
}

SwapGuardWorkspace makeSwapGuardWorkspace(std::span<const subject::Subject> subjects) {
  SwapGuardWorkspace w;
  std::size_t joints = 0, markers = 0;
  for (const subject::Subject& subject : subjects) {
    joints = std::max(joints, subject.skeleton.size());
    markers = std::max(markers, subject.markers.size());
  }
  w.candidates.reserve(kMostCandidates);
  w.pose.reserve(joints);
  w.best_pose.reserve(joints);
  w.start.reserve(joints);
  w.world.resize(joints);
  w.moved.reserve(joints);
  w.labelled.markers.reserve(markers);
  return w;
}

void doubtNames(std::uint32_t subject, std::uint64_t sequence, const SwapGuardSettings& settings,
                SwapGuardState& state) {
  for (std::size_t slot = state.first_slot[subject]; slot < state.first_slot[subject + 1]; ++slot)
    doubt(settings, sequence, state.slots[slot]);
  state.suspicions[subject].next_test = sequence;
  state.suspicions[subject].interval = kFirstInterval;
}

void SwapGuard::run() const {
  updateDoubts(*this);
  remember(*this);
  std::uint32_t tested = 0;
  const std::size_t count = subjects.size();
  for (std::size_t k = 0; k < count && tested < settings.subjects_a_frame; ++k) {
    const std::size_t s = (labels.stamp.sequence + k) % count;
    const Suspicion& suspicion = state.suspicions[s];
    if (!states[s].tracked || !suspicion.doubted || labels.stamp.sequence < suspicion.next_test)
      continue;
    ++tested;
    testSubject({*this, s});
  }
}

}  // namespace understudy::solve
