#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace understudy::core {

/// Hands the newest value from one writing thread to one reading thread. A triple buffer: neither
/// side ever waits, values that the reader was too slow for are lost, none is seen twice as new.
/// Nothing is allocated beyond what copying a T allocates; the three values keep their capacity.
template <class T>
class LatestValue {
 public:
  LatestValue() = default;
  /// The reader sees `initial` until something is published.
  explicit LatestValue(const T& initial) : values_{initial, initial, initial} {}
  LatestValue(const LatestValue&) = delete;
  LatestValue& operator=(const LatestValue&) = delete;

  /// The value to be published next; what it holds now is some older value. Writer only.
  T& next() { return values_[next_]; }

  /// Makes `next()` the newest value. Writer only.
  void publish() {
    next_ = shared_.exchange(static_cast<std::uint8_t>(next_ | kFresh), std::memory_order_acq_rel) &
            kIndex;
  }

  /// Copies and publishes a value. Writer only.
  void publish(const T& value) {
    next() = value;
    publish();
  }

  /// Takes the newest value for `current()`; false if nothing was published since. Reader only.
  bool update() {
    if ((shared_.load(std::memory_order_relaxed) & kFresh) == 0) return false;
    current_ = shared_.exchange(current_, std::memory_order_acq_rel) & kIndex;
    return true;
  }

  /// The value that the last `update()` took; stays as it is until the next one. Reader only.
  const T& current() const { return values_[current_]; }

 private:
  static constexpr std::uint8_t kIndex = 3, kFresh = 4;

  std::array<T, 3> values_{};
  // Each index on a cache line of its own, so that the two threads do not slow each other.
  alignas(64) std::uint8_t next_ = 0;
  alignas(64) std::atomic<std::uint8_t> shared_{1};
  alignas(64) std::uint8_t current_ = 2;
};

}  // namespace understudy::core
