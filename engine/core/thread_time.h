#pragma once

#include <time.h>

#include "engine/core/time.h"

namespace understudy::core {

/// Processor time that the calling thread has used so far.
inline Duration threadTime() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace understudy::core
