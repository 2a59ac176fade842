#include "capture/solve/lane_kernels.h"
#include "capture/solve/lane_kernels.inl"

namespace understudy::solve {

const LaneKernels& baselineLaneKernels() {
  static constexpr LaneKernels kernels{"x86-64", solveAll, interleave, separate, interleaveMarkers};
  return kernels;
}

}  // namespace understudy::solve
