#pragma once

#include <array>
#include <cstddef>

#include "capture/calibrate/dense.h"
#include "capture/calibrate/hand_sizes.h"

namespace understudy::calibrate {

/// How far off the joints of a hand's digits are shown where its sizes are off that calibration
/// found, as PlaceDoubt says it of the body; the fingers' pose makes up for what it can.
struct HandDoubt {
  const HandSizes& hand;              ///< Fitted, with its frames.
  const SymmetricMatrix& covariance;  ///< Of the sizes of all hands,
  std::size_t first;                  ///< of which this one's begin here.
  double turn_sigma, shift_sigma;     ///< Doubt about the hand as the body has it, radians, metres.

  /// Standard deviation per axis of each joint's place, metres.
  std::array<double, subject::kHandJoints> run() const;
};

}  // namespace understudy::calibrate
