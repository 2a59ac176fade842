#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "capture/subject/subject.h"

// What a performer's joints tell of each other. The angles of a limb's joints go together: a toe
// bends when the heel rises, the collar bone rises with the arm. Where markers show a joint and the
// two that tell most of it, the linear regression of its anatomical angles on theirs is learnt;
// what is hidden then follows the performer's habit about what the others suggest, not about a
// fixed mean. Before anything was learnt the collar bone goes with the arm as in Inman, Saunders
// and Abbott, "Observations on the function of the shoulder joint", 1944; that its place can be
// told from the arm by regression is de Groot and Brand's, "A three-dimensional regression model of
// the shoulder rhythm", 2001. Joints of the trunk that carry no markers share its bend by the
// spreads of their habits (habit.h), which are alike.

namespace understudy::solve {

struct SolveModel;
struct SolveState;

/// One joint and those that tell of it; what was learnt of them.
struct JointCoupling {
  static constexpr std::size_t kTold = 6;  ///< Angles of the joints that tell.

  std::size_t joint = 0;
  std::array<std::size_t, 2> told_by{};
  std::size_t turn = 0;                        ///< Learns in these frames, below kCouplingTurns.
  std::array<double, kTold> mean{};            ///< Of those angles, radians,
  std::array<double, kTold * kTold> square{};  ///< and their covariance, lower triangle,
  std::array<std::array<double, kTold>, 3> with{};   ///< with the joint's own,
  std::array<double, 3> own_mean{};                  ///< whose means these are.
  std::array<std::array<double, kTold>, 3> slope{};  ///< Of its own angles on the others.
  std::array<std::array<double, kTold>, 3> usual{};  ///< The same of people at large.
  std::array<double, 3> count{};                     ///< Examples.
  /// Of each own angle: how suggestions went with what it then was, and their mean square; the
  /// share of them that is believed.
  std::array<double, 3> agreement{}, power{}, share{1.0, 1.0, 1.0};
};

/// Joints learn in turns, each in one of so many frames.
inline constexpr std::size_t kCouplingTurns = 32;

/// The joints of a subject's limbs that markers show, each with two of the same limb. Empty for
/// bodies whose parts have no names.
std::vector<JointCoupling> makeCouplings(const subject::Subject& subject, const SolveModel& model);

/// Learns from the newest solved frame (of the state's sequence) how the joint whose turn it is
/// goes with the others, and its habit; and writes what the others suggest (SolveState::suggested)
/// of joints of which something is hidden. `seconds` passed since the last frame; `memory` is
/// SolveSettings::habit_time.
void coupleJoints(const SolveModel& model, double seconds, double memory, SolveState& state);

}  // namespace understudy::solve
