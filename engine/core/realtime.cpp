#include "engine/core/realtime.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace understudy::core {
namespace {

bool setFifo(int priority, std::vector<std::string>& lines) {
  const int lowest = sched_get_priority_min(SCHED_FIFO),
            highest = sched_get_priority_max(SCHED_FIFO);
  sched_param parameters{};
  parameters.sched_priority = std::clamp(priority, lowest, highest);
  // Threads that this one starts must not be real-time by accident.
  const int error =
      pthread_setschedparam(pthread_self(), SCHED_FIFO | SCHED_RESET_ON_FORK, &parameters);
  if (error == 0) {
    lines.push_back(fmt::format("scheduling: SCHED_FIFO, priority {}", parameters.sched_priority));
    return true;
  }
  lines.push_back(
      fmt::format("scheduling: SCHED_FIFO refused ({}); other programs can hold this thread up for "
                  "milliseconds; allow rtprio in /etc/security/limits.d or run as root",
                  std::strerror(error)));
  return false;
}

bool lockMemory(std::vector<std::string>& lines) {
  rlimit limit{RLIM_INFINITY, RLIM_INFINITY};
  if (setrlimit(RLIMIT_MEMLOCK, &limit) != 0) getrlimit(RLIMIT_MEMLOCK, &limit);
  // Under a limit MCL_FUTURE would make later allocations fail. MCL_ONFAULT, because locking must
  // not fill the stacks of all threads and the address space of graphics drivers with real memory.
  const bool unlimited = limit.rlim_cur == RLIM_INFINITY;
  const int flags = MCL_CURRENT | MCL_ONFAULT | (unlimited ? MCL_FUTURE : 0);
  if (mlockall(flags) == 0) {
    lines.push_back(unlimited ? "memory: locked, now and in future"
                              : "memory: what is in use now is locked; memlock in "
                                "/etc/security/limits.d would allow all of it");
    return true;
  }
  lines.push_back(
      fmt::format("memory: not locked ({}); a page that is swapped out costs milliseconds; allow "
                  "memlock in /etc/security/limits.d or run as root",
                  std::strerror(errno)));
  return false;
}

// In its own frame below the caller's, so that the pages stay mapped after it returns.
[[gnu::noinline]] void touchStack(std::size_t bytes) {
  constexpr std::size_t kMostBytes = 1024 * 1024;
  char pages[kMostBytes];
  for (std::size_t i = kMostBytes - std::min(bytes, kMostBytes); i < kMostBytes; i += 4096) {
    pages[i] = 0;
  }
  asm volatile("" : : "r"(pages) : "memory");  // The writes must not be optimised away.
}

bool pinTo(int processor, std::vector<std::string>& lines) {
  int error = EINVAL;
  if (processor < CPU_SETSIZE) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<std::size_t>(processor), &set);
    error = pthread_setaffinity_np(pthread_self(), sizeof set, &set);
  }
  if (error == 0) {
    lines.push_back(fmt::format("processor: only {}", processor));
    return true;
  }
  lines.push_back(
      fmt::format("processor: cannot run on {} ({}); the thread may move between processors and "
                  "lose its caches; choose one of the processors that this program may use",
                  processor, std::strerror(error)));
  return false;
}

}  // namespace

#if defined(__SSE2__)

constexpr unsigned kFlush = 0x8040;  // Flush to zero (bit 15), denormals are zero (bit 6).

bool denormalsAreFlushed() { return (_mm_getcsr() & kFlush) == kFlush; }

void flushDenormalsToZero(bool flush) {
  _mm_setcsr(flush ? _mm_getcsr() | kFlush : _mm_getcsr() & ~kFlush);
}

#elif defined(__aarch64__)

constexpr unsigned long kFlush = 1ul << 24;

static unsigned long controlRegister() {
  unsigned long control;
  asm volatile("mrs %0, fpcr" : "=r"(control));
  return control;
}

bool denormalsAreFlushed() { return (controlRegister() & kFlush) != 0; }

void flushDenormalsToZero(bool flush) {
  const unsigned long before = controlRegister();
  asm volatile("msr fpcr, %0" : : "r"(flush ? before | kFlush : before & ~kFlush));
}

#else

bool denormalsAreFlushed() { return false; }
void flushDenormalsToZero(bool) {}

#endif

bool flushDenormalsToZero() {
  flushDenormalsToZero(true);
  return denormalsAreFlushed();
}

RealtimeReport setUpRealtimeThread(const RealtimeSettings& settings) {
  RealtimeReport report;
  if (settings.flush_to_zero) {
    report.flush_to_zero = flushDenormalsToZero();
    report.lines.push_back(report.flush_to_zero
                               ? "arithmetic: denormal numbers are zero"
                               : "arithmetic: this processor cannot flush denormal numbers to "
                                 "zero; very small numbers are slow");
  }
  if (settings.lock_memory) report.memory_locked = lockMemory(report.lines);
  if (settings.stack_bytes > 0) touchStack(settings.stack_bytes);
  if (settings.processor >= 0) report.pinned = pinTo(settings.processor, report.lines);
  if (settings.fifo_priority > 0) report.fifo = setFifo(settings.fifo_priority, report.lines);
  return report;
}

}  // namespace understudy::core
