#pragma once

#include <array>
#include <memory>
#include <vector>

#include "tests/bench/plain_body.h"

namespace understudy::bench {

/// Simbody's Assembler (Sherman, Seth and Delp, "Simbody: multibody dynamics for biomedical
/// research", 2011), the engine of OpenSim's inverse kinematics, on the same joints, freedoms and
/// markers.
class SimbodySolver {
 public:
  SimbodySolver(const std::vector<PlainJoint>& joints, const std::vector<PlainMarker>& markers,
                double accuracy);
  ~SimbodySolver();
  SimbodySolver(const SimbodySolver&) = delete;
  SimbodySolver& operator=(const SimbodySolver&) = delete;

  /// Solves one frame from the pose before; `positions` in the order of the markers, NaN for hidden
  /// ones. False where Simbody gave up: the pose stays.
  bool solve(const std::vector<std::array<double, 3>>& positions);
  /// parent_from_joint of all joints.
  std::vector<PlainTransform> pose() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace understudy::bench
