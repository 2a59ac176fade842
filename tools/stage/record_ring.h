#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tools/scoring/stage_scorer.h"

namespace understudy::stage {

/// Hands copies of frames from the capture thread to the scoring thread: one writer, one reader, no
/// lock, nothing allocated. When the reader is slow, frames are left out and counted.
class RecordRing {
 public:
  RecordRing(std::size_t slots, const scoring::CaptureRecord& prototype)
      : slots_(slots, prototype) {}

  /// Writer: the slot to fill, or null where the ring is full.
  scoring::CaptureRecord* next() {
    if (written_.load(std::memory_order_relaxed) - read_.load(std::memory_order_acquire) ==
        slots_.size()) {
      left_out_.fetch_add(1, std::memory_order_relaxed);
      return nullptr;
    }
    return &slots_[written_.load(std::memory_order_relaxed) % slots_.size()];
  }
  /// Writer: the slot is filled.
  void push() { written_.fetch_add(1, std::memory_order_release); }

  /// Reader: the oldest record, or null.
  const scoring::CaptureRecord* front() const {
    const std::uint64_t at = read_.load(std::memory_order_relaxed);
    return at == written_.load(std::memory_order_acquire) ? nullptr : &slots_[at % slots_.size()];
  }
  /// Reader: done with it.
  void pop() { read_.fetch_add(1, std::memory_order_release); }

  /// Frames that did not fit.
  std::uint64_t leftOut() const { return left_out_.load(std::memory_order_relaxed); }
  std::vector<scoring::CaptureRecord>& slots() { return slots_; }

 private:
  std::vector<scoring::CaptureRecord> slots_;
  alignas(64) std::atomic<std::uint64_t> written_{0};
  alignas(64) std::atomic<std::uint64_t> read_{0};
  std::atomic<std::uint64_t> left_out_{0};
};

}  // namespace understudy::stage
