#pragma once

#include <cstdint>

#include "engine/core/time.h"

namespace understudy::core {

/// SMPTE timecode of an exposure; rate 0 means that there is none.
struct Timecode {
  std::uint8_t hours = 0;
  std::uint8_t minutes = 0;
  std::uint8_t seconds = 0;
  std::uint8_t frames = 0;
  std::uint8_t rate = 0;  ///< Frames per second, rounded up (30 for 29.97); 0 = no timecode.
  bool drop_frame = false;

  bool operator==(const Timecode&) const = default;
};

/// Identity of one exposure of the whole rig. Goes unchanged from the camera to the picture.
struct Stamp {
  std::uint64_t sequence = 0;  ///< The shared genlock count.
  Time exposed{};              ///< Middle of the exposure, in `domain`.
  ClockDomain domain = ClockDomain::host;
  Timecode timecode{};

  bool operator==(const Stamp&) const = default;
};

}  // namespace understudy::core
