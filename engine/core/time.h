#pragma once

#include <chrono>
#include <cstdint>

namespace understudy::core {

/// The one clock of the host: monotonic, nanoseconds. Device time is converted once, at its source.
using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;
using Duration = std::chrono::nanoseconds;

/// Whose clock an instant was read from.
enum class ClockDomain : std::uint8_t { host, camera, simulated };

/// Returns the duration in microseconds with its fraction.
inline double toMicroseconds(Duration duration) {
  return static_cast<double>(duration.count()) * 1e-3;
}

/// Returns the duration in seconds with its fraction.
inline double toSeconds(Duration duration) { return static_cast<double>(duration.count()) * 1e-9; }

}  // namespace understudy::core
