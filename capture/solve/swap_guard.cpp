#include "capture/solve/swap_guard.h"

#include <algorithm>
#include <cmath>

#include "capture/solve/recognise_steps.h"
#include "capture/solve/solve_steps.h"

namespace understudy::solve {
namespace {

using math::RigidTransformd;
using Slot = SwapGuardState::Slot;
using Suspicion = SwapGuardState::Suspicion;

constexpr std::size_t kMostCandidates = 64;  // Pairs that are ranked for one test.
constexpr std::size_t kTrials = 4;           // Pairs that are fitted at each depth ...
constexpr std::size_t kMostDepth = 4;        // ... of exchanges on exchanges.
constexpr int kSteps = 3;                    // Of each fit.
constexpr double kFarOff = 0.06;             // Distances from the model count up to this, metres.
constexpr double kTurnShare = 2.0e-5;        // Cost of turning away from rest, m^2 per rad^2.
constexpr double kFreeLunch = 1.5e-4;        // What a freedom costs that a marker takes up, m^2.
constexpr double kFarLess = 1.0e-4;          // Distances so much worse need no fit, m^2.
constexpr std::size_t kMostSpare = frame::kMostSparePlaces;
constexpr std::uint32_t kFirstInterval = 2, kLastInterval = 64;  // Frames between tests.
constexpr std::uint32_t kQuiet = 24;  // A restless marker calls for tests this often, frames.

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
  if (slot.doubt == 0 || sequence > slot.last_alarm + kQuiet) slot.doubted_since = sequence;
  slot.last_alarm = sequence;
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
      if (guard.labels.stamp.sequence >= slot.quiet_until) {
        slot.quiet_until = guard.labels.stamp.sequence + kQuiet;
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

// ---- Freedoms ----

// Freedoms of a joint that so many markers take up: as far as they do, the markers fit anywhere.
double freedomsTaken(const Test& test, std::size_t joint, std::size_t markers) {
  const std::int32_t freedoms = test.model().joint_freedoms[joint];
  if (freedoms == 6) return markers == 0 ? 0.0 : markers == 1 ? 3.0 : markers == 2 ? 5.0 : 6.0;
  if (freedoms == 3) return markers == 0 ? 0.0 : markers == 1 ? 2.0 : 3.0;
  return 0.0;
}

// What it costs more to explain the markers after a name moved from one slot to an empty one, since
// there it takes up freedoms that nothing measures: a marker fits best where it is alone.
double costOfMove(const Test& test, std::size_t from, std::size_t to) {
  const std::vector<subject::SubjectMarker>& markers = test.subject().markers;
  const auto joint_from = static_cast<std::size_t>(markers[from].joint);
  const auto joint_to = static_cast<std::size_t>(markers[to].joint);
  if (joint_from == joint_to) return 0.0;
  std::size_t seen_from = 0, seen_to = 0;
  for (std::size_t m = 0; m < markers.size(); ++m) {
    if (!isSeen(test.work().labelled.markers[m])) continue;
    seen_from += static_cast<std::size_t>(markers[m].joint) == joint_from;
    seen_to += static_cast<std::size_t>(markers[m].joint) == joint_to;
  }
  return kFreeLunch * (freedomsTaken(test, joint_from, seen_from - 1) -
                       freedomsTaken(test, joint_from, seen_from) +
                       freedomsTaken(test, joint_to, seen_to + 1) -
                       freedomsTaken(test, joint_to, seen_to));
}

// The same for an exchange, which moves a name only where one of the slots is empty. To be asked
// before the exchange.
double costOfFreedoms(const Test& test, std::size_t one, std::size_t other) {
  const std::vector<frame::LabelledMarker>& slots = test.work().labelled.markers;
  const std::size_t names = test.subject().markers.size();
  if (one >= names || other >= names || isSeen(slots[one]) == isSeen(slots[other])) return 0.0;
  return isSeen(slots[one]) ? costOfMove(test, one, other) : costOfMove(test, other, one);
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
  const std::size_t names = test.subject().markers.size();
  const auto add = [&](std::size_t from, std::size_t to) {
    if (!isSeen(slots[from])) return;
    const glm::dvec3 place(slots[from].position);
    if (from < names) gain += distanceCost(test, from, to, place);
    if (to < names) gain -= distanceCost(test, to, from, place);
  };
  add(one, other);
  add(other, one);
  return gain - costOfFreedoms(test, one, other);
}

void offer(const Test& test, std::size_t one, std::size_t other) {
  std::vector<SwapGuardWorkspace::Candidate>& candidates = test.work().candidates;
  if (candidates.size() == kMostCandidates) return;
  const double gain = gainOfExchange(test, one, other);
  if (gain > -kFarLess) candidates.push_back({one, other, gain});
}

// Lists pairs that could have each other's names, most promising first.
void listCandidates(const Test& test) {
  std::vector<SwapGuardWorkspace::Candidate>& candidates = test.work().candidates;
  const std::vector<frame::LabelledMarker>& slots = test.work().labelled.markers;
  const std::size_t names = test.subject().markers.size();
  const SolveModel& model = test.model();
  const double reach = test.guard.settings.farthest_exchange;
  const auto isNear = [&](std::size_t one, std::size_t other) {
    return distance(glm::dvec3(slots[one].position), glm::dvec3(slots[other].position)) < reach;
  };
  candidates.clear();
  for (std::size_t one = 0; one < names; ++one) {
    if (!isSeen(slots[one]) || test.slot(one).doubt == 0) continue;
    const std::size_t begin = static_cast<std::size_t>(model.neighbour_start[one]);
    const std::size_t end = static_cast<std::size_t>(model.neighbour_start[one + 1]);
    for (std::size_t n = begin; n < end; ++n) {
      const std::size_t other = static_cast<std::size_t>(model.neighbours[n]);
      if (other == one) continue;
      if (!isSeen(slots[other])) {
        if (test.slot(other).hidden > test.guard.settings.doubted_gap) offer(test, one, other);
      } else if (other > one && test.slot(other).doubt > 0 && isNear(one, other)) {
        offer(test, one, other);
      }
    }
    for (std::size_t spare = names; spare < slots.size(); ++spare) {
      if (isSeen(slots[spare]) && isNear(one, spare)) offer(test, one, spare);
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
  worldFromJoints(test.model(), w.pose, w.world);
}

// Fits w.pose to w.labelled and says what is left of it: squared distances of the markers, and a
// little for every joint's turn away from rest, which decides where two markers on a limb fit
// either way.
void fit(const Test& test, GuardFit& result) {
  SwapGuardWorkspace& w = test.work();
  SolveWorkspace& solve_workspace = test.guard.solve_workspaces[test.index];
  fitPose(test.subject(), test.model(), test.guard.solve_settings, test.guard.kernels, w.labelled,
          kSteps, solve_workspace, w.pose);
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
    result.turns += kTurnShare * turn * turn;
  }
  result.total += result.turns;
}

// Of the markers about the exchanged ones: the rest of the body has no say in whether an exchange
// is clearly better.
double costAbout(const Test& test, const GuardFit& result, const frame::SlotExchange& pair) {
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

// Within a test, the spare places are slots behind those of the subject.
std::size_t placeOf(const Test& test, std::uint16_t subject, std::uint16_t marker) {
  return subject == frame::kSparePlace ? test.subject().markers.size() + marker : marker;
}

void exchangeSlots(const Test& test, const frame::SlotExchange& pair) {
  std::vector<frame::LabelledMarker>& slots = test.work().labelled.markers;
  std::swap(slots[placeOf(test, pair.subject, pair.marker)],
            slots[placeOf(test, pair.other_subject, pair.other_marker)]);
}

// So much better that a single frame is enough.
bool isDecisive(const SwapGuardSettings& settings, double after, double before) {
  return after < settings.decisive * before && after < before - 10.0 * settings.least_gain;
}

// Fits with one more exchange than w.labelled has, from w.start; w.labelled stays, w.pose and
// w.trial are the fit.
void fitExchanged(const Test& test, const frame::SlotExchange& pair) {
  SwapGuardWorkspace& w = test.work();
  w.pose = w.start;
  exchangeSlots(test, pair);
  worldFromJoints(test.model(), w.pose, w.world);
  const std::size_t one = static_cast<std::size_t>(test.subject().markers[pair.marker].joint);
  std::size_t other = one;
  if (pair.other_subject != frame::kSparePlace)
    other = static_cast<std::size_t>(test.subject().markers[pair.other_marker].joint);
  turnJoint(test, std::min(one, other));
  if (one != other) turnJoint(test, std::max(one, other));
  fit(test, w.trial);
  exchangeSlots(test, pair);
}

bool isBetter(const SwapGuardSettings& settings, double after, double before) {
  return after < settings.clearly_better * before && after < before - settings.least_gain;
}

// ---- Tests ----

struct Finding {
  std::array<frame::SlotExchange, frame::kMostExchanges> exchanges{};
  std::uint32_t count = 0;
  bool decisive = true;  // Every one of them.
};

bool isSame(const Finding& finding, const Suspicion& suspicion) {
  if (finding.count != suspicion.count) return false;
  for (std::uint32_t i = 0; i < finding.count; ++i) {
    const frame::SlotExchange &a = finding.exchanges[i], &b = suspicion.exchanges[i];
    if (a.marker != b.marker || a.other_subject != b.other_subject) return false;
    // Which unnamed marker it is changes from frame to frame.
    if (a.other_subject != frame::kSparePlace && a.other_marker != b.other_marker) return false;
  }
  return true;
}

// The subject's slots, and unnamed markers near the doubted ones behind them.
void layOutSlots(const Test& test) {
  SwapGuardWorkspace& w = test.work();
  const std::vector<frame::LabelledMarker>& slots = test.slots();
  w.labelled.markers.assign(slots.begin(), slots.end());
  w.spare_index.clear();
  const float reach = static_cast<float>(test.guard.settings.farthest_exchange);
  const std::vector<frame::Marker>& unnamed = test.guard.labels.unlabelled;
  for (std::size_t u = 0; u < unnamed.size() && w.spare_index.size() < kMostSpare; ++u) {
    for (std::size_t m = 0; m < slots.size(); ++m) {
      if (!isSeen(slots[m]) || test.slot(m).doubt == 0) continue;
      const glm::vec3 between = slots[m].position - unnamed[u].position;
      if (glm::dot(between, between) > reach * reach) continue;
      w.labelled.markers.push_back({unnamed[u].position, unnamed[u].covariance, 1.0f});
      w.spare_index.push_back(static_cast<std::int32_t>(u));
      break;
    }
  }
}

frame::SlotExchange exchangeOf(const Test& test, const SwapGuardWorkspace::Candidate& candidate) {
  const std::size_t names = test.subject().markers.size();
  const auto index = static_cast<std::uint16_t>(test.index);
  frame::SlotExchange pair{.subject = index,
                           .marker = static_cast<std::uint16_t>(candidate.one),
                           .other_subject = index,
                           .other_marker = static_cast<std::uint16_t>(candidate.other)};
  if (candidate.other >= names) {
    pair.other_subject = frame::kSparePlace;
    pair.other_marker = static_cast<std::uint16_t>(candidate.other - names);
  }
  return pair;
}

// Looks for the exchanges that explain this frame best; w.best_pose is their fit.
Finding findExchanges(const Test& test) {
  SwapGuardWorkspace& w = test.work();
  Finding finding;
  layOutSlots(test);
  w.start = test.state().parent_from_joint;
  for (std::size_t depth = 0; depth < kMostDepth; ++depth) {
    listCandidates(test);
    if (w.candidates.empty()) break;
    if (depth == 0) {
      w.pose = w.start;
      fit(test, w.before);
    }
    double best = w.before.total, best_freedoms = 0.0;
    frame::SlotExchange chosen{};
    for (const SwapGuardWorkspace::Candidate& candidate : w.candidates) {
      const frame::SlotExchange pair = exchangeOf(test, candidate);
      const double freedoms = costOfFreedoms(test, candidate.one, candidate.other);
      fitExchanged(test, pair);
      w.trial.total += freedoms;
      if (w.trial.total >= best) continue;
      best = w.trial.total;
      best_freedoms = freedoms;
      chosen = pair;
      std::swap(w.best_pose, w.pose);
      std::swap(w.best, w.trial);
    }
    if (!(best < w.before.total)) break;
    const double before = costAbout(test, w.before, chosen) + std::max(0.0, -best_freedoms);
    const double after = costAbout(test, w.best, chosen) + std::max(0.0, best_freedoms);
    if (!isBetter(test.guard.settings, after, before)) break;
    finding.decisive = finding.decisive && isDecisive(test.guard.settings, after, before);
    finding.exchanges[finding.count++] = chosen;
    exchangeSlots(test, chosen);
    w.start = w.best_pose;
    std::swap(w.before, w.best);
  }
  w.best_pose = w.start;
  return finding;
}

template <class Function>
void forEachMarker(const Finding& finding, const Function& function) {
  for (std::uint32_t i = 0; i < finding.count; ++i) {
    function(finding.exchanges[i].marker);
    if (finding.exchanges[i].other_subject != frame::kSparePlace)
      function(finding.exchanges[i].other_marker);
  }
}

// The first frame in which all the exchanged names were in doubt: these can have been wrong.
std::uint64_t beginOf(const Test& test, const Finding& finding) {
  std::uint64_t since = 0;
  forEachMarker(finding, [&](std::size_t marker) {
    if (test.slot(marker).doubt > 0) since = std::max(since, test.slot(marker).doubted_since);
  });
  return since;
}

// True if the exchanges explain the oldest frame of the window better, too, as far as they can be
// tested there: since the doubt began, with the same markers in sight and none that had no name.
bool holdsInWindow(const Test& test, const Finding& finding) {
  SwapGuardWorkspace& w = test.work();
  const std::uint64_t now = test.guard.labels.stamp.sequence;
  const std::uint64_t since = beginOf(test, finding);
  for (std::uint32_t i = 0; i < finding.count; ++i) {
    if (finding.exchanges[i].other_subject == frame::kSparePlace) return true;
  }
  for (std::size_t k = 0; k + 1 < kGuardWindow; ++k) {
    const frame::LabelledMarkers& past =
        test.guard.state.window[(test.guard.state.next + k) % kGuardWindow];
    const frame::LabelledSubject& subject = past.subjects[test.index];
    bool whole = subject.tracked && past.stamp.sequence >= since &&
                 past.stamp.sequence + kGuardWindow >= now;
    forEachMarker(finding, [&](std::size_t marker) {
      whole = whole && isSeen(subject.markers[marker]) == isSeen(test.slots()[marker]);
    });
    if (!whole) continue;
    w.labelled.markers.assign(subject.markers.begin(), subject.markers.end());
    w.pose = test.state().parent_from_joint;
    fit(test, w.before);
    for (std::uint32_t i = 0; i < finding.count; ++i) exchangeSlots(test, finding.exchanges[i]);
    w.pose = w.best_pose;
    fit(test, w.trial);
    return w.trial.total < w.before.total - test.guard.settings.least_gain;
  }
  return true;
}

// Writes the new names; what has none any more goes back to the unnamed.
void rename(const Test& test, const Finding& finding) {
  SwapGuardWorkspace& w = test.work();
  std::vector<frame::Marker>& unnamed = test.guard.labels.unlabelled;
  layOutSlots(test);
  for (std::uint32_t i = 0; i < finding.count; ++i) exchangeSlots(test, finding.exchanges[i]);
  const std::size_t names = test.subject().markers.size();
  std::copy_n(w.labelled.markers.begin(), names, test.slots().begin());
  for (std::size_t k = 0; k < w.spare_index.size(); ++k) {
    frame::Marker& marker = unnamed[static_cast<std::size_t>(w.spare_index[k])];
    const frame::LabelledMarker& left = w.labelled.markers[names + k];
    if (left.position == marker.position) continue;
    marker.position = left.position;
    marker.covariance = left.covariance;
    marker.prediction = frame::kNoPrediction;
  }
}

// Marks the joints that the fit has turned far, of those from the exchanged markers' parents
// outwards: the solver finds the others, and keeps their velocities.
void markMoved(const Test& test, const Finding& finding) {
  constexpr double kFarTurn = 0.15;
  SwapGuardWorkspace& w = test.work();
  const SolveModel& model = test.model();
  w.moved.assign(model.joints(), 0);
  forEachMarker(finding, [&](std::size_t marker) {
    const auto joint = static_cast<std::size_t>(test.subject().markers[marker].joint);
    w.moved[joint] = 1;
    if (model.joint_parent[joint] > 0)
      w.moved[static_cast<std::size_t>(model.joint_parent[joint])] = 1;
  });
  for (std::size_t j = 1; j < model.joints(); ++j) {
    const std::int32_t parent = model.joint_parent[j];
    if (parent >= 0 && w.moved[static_cast<std::size_t>(parent)] == 1) w.moved[j] = 1;
  }
  for (std::size_t j = 0; j < model.joints(); ++j) {
    const double turn =
        rotationAngle(test.state().parent_from_joint[j].rotation, w.best_pose[j].rotation);
    if (turn < kFarTurn) w.moved[j] = 0;
  }
}

void correct(const Test& test, const Finding& finding) {
  SwapGuardWorkspace& w = test.work();
  const std::uint64_t now = test.guard.labels.stamp.sequence;
  const std::uint64_t since = beginOf(test, finding);
  rename(test, finding);
  forEachMarker(finding, [&](std::size_t marker) {
    test.state().bias[marker] = glm::dvec3(0.0);
    doubt(test.guard.settings, now, test.slot(marker));
    test.slot(marker).doubted_since = now;
  });
  markMoved(test, finding);
  moveJoints(test.model(), w.best_pose, w.moved, test.state());
  if (since >= now || test.guard.events.size() == test.guard.events.capacity()) return;
  test.guard.events.push_back({.kind = frame::CaptureEventKind::swap_corrected,
                               .first_sequence = since,
                               .last_sequence = now - 1,
                               .subject = static_cast<std::uint32_t>(test.index),
                               .exchange_count = finding.count,
                               .exchanges = finding.exchanges});
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
  if (suspicion.wins < test.guard.settings.confirm && !finding.decisive) return;
  suspicion.wins = suspicion.count = 0;
  if (holdsInWindow(test, finding)) correct(test, finding);
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
  w.labelled.markers.reserve(markers + kMostSpare);
  w.spare_index.reserve(kMostSpare);
  for (GuardFit* result : {&w.before, &w.trial, &w.best}) result->of_marker.reserve(markers);
  return w;
}

void doubtNames(std::uint32_t subject, std::uint64_t sequence, const SwapGuardSettings& settings,
                SwapGuardState& state) {
  for (std::size_t slot = state.first_slot[subject]; slot < state.first_slot[subject + 1]; ++slot)
    doubt(settings, sequence, state.slots[slot]);
  state.suspicions[subject].next_test = sequence;
  state.suspicions[subject].interval = kFirstInterval;
}

void forgetDates(SwapGuardState& state) {
  for (Slot& slot : state.slots) slot.doubted_since = slot.last_alarm = slot.quiet_until = 0;
  for (Suspicion& suspicion : state.suspicions) suspicion.next_test = 0;
  for (frame::LabelledMarkers& kept : state.window) {
    for (frame::LabelledSubject& subject : kept.subjects) subject.tracked = false;
  }
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
