#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace understudy::core {

/// What a thread of the live path asks of the operating system.
struct RealtimeSettings {
  int fifo_priority = 70;   ///< SCHED_FIFO, 1 to 99; 0 = leave the scheduling as it is.
  bool lock_memory = true;  ///< Keep the whole process in memory: no page is ever swapped out.
  std::size_t stack_bytes = 256 * 1024;  ///< Stack that is touched in advance; 0 = none.
  bool flush_to_zero = true;             ///< See flushDenormalsToZero.
  int processor = -1;                    ///< The only processor to run on; -1 = any.
};

/// What was granted, and in words what a refusal costs and how to get it.
struct RealtimeReport {
  bool fifo = false;
  bool memory_locked = false;
  bool flush_to_zero = false;
  bool pinned = false;
  std::vector<std::string> lines;  ///< One for each thing asked for, for the operator.
};

/// Sets up the calling thread. Whatever is refused is left as it was and said; nothing fails.
RealtimeReport setUpRealtimeThread(const RealtimeSettings& settings);

/// Makes the calling thread take denormal numbers as zero: each of them costs over a hundred
/// cycles. It changes results, so every thread that computes poses calls it, live or not. False
/// where the processor has no such mode.
bool flushDenormalsToZero();

/// Whether the calling thread takes denormal numbers as zero, and a way to change that: a thread
/// that helps another computes as that one does.
bool denormalsAreFlushed();
void flushDenormalsToZero(bool flush);

}  // namespace understudy::core
