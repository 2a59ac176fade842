#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "capture/frame/frames.h"
#include "capture/label/assignment.h"
#include "capture/solve/solve_subject.h"

namespace understudy::solve {

/// How the markers of fingers get their names.
struct FindFingersSettings {
  double reach = 0.24;            ///< How far from its joint a hand's markers may be, metres.
  double gate = 0.055;            ///< Of a marker from where a guessed shape has it, at first,
  double close_gate = 0.015;      ///< and from the fitted one in the end, metres.
  double sigma = 0.003;           ///< Of a marker about the fitted shape, metres.
  double turn_sigma = 0.25;       ///< Doubt about how the hand is turned without them, radians.
  double smallest_share = 0.7;    ///< Of the markers must be found.
  double largest_rms = 0.005;     ///< Of them about the fitted shape, metres.
  std::uint32_t fits = 3;         ///< Shapes that are fitted in one attempt.
  std::uint32_t retry = 6;        ///< Frames until the next attempt.
  double lost_time = 0.25;        ///< Seconds without any of its markers until names are forgotten.
  double doubted_misfit = 0.005;  ///< So is a hand whose markers lie this far off, metres.
  double stray = 0.0045;  ///< A marker this far from where the hand has it calls for other names,
                          ///< metres ...
  double margin = 12.0;   ///< ... which must fit better by so much, in squared sigmas.
};

/// Says which setting is out of range, if any.
core::Result<void> check(const FindFingersSettings& settings);

/// Scratch; one per thread.
struct FindFingersWorkspace {
  std::vector<std::int32_t> near;  ///< Unnamed markers about the hand.
  std::vector<glm::dvec3> places, points, best_points;
  std::vector<double> cost, coordinate, best;
  std::vector<std::int32_t> chosen, best_chosen;
  std::vector<std::uint8_t> seen;
  std::vector<std::pair<double, std::size_t>> ranking;
  std::vector<glm::dquat> turns;
  label::AssignmentWorkspace assignment;
};

FindFingersWorkspace makeFindFingersWorkspace();

/// Names the markers of a hand's fingers among those without a name: shapes that hands have are
/// laid over what is about the hand, the best of them assigned exactly and fitted; the best fit
/// counts if it explains enough. Names that do not fit any more are taken back first. Bounded work;
/// at most 24 markers about a hand are looked at.
struct FindFingers {
  const FindFingersSettings& settings;
  const HandModel& hand;
  const math::RigidTransformd& world_from_hand;
  std::span<frame::LabelledMarker> slots;  ///< Of the hand.
  std::vector<frame::Marker>& unlabelled;
  SolveState& state;       ///< Of the subject; its finger joints are turned where found.
  std::size_t hand_index;  ///< Of the subject's hands.
  FindFingersWorkspace& workspace;

  /// True if the names were found.
  bool run() const;
  /// The same of a hand that has names, if one of its markers lies off: true if others fit clearly
  /// better. Else nothing changes.
  bool revise() const;
};

/// Gives names back that do not fit: of a hand whose markers lie off, or have been hidden for long.
void doubtFingers(const FindFingersSettings& settings, std::span<frame::LabelledMarker> slots,
                  std::vector<frame::Marker>& unlabelled, HandState& state);

}  // namespace understudy::solve
