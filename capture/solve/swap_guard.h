#pragma once

#include <cstdint>
#include <glm/glm.hpp>
#include <span>
#include <vector>

#include "capture/frame/frames.h"
#include "capture/solve/solve_subject.h"
#include "capture/subject/subject.h"
#include "engine/core/result.h"

namespace understudy::solve {

/// When the guard doubts names, and what convinces it.
struct SwapGuardSettings {
  double doubted_jump = 0.015;      ///< A marker this far from where it was expected is doubted, m,
  double doubted_misfit = 0.010;    ///< or one that comes this far off the model at once, m,
  std::uint32_t doubted_gap = 4;    ///< and so is one that was hidden for more frames than this.
  std::uint32_t sure_after = 480;   ///< Frames near the model that end a doubt.
  double sure_distance = 0.008;     ///< What near means there, metres.
  double farthest_exchange = 0.30;  ///< Markers of a body further apart are not exchanged, metres.
  double clearly_better = 0.80;     ///< An exchange must lower the cost to this share ...
  double least_gain = 1.0e-4;       ///< ... and by this much, square metres.
  double decisive = 0.3;      ///< An exchange that lowers it to this share needs no other frame.
  std::uint32_t confirm = 3;  ///< Frames in which the same exchange must win.
  std::uint32_t subjects_a_frame = 1;  ///< Subjects that are tested in one frame, at most.
};

/// Says which setting is out of range, if any.
core::Result<void> check(const SwapGuardSettings& settings);

/// Frames of labelled markers that are kept to test an exchange on the past.
inline constexpr std::size_t kGuardWindow = 10;

/// What the guard remembers between frames.
struct SwapGuardState {
  /// Of one slot.
  struct Slot {
    std::uint32_t doubt = 0;          ///< Frames near the model until the name is sure; 0 = sure.
    std::uint64_t doubted_since = 0;  ///< Sequence at which the newest run of alarms began,
    std::uint64_t last_alarm = 0;     ///< and of its last one.
    std::uint32_t hidden = 0;         ///< Frames since it was seen.
    std::uint64_t quiet_until = 0;    ///< Sequence; no new alarm until then.
    std::uint64_t last_fit = 0;       ///< Sequence at which it was last well on the model.
  };
  /// Of one subject: the exchange that won last.
  struct Suspicion {
    std::array<frame::SlotExchange, frame::kMostExchanges> exchanges{};
    std::uint32_t count = 0, wins = 0;
    std::uint64_t next_test = 0;
    std::uint32_t interval = 0;  ///< Frames between tests; grows while nothing is found.
    bool tracked = false;        ///< In the frame before.
    bool doubted = false;        ///< Some slot is.
  };
  /// Two joints of different subjects that may carry each other's markers.
  struct Rivals {
    std::size_t one = 0, other = 0;  ///< Subjects.
    int joint_one = 0, joint_other = 0;
    std::uint32_t wins = 0;  ///< Looks in a row in which the exchange was better.
  };
  Rivals rivals;
  std::vector<std::size_t> first_slot;  ///< Per subject, and the total.
  std::vector<Slot> slots;
  std::vector<Suspicion> suspicions;
  std::vector<frame::LabelledMarkers> window;  ///< The last frames; `next` is the oldest.
  std::size_t next = 0;
};

SwapGuardState makeSwapGuardState(std::span<const subject::Subject> subjects);

/// How well a body explains markers under some names.
struct GuardFit {
  std::vector<double> of_marker;  ///< Squared distance from the model, square metres; 0 = not seen.
  double turns = 0;               ///< Cost of all joints' turns away from rest.
  double total = 0;
};

/// Scratch; one per thread.
struct SwapGuardWorkspace {
  struct Candidate {
    std::size_t one, other;
    double gain;
  };
  /// A doubted marker about which its body does not fit.
  struct Restless {
    std::size_t subject, marker;
    double excess;  ///< Square metres.
  };
  std::vector<Candidate> candidates;
  std::vector<Restless> restless;
  std::vector<math::RigidTransformd> pose, start, best_pose, other_pose, world;
  frame::LabelledSubject labelled;        ///< Unnamed markers stand behind the subject's slots.
  std::vector<std::int32_t> spare_index;  ///< These markers' places in LabelledMarkers::unlabelled.
  GuardFit before, trial, best;
  std::vector<std::uint8_t> moved;
  std::vector<double> excess, unrest;  ///< Per marker, square metres; see measureUnrest.
};

SwapGuardWorkspace makeSwapGuardWorkspace(std::span<const subject::Subject> subjects);

/// Finds markers of a subject that carry each other's names. A name can only go wrong where a
/// marker is out of sight or out of place for a while, so names are doubted from then on until the
/// marker has kept to the model for long. Doubted names are tested: exchanged with another doubted
/// or empty slot nearby, does the body explain the markers clearly better, in several frames and in
/// the frames of the window? Then they are exchanged from this frame on, the subject's joints are
/// moved to suit, and an event tells which frames were given out wrong. Two subjects that lie near
/// each other are tested together, joint by joint: what one carries may be the other's. To be run
/// when the frame's markers have their names, before they are solved.
struct SwapGuard {
  const SwapGuardSettings& settings;
  std::span<const subject::Subject> subjects;
  std::span<const SolveModel> models;
  const SolveSettings& solve_settings;
  const TreeKernels& kernels;
  const frame::PredictedMarkers& predictions;
  frame::LabelledMarkers& labels;  ///< Renamed where names were exchanged.
  std::span<SolveState> states;    ///< Joints are moved with their markers.
  std::span<SolveWorkspace> solve_workspaces;
  SwapGuardState& state;
  SwapGuardWorkspace& workspace;
  std::vector<frame::CaptureEvent>& events;  ///< Appended up to its capacity.

  void run() const;
};

/// Doubts the names of a subject from this frame on: recognition or a repair gave them.
void doubtNames(std::uint32_t subject, std::uint64_t sequence, const SwapGuardSettings& settings,
                SwapGuardState& state);

/// Forgets all sequences, when the cameras count anew; doubts stay.
void forgetDates(SwapGuardState& state);

}  // namespace understudy::solve
