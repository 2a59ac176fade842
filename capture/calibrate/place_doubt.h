#pragma once

#include <vector>

#include "capture/calibrate/pose_elimination.h"

namespace understudy::calibrate {

/// How far off the joints are shown where the sizes are off that calibration found: what those may
/// still be off by is put through the best pose of some frames, number by number (parameters that
/// are considered but not estimated: Schmidt, "Application of state-space methods to navigation
/// problems", 1966). The markers' residuals never show it, for the sizes were fitted to them.
struct PlaceDoubt {
  const CalibrationProblem& problem;
  const SymmetricMatrix& factored;  ///< Of the sizes, with the prior, frames of joints held,
  double scale;                     ///< in units of 1 / (metres^2 `scale`).
  const BodySizes& sizes;
  const std::vector<double>& marker_sigma;  ///< Per marker, metres.
  const FrameTrust& trust;
  const std::vector<PosedFrame>& frames;

  /// Standard deviation per axis of the place of each joint of the subject, metres.
  std::vector<double> run() const;
};

}  // namespace understudy::calibrate
