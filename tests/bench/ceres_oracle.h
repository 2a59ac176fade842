#pragma once

#include <array>
#include <vector>

#include "tests/bench/plain_body.h"

namespace understudy::bench {

/// What the oracle believes.
struct OracleSettings {
  double marker_sigma = 0.0005;  ///< Of a marker's place per axis, metres.
  double turn_sigma = 60.0;   ///< Of a joint's acceleration per axis, rad/s^2; 0 = no smoothness.
  double rest_sigma = 0.6;    ///< Of a joint's turn from rest per axis, rad.
  double shift_sigma = 10.0;  ///< Of a root's, m/s^2.
  double rate_hz = 240;
  int iterations = 40;  ///< At most, of the batch.
  int threads = 2;
};

/// One frame: markers, NaN for hidden ones.
using OracleFrame = std::vector<std::array<double, 3>>;

/// Poses (parent_from_joint of all joints) of every frame by least squares with Ceres (Agarwal,
/// Mierle and others, 2.1), offline: first each frame for itself from the one before, to
/// convergence; then, with smoothness, all frames together, each seeing its past and its future.
/// What a live solver could reach at best with the same model and markers.
std::vector<std::vector<PlainTransform>> solveOffline(const std::vector<PlainJoint>& joints,
                                                      const std::vector<PlainMarker>& markers,
                                                      const std::vector<OracleFrame>& frames,
                                                      const OracleSettings& settings);

}  // namespace understudy::bench
