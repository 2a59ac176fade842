#include "capture/reconstruct/cold_search.h"
#include "capture/reconstruct/reconstruct.h"
#include "capture/reconstruct/solve_predicted.h"

namespace understudy::reconstruct {

void FinishFrame::run() const {
  cloud.stamp = stamp;
  cloud.markers.clear();
  solvePredicted(*this);
  const ColdKernels& kernels =
      state.kernels == &v3ProjectionKernels() ? v3ColdKernels() : baselineColdKernels();
  SearchCold{.settings = settings,
             .kernels = kernels,
             .state = state,
             .workspace = workspace.cold,
             .cloud = cloud,
             .counters = counters}
      .run();
  FollowTwoRays{.settings = settings,
                .kernels = kernels,
                .stamp = stamp,
                .state = state,
                .workspace = workspace.cold,
                .cloud = cloud,
                .counters = counters}
      .run();
}

}  // namespace understudy::reconstruct
