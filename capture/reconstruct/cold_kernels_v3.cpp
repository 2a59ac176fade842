#include "capture/reconstruct/cold_kernels.h"
#include "capture/reconstruct/cold_kernels.inl"

namespace understudy::reconstruct {

const ColdKernels& v3ColdKernels() {
  static constexpr ColdKernels kernels{findOnLines, look, sumRays};
  return kernels;
}

}  // namespace understudy::reconstruct
