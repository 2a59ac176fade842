#include "capture/reconstruct/projection_kernels.h"
#include "capture/reconstruct/projection_kernels.inl"

namespace understudy::reconstruct {

const ProjectionKernels& baselineProjectionKernels() {
  static constexpr ProjectionKernels kernels{"x86-64",   project,   place,      undistort, classify,
                                             lookCloser, claimWide, accumulate, solve};
  return kernels;
}

}  // namespace understudy::reconstruct
