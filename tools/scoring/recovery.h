#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "tools/scoring/spread.h"

namespace understudy::scoring {

/// How long things that were named rightly, then no longer, take until they are named rightly
/// again, counted in frames in which they could be: an outage begins with the first frame that is
/// not right after one that was, ends with the next right one, and lasts as many frames as the
/// cameras saw the thing in between. So 0 is right in the very frame of reappearance, and time
/// spent hidden is not held against anybody.
class RecoveryMeter {
 public:
  /// Number of markers, or of subjects.
  RecoveryMeter(std::size_t count, double rate_hz) : things_(count), ms_(1000.0 / rate_hz) {}

  /// One frame of one thing. Allocates nothing.
  void add(std::size_t index, bool visible, bool right) {
    Thing& thing = things_[index];
    if (right) {
      if (thing.out) spread_.add(static_cast<double>(thing.waited) * ms_);
      thing = {.known = true};
    } else if (thing.known) {
      thing.out = true;
      thing.waited += visible ? 1 : 0;
    }
  }

  /// All outages, milliseconds. One that has not ended counts with what it has lasted so far.
  Spread spread() const {
    SpreadMeter all = spread_;
    for (const Thing& thing : things_) {
      if (thing.out && thing.waited > 0) all.add(static_cast<double>(thing.waited) * ms_);
    }
    return all.spread();
  }
  /// Things that are visible at times since they were lost and not right again.
  std::uint64_t open() const {
    return static_cast<std::uint64_t>(
        std::count_if(things_.begin(), things_.end(),
                      [](const Thing& thing) { return thing.out && thing.waited > 0; }));
  }

 private:
  struct Thing {
    bool known = false;  ///< Was right at least once.
    bool out = false;
    std::uint64_t waited = 0;
  };
  std::vector<Thing> things_;
  double ms_;
  SpreadMeter spread_;
};

}  // namespace understudy::scoring
