#include "capture/reconstruct/projection_kernels.h"
#include "capture/reconstruct/projection_kernels.inl"
#include "capture/reconstruct/seek_kernels.inl"
#include "capture/reconstruct/sight_kernels.inl"
#include "capture/reconstruct/sum_kernels.inl"

namespace understudy::reconstruct {

const ProjectionKernels& v3ProjectionKernels() {
  static constexpr ProjectionKernels kernels{"x86-64-v3",   project, undistort, follow,
                                             listUnclaimed, lookUp,  listLong,  listNear,
                                             accumulate,    flush,   solve};
  return kernels;
}

}  // namespace understudy::reconstruct
