#include "capture/reconstruct/projection_kernels.h"
#include "capture/reconstruct/projection_kernels.inl"
#include "capture/reconstruct/strip_kernels.inl"
#include "capture/reconstruct/sum_kernels.inl"

namespace understudy::reconstruct {

const ProjectionKernels& v3ProjectionKernels() {
  static constexpr ProjectionKernels kernels{
      "x86-64-v3", project, undistort, claim, gather, gatherPredictions, accumulate, flush, solve};
  return kernels;
}

}  // namespace understudy::reconstruct
