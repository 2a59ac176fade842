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

/// Lets threads sleep that others wake one at a time, without a lock; nobody is woken twice. What
/// they wait for is to be written and read sequentially consistent: then either the sleeper sees
/// it, or the waker sees the sleeper.
class Sleepers {
 public:
  /// Sleeps until it is woken, unless `has_news()` is true. Returns false if it did not sleep.
  template <class HasNews>
  bool sleepUnless(const HasNews& has_news) {
    asleep_.fetch_add(1, std::memory_order_seq_cst);
    if (has_news() && leave()) return false;
    takePermit();
    return true;
  }

  /// Wakes one sleeper; false if nobody sleeps. Enters the kernel only if somebody does.
  bool wakeOne();

 private:
  bool leave();
  void takePermit();

  std::atomic<std::uint32_t> asleep_{0};  ///< Threads that sleep or are about to, and whom nobody
                                          ///< wakes yet.
  std::atomic<std::uint32_t> permits_{0};
};

}  // namespace understudy::core
