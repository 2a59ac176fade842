#pragma once

#include <cmath>

#include "capture/solve/recognise_steps.h"
#include "capture/solve/solve_steps.h"
#include "capture/solve/swap_guard.h"

// The parts of SwapGuard: what is worth a test, how well a body explains markers, and exchanges
// between two subjects.

namespace understudy::solve {

/// Most pairs that are ranked for one test.
inline constexpr std::size_t kMostGuardCandidates = 64;
/// Most markers in doubt that are looked at for exchanges between subjects.
inline constexpr std::size_t kMostRestless = 48;
/// What a joint's turn away from rest costs beside squared distances, m^2 per rad^2: it decides
/// where two markers on a limb fit either way.
inline constexpr double kGuardTurnShare = 2.0e-5;

/// One subject under test.
struct GuardTest {
  const SwapGuard& guard;
  std::size_t index;

  const subject::Subject& subject() const { return guard.subjects[index]; }
  const SolveModel& model() const { return guard.models[index]; }
  SolveState& state() const { return guard.states[index]; }
  SwapGuardWorkspace& work() const { return guard.workspace; }
  SwapGuardState::Suspicion& suspicion() const { return guard.state.suspicions[index]; }
  SwapGuardState::Slot& slot(std::size_t marker) const {
    return guard.state.slots[guard.state.first_slot[index] + marker];
  }
  std::vector<frame::LabelledMarker>& slots() const { return guard.labels.subjects[index].markers; }
};

/// Fits workspace.pose to workspace.labelled and says what is left of it: squared distances of the
/// markers, and a little for every joint's turn away from rest.
void fit(const GuardTest& test, int steps, GuardFit& result);

/// The part of a fit's cost that is about the exchanged markers: the rest of the body has no say in
/// whether an exchange is clearly better.
double costAbout(const GuardTest& test, const GuardFit& result, const frame::SlotExchange& pair);

/// Exchanges two places of workspace.labelled; spare places are slots behind those of the subject.
void exchangeSlots(const GuardTest& test, const frame::SlotExchange& pair);

/// Turns a joint of workspace.pose to where its markers are; what hangs on it keeps its direction
/// in the world. workspace.world is kept up to date.
void turnJoint(const GuardTest& test, std::size_t joint);

/// True if an exchange explains what is about it better when no more than its own joints turn:
/// cheaper by far than a fit, which it decides about.
bool isPromising(const GuardTest& test, const frame::SlotExchange& pair, double freedoms);

/// Fits with one more exchange than workspace.labelled has, from workspace.start;
/// workspace.labelled stays, workspace.pose and workspace.trial are the fit.
void fitExchanged(const GuardTest& test, const frame::SlotExchange& pair);

/// Fills workspace.unrest: per marker how badly the body explains what is about it, beyond what
/// skin does. Where it is little, no exchange can be clearly better.
void measureUnrest(const GuardTest& test);

/// What it costs more to explain the markers after an exchange with an empty slot, in square
/// metres: alone on a joint a marker takes up freedoms that nothing measures, and fits best there.
/// To be asked before the exchange.
double costOfFreedoms(const GuardTest& test, std::size_t one, std::size_t other);

/// Lists pairs that could have each other's names, most promising first.
void listCandidates(const GuardTest& test);

/// Doubts a name from this frame on.
void doubtName(const SwapGuardSettings& settings, std::uint64_t sequence,
               SwapGuardState::Slot& slot);

/// Tests the two joints of different subjects that are near each other and fit worst: do both
/// bodies together explain the markers clearly better when the joints exchange them? Then they do,
/// as in SwapGuard.
void testRivals(const SwapGuard& guard);

/// True if an exchange is so much better that it counts, ...
bool isBetter(const SwapGuardSettings& settings, double after, double before);
/// ... and so much that a single frame is enough.
bool isDecisive(const SwapGuardSettings& settings, double after, double before);

}  // namespace understudy::solve
