#include "capture/solve/lane_kernels.h"
#include "capture/solve/lane_kernels.inl"

namespace understudy::solve {

const LaneKernels& v3LaneKernels() {
  static constexpr LaneKernels kernels{"x86-64-v3", solveAll, interleave, separate,
                                       interleaveMarkers};
  return kernels;
}

}  // namespace understudy::solve
