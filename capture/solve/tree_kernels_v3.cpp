#include "capture/solve/tree_kernels.h"
#include "capture/solve/tree_kernels.inl"

namespace understudy::solve {

const TreeKernels& v3TreeKernels() {
  static constexpr TreeKernels kernels{"x86-64-v3", addMarkers, project, factorAndSolve};
  return kernels;
}

}  // namespace understudy::solve
