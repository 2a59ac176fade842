#include "capture/reconstruct/projection_kernels.h"
#include "capture/reconstruct/projection_kernels.inl"

namespace understudy::reconstruct {

const ProjectionKernels& v3ProjectionKernels() {
  static constexpr ProjectionKernels kernels{
      "x86-64-v3", project, place, undistort, classify, lookCloser, claimWide, accumulate, solve};
  return kernels;
}

}  // namespace understudy::reconstruct
