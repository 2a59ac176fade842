#pragma once

#include <cstdint>
#include <vector>

#include "capture/frame/frames.h"
#include "capture/solve/solve_subject.h"

namespace understudy::solve {

/// Appends where each marker of a hand's fingers will be, as PredictSubject does for the body's.
/// Nothing is appended while the subject is not tracked or the names of the hand's markers are not
/// known.
struct PredictHand {
  const HandModel& hand;
  std::size_t hand_index;  ///< Of the subject's hands.
  std::uint32_t slots;  ///< PredictedMarker::subject of these; markers are numbered as the hand's.
  const math::RigidTransformd& world_from_hand;  ///< As predicted.
  const SolveSettings& settings;
  double seconds_ahead;
  const SolveState& state;
  std::vector<frame::PredictedMarker>& markers;

  void run() const;
};

}  // namespace understudy::solve
