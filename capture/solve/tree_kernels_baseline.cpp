#include "capture/solve/tree_kernels.h"
#include "capture/solve/tree_kernels.inl"

namespace understudy::solve {

const TreeKernels& baselineTreeKernels() {
  static constexpr TreeKernels kernels{"x86-64", addMarkers, project, factorAndSolve};
  return kernels;
}

}  // namespace understudy::solve
