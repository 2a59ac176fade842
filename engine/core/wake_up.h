#pragma once

#include <atomic>
#include <cstdint>

#include "engine/core/time.h"

namespace understudy::core {

/// Lets one thread sleep until another has news, without a lock: a counter that the kernel watches
/// (futex). The signalling side never waits; it enters the kernel only when somebody sleeps.
class WakeUp {
 public:
  /// Counts one more piece of news and wakes the sleepers. Any thread.
  void signal();

  /// News so far, from 0; wraps round.
  std::uint32_t count() const { return count_.load(std::memory_order_acquire); }

  /// Sleeps while the count is still `seen`, at most `longest`; returns the count then.
  std::uint32_t wait(std::uint32_t seen, Duration longest);

 private:
  std::atomic<std::uint32_t> count_{0};
  std::atomic<std::uint32_t> sleepers_{0};
};

}  // namespace understudy::core
