#include "capture/reconstruct/buffers.h"
#include "capture/reconstruct/reconstruct.h"

namespace understudy::reconstruct {

void gather(MatchShare& share, ReconstructState& state, ReconstructCounters& counters) {
  flush(state, share.sums, state.sums);
  if (share.sums.flushed) {
    const std::size_t count = roundUp(state.predictions) * kSumsPerMarker;
    for (std::size_t k = 0; k < count; ++k) {
      state.sums.all[k] += share.sums.all[k];
      share.sums.all[k] = 0.0;
    }
    share.sums.flushed = false;
    state.sums.flushed = true;
  }
  // The other counters are FinishFrame's.
  counters.rays += share.counters.rays;
  counters.merged += share.counters.merged;
  counters.ambiguous += share.counters.ambiguous;
  share.counters = {};
}

}  // namespace understudy::reconstruct
