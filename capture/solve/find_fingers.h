#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "capture/frame/frames.h"
#include "capture/label/assignment.h"
#include "capture/solve/fit_hand.h"
#include "capture/solve/solve_subject.h"

namespace understudy::solve {

/// Markers on a hand itself that help to name its fingers.
inline constexpr std::size_t kMostPalm = 6;

/// How the markers of fingers get their names.
struct FindFingersSettings {
  double reach = 0.24;            ///< How far from its joint a hand's markers may be, metres.
  double gate = 0.055;            ///< Of a marker from where a guessed shape has it, at first,
  double close_gate = 0.015;      ///< and from the fitted one in the end, metres.
  double sigma = 0.003;           ///< Of a marker about the fitted shape, metres.
  double turn_sigma = 0.25;       ///< Doubt about how the hand is turned without them, radians.
  double smallest_share = 0.7;    ///< Of the markers must be found.
  double largest_rms = 0.005;     ///< Of them about the fitted shape, metres.
  std::uint32_t shapes = 5;       ///< Shapes that are fitted roughly in one attempt ...
  std::uint32_t fits = 2;         ///< ... and those of them that are fitted to the end.
  std::uint32_t retry = 6;        ///< Frames until the next attempt.
  double lost_time = 0.25;        ///< Seconds without any of its markers until names are forgotten.
  double doubted_misfit = 0.005;  ///< So is a hand whose markers lie this far off, metres.
  double stray = 0.0045;  ///< A marker this far from where the hand has it calls for other names,
                          ///< metres ...
  double palm_stray = 0.012;         ///< So does one on the hand itself this far off.
  double margin = 12.0;              ///< They must fit better by so much, in squared sigmas.
  double exchange_reach = 0.05;      ///< Two markers of a hand so near each other, metres, ...
  double exchange_margin = 3.0;      ///< ... fit better the other way round by so much ...
  std::uint32_t exchange_looks = 3;  ///< ... in so many looks: then they are exchanged.
  std::uint32_t exchange_every = 4;  ///< Frames from one look at a hand to the next hand's.
};

/// Says which setting is out of range, if any.
core::Result<void> check(const FindFingersSettings& settings);

/// Scratch; one per thread.
struct FindFingersWorkspace {
  /// A marker about the hand: one without a name, or one that has a name of the hand itself.
  struct Near {
    glm::dvec3 place{0.0};
    std::int32_t unlabelled = -1, palm = -1;  ///< One of them counts, -1 the other one.
  };
  /// A shape that was fitted roughly.
  struct Trial {
    double cost = 0.0;
    math::RigidTransformd world_from_hand, usual;  ///< Fitted, and before.
    std::vector<double> coordinate;
  };
  std::vector<Near> near;
  std::vector<glm::dvec3> places, points;
  std::vector<double> cost, coordinate, best;
  std::vector<std::int32_t> chosen, best_chosen;  ///< Fingers, then the hand itself.
  std::vector<std::uint8_t> seen;
  std::vector<math::RigidTransformd> hands;  ///< Ways in which the hand may lie.
  std::vector<std::pair<double, std::size_t>> leads, ranking;
  std::vector<Trial> trials;
  std::size_t trial_count = 0;
  std::vector<PalmMarker> palm;
  std::vector<frame::LabelledMarker> old_palm;
  std::vector<glm::dquat> turns;
  math::RigidTransformd best_hand;
  std::vector<math::RigidTransformd> pose;
  std::vector<std::uint8_t> moved;
  label::AssignmentWorkspace assignment;
};

/// For subjects of up to so many joints.
FindFingersWorkspace makeFindFingersWorkspace(std::size_t joints);

/// Where the markers of a hand are in the shapes that a search begins with, the hand's frame: shape
/// after shape.
std::vector<glm::dvec3> placeHandShapes(const HandModel& hand);

/// What is remembered of a hand while it is looked at whether two of its markers carry each other's
/// names.
struct FingerExchange {
  std::size_t next = 0;            ///< Pair that is looked at next.
  std::size_t one = 0, other = 0;  ///< Rows that were better exchanged in the last look,
  std::uint32_t wins = 0;          ///< and in so many looks in a row; 0: none.
};

/// Names the markers of a hand's fingers among those without a name: shapes that hands have are
/// laid over what is about the hand, the nearest of them assigned exactly and fitted; the best fit
/// counts if it explains enough. The markers of the hand itself take part, as whoever names bodies
/// may have taken a finger's marker for one of them: they get their names anew, and where the hand
/// was turned by it, it is turned back. Bounded work; at most 24 markers about a hand are looked
/// at.
struct FindFingers {
  const FindFingersSettings& settings;
  const SolveModel& model;
  const HandModel& hand;
  std::span<const glm::dvec3> shapes;  ///< placeHandShapes.
  const math::RigidTransformd& world_from_hand;
  std::span<frame::LabelledMarker> slots;  ///< Of the hand's fingers.
  std::span<frame::LabelledMarker> body;   ///< Of the subject's body.
  std::span<const PalmMarker> palm;  ///< On the hand itself, at most kMostPalm; of them, places.
  std::vector<frame::Marker>& unlabelled;
  SolveState& state;       ///< Of the subject; its finger joints are turned where found.
  std::size_t hand_index;  ///< Of the subject's hands.
  FindFingersWorkspace& workspace;

  /// True if the names were found.
  bool run() const;
  /// The same of a hand that has names, if one of its markers lies off: true if others fit clearly
  /// better. Else nothing changes.
  bool revise() const;
  /// One look at whether two markers of a hand that has names, on fingers or one of them on the
  /// hand itself, carry each other's: a few pairs in turn are exchanged and fitted. Names that were
  /// wrong for long lie near the model, too, for the fingers have bent to suit them; so no stray
  /// tells of them, but the others fit better still. True if names were exchanged.
  bool exchange(FingerExchange& suspicion) const;
};

/// Gives names back that do not fit: of a hand whose markers lie off, or have been hidden for long.
void doubtFingers(const FindFingersSettings& settings, std::span<frame::LabelledMarker> slots,
                  std::vector<frame::Marker>& unlabelled, HandState& state);

}  // namespace understudy::solve
