#pragma once

#include <array>

// The solver's peers have headers of other language versions than ours: plain numbers go between.

namespace understudy::bench {

/// Rotation x, y, z, w, then translation in metres.
using PlainTransform = std::array<double, 7>;

struct PlainJoint {
  int parent = -1;                 ///< In the list, -1 for roots; parents come first.
  int freedoms = 0;                ///< 0, 3 (a ball) or 6.
  PlainTransform rest{}, start{};  ///< parent_from_joint.
};

struct PlainMarker {
  int joint = 0;
  std::array<double, 3> offset{};  ///< Joint frame, metres.
};

}  // namespace understudy::bench
