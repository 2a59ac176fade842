#pragma once

#include <span>
#include <vector>

#include "capture/solve/solve_subject.h"

// Steps of SmoothSubject. The filter of a hand's fingers takes their coordinates for places that
// stray from where their speeds lead (lane_hands.inl); so does this.

namespace understudy::solve {

/// What a smoother remembers of the fingers of one hand in one frame.
struct SmootherHand {
  std::vector<double> coordinate, expected;  ///< As solved, and as expected of the next frame.
  std::vector<double> factor;  ///< Of what later frames tell of this one, lower triangle.
};

SmootherHand makeSmootherHand(const HandModel& model);

/// Remembers a hand as it was solved; `seconds` until the next frame.
void keepHand(const HandModel& model, const HandState& solved, std::span<const double> unseen,
              double seconds, SmootherHand& frame);

/// Takes the smoothed coordinates of the frame after `frame`, one frame back, in place.
void stepHandBack(const SmootherHand& frame, std::span<double> coordinate);

}  // namespace understudy::solve
