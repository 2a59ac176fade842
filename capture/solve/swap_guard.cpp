#include "capture/solve/swap_guard.h"

#include <algorithm>

#include "capture/solve/guard_test.h"

namespace understudy::solve {
namespace {

using Slot = SwapGuardState::Slot;
using Suspicion = SwapGuardState::Suspicion;

constexpr std::size_t kMostDepth = 4;  // Exchanges on exchanges.
constexpr int kSteps = 3;              // Of a fit.
constexpr std::size_t kMostSpare = frame::kMostSparePlaces;
constexpr std::uint32_t kFirstInterval = 2, kLastInterval = 64;  // Frames between tests.
constexpr std::uint32_t kSuddenly = 8;                           // Frames.
constexpr std::uint32_t kQuiet = 24;  // A restless marker calls for tests this often, frames.

// ---- Doubts ----

// True if other markers of the segment tell whether the name is right: alone, a marker fits under
// any of the segment's names that is not in sight.
bool isHeld(const SwapGuard& guard, std::size_t subject, std::size_t marker) {
  const std::vector<subject::SubjectMarker>& markers = guard.subjects[subject].markers;
  const std::vector<frame::LabelledMarker>& slots = guard.labels.subjects[subject].markers;
  const SolveModel& model = guard.models[subject];
  bool any_hidden = false;
  for (auto k = static_cast<std::size_t>(model.neighbour_start[marker]);
       k < static_cast<std::size_t>(model.neighbour_start[marker + 1]); ++k) {
    const auto n = static_cast<std::size_t>(model.neighbours[k]);
    if (n == marker || markers[n].joint != markers[marker].joint) continue;
    if (isSeen(slots[n])) return true;
    any_hidden = true;
  }
  return !any_hidden;
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
  const double most_misfit = guard.settings.doubted_misfit * guard.settings.doubted_misfit;
  const double sure = guard.settings.sure_distance * guard.settings.sure_distance;
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
    const glm::dvec3& bias = guard.states[predicted.subject].bias[predicted.marker];
    const double misfit = glm::dot(bias, bias);
    const bool returned = slot.hidden > guard.settings.doubted_gap;
    slot.hidden = 0;
    // A marker that comes off the model at once; where the model is at fault, that takes time.
    if (misfit < 0.25 * most_misfit) slot.last_fit = guard.labels.stamp.sequence;
    const bool left =
        misfit > most_misfit && guard.labels.stamp.sequence - slot.last_fit <= kSuddenly;
    if (returned || glm::dot(off, off) > jump || left) {
      if (guard.labels.stamp.sequence >= slot.quiet_until) {
        slot.quiet_until = guard.labels.stamp.sequence + kQuiet;
        suspicion.interval = kFirstInterval;
        suspicion.next_test = std::min(suspicion.next_test, guard.labels.stamp.sequence);
      }
      doubtName(guard.settings, guard.labels.stamp.sequence, slot);
    } else if (slot.doubt > 0) {
      if (misfit < sure && isHeld(guard, predicted.subject, predicted.marker)) --slot.doubt;
    }
    suspicion.doubted = suspicion.doubted || slot.doubt > 0;
  }
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
void layOutSlots(const GuardTest& test) {
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

frame::SlotExchange exchangeOf(const GuardTest& test,
                               const SwapGuardWorkspace::Candidate& candidate) {
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
Finding findExchanges(const GuardTest& test) {
  SwapGuardWorkspace& w = test.work();
  Finding finding;
  layOutSlots(test);
  w.start = test.state().parent_from_joint;
  measureUnrest(test);
  bool is_fitted = false;
  for (std::size_t depth = 0; depth < kMostDepth; ++depth) {
    listCandidates(test);
    double best = 0.0, best_freedoms = 0.0;
    frame::SlotExchange chosen{};
    bool any = false;
    for (const SwapGuardWorkspace::Candidate& candidate : w.candidates) {
      const frame::SlotExchange pair = exchangeOf(test, candidate);
      const double freedoms = costOfFreedoms(test, candidate.one, candidate.other);
      if (!isPromising(test, pair, freedoms)) continue;
      if (!is_fitted) {
        w.pose = w.start;
        fit(test, kSteps, w.before);
        is_fitted = true;
      }
      if (!any) best = w.before.total;
      any = true;
      fitExchanged(test, pair);
      w.trial.total += freedoms;
      if (w.trial.total >= best) continue;
      best = w.trial.total;
      best_freedoms = freedoms;
      chosen = pair;
      std::swap(w.best_pose, w.pose);
      std::swap(w.best, w.trial);
    }
    if (!any) break;
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
std::uint64_t beginOf(const GuardTest& test, const Finding& finding) {
  std::uint64_t since = 0;
  forEachMarker(finding, [&](std::size_t marker) {
    if (test.slot(marker).doubt > 0) since = std::max(since, test.slot(marker).doubted_since);
  });
  return since;
}

// True if the exchanges explain the oldest frame of the window better, too, as far as they can be
// tested there: since the doubt began, with the same markers in sight and none that had no name.
bool holdsInWindow(const GuardTest& test, const Finding& finding) {
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
    fit(test, kSteps, w.before);
    for (std::uint32_t i = 0; i < finding.count; ++i) exchangeSlots(test, finding.exchanges[i]);
    w.pose = w.best_pose;
    fit(test, kSteps, w.trial);
    return w.trial.total < w.before.total - test.guard.settings.least_gain;
  }
  return true;
}

// Writes the new names; what has none any more goes back to the unnamed.
void rename(const GuardTest& test, const Finding& finding) {
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
void markMoved(const GuardTest& test, const Finding& finding) {
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

void correct(const GuardTest& test, const Finding& finding) {
  SwapGuardWorkspace& w = test.work();
  const std::uint64_t now = test.guard.labels.stamp.sequence;
  const std::uint64_t since = beginOf(test, finding);
  rename(test, finding);
  forEachMarker(finding, [&](std::size_t marker) {
    test.state().bias[marker] = glm::dvec3(0.0);
    doubtName(test.guard.settings, now, test.slot(marker));
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

void testSubject(const GuardTest& test) {
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

void doubtName(const SwapGuardSettings& settings, std::uint64_t sequence, Slot& slot) {
  if (slot.doubt == 0 || sequence > slot.last_alarm + kQuiet) slot.doubted_since = sequence;
  slot.last_alarm = sequence;
  slot.doubt = settings.sure_after;
}

core::Result<void> check(const SwapGuardSettings& s) {
  if (!(s.doubted_jump > 0.0)) return core::makeError("guard settings: doubted_jump must be > 0");
  if (!(s.doubted_misfit > 0.0))
    return core::makeError("guard settings: doubted_misfit must be > 0");
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
  w.candidates.reserve(kMostGuardCandidates);
  w.pose.reserve(joints);
  w.best_pose.reserve(joints);
  w.start.reserve(joints);
  w.world.resize(joints);
  w.moved.reserve(joints);
  w.labelled.markers.reserve(markers + kMostSpare);
  w.spare_index.reserve(kMostSpare);
  w.other_pose.reserve(joints);
  w.restless.reserve(kMostRestless);
  w.unrest.reserve(markers);
  w.excess.reserve(markers);
  for (GuardFit* result : {&w.before, &w.trial, &w.best}) result->of_marker.reserve(markers);
  return w;
}

void doubtNames(std::uint32_t subject, std::uint64_t sequence, const SwapGuardSettings& settings,
                SwapGuardState& state) {
  for (std::size_t slot = state.first_slot[subject]; slot < state.first_slot[subject + 1]; ++slot)
    doubtName(settings, sequence, state.slots[slot]);
  state.suspicions[subject].next_test = sequence;
  state.suspicions[subject].interval = kFirstInterval;
}

void forgetDates(SwapGuardState& state) {
  for (Slot& slot : state.slots)
    slot.doubted_since = slot.last_alarm = slot.quiet_until = slot.last_fit = 0;
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
  testRivals(*this);
}

}  // namespace understudy::solve
