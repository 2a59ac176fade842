#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/core/time.h"

namespace understudy::source {

/// One datagram as it arrived.
struct RawPacket {
  core::Time received{};             ///< Kernel's receive stamp on the host clock.
  std::span<const std::byte> bytes;  ///< Valid until the next call of CentroidSource::receive.
};

/// Where raw camera packets come from: simulated stage, network cameras, a take.
class CentroidSource {
 public:
  virtual ~CentroidSource() = default;

  /// Waits until packets are there or the deadline has passed and fills `packets` from its start;
  /// returns how many. Never allocates. Called from the capture thread only.
  virtual std::size_t receive(std::span<RawPacket> packets, core::Time deadline) = 0;

  /// True when no packet will come any more.
  virtual bool finished() const = 0;
};

}  // namespace understudy::source
