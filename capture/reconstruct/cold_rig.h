#pragma once

#include <cstdint>
#include <vector>

#include "capture/reconstruct/cold_kernels.h"

namespace understudy::reconstruct {

struct PreparedCamera;

/// The cameras as the cold search uses them.
struct ColdRig {
  std::vector<ColdCamera> cameras;
  /// Pairs of cameras in the order in which they are tried: best angle first, all sides in turn.
  struct Pair {
    std::uint16_t a, b;
  };
  std::vector<Pair> pairs;
  /// Per camera `near_count` others, those that look from the most similar side first.
  std::vector<std::uint16_t> near;
  std::size_t near_count = 0;
  float centre[3] = {};  ///< Where the cameras look: the middle of the stage, world.
  float radius = 0;      ///< Their mean distance from there, metres.
};

ColdRig makeColdRig(const std::vector<PreparedCamera>& cameras);

}  // namespace understudy::reconstruct
