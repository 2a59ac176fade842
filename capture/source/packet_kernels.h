#pragma once

#include <cstdint>
#include <span>

#include "capture/frame/frames.h"

namespace understudy::source {

/// What is done with every byte of a packet. Each build gives the same.
struct PacketKernels {
  const char* name;
  /// CRC-32C (Castagnoli, 1993), reflected: goes on from `crc` over more bytes. It begins with all
  /// ones, and is inverted in the end.
  std::uint32_t (*crc)(std::uint32_t crc, std::span<const std::byte> bytes);
  /// Reads centroids of kCentroidBytes each; `bytes` are exactly those of all in `centroids`.
  void (*centroids)(std::span<const std::byte> bytes, std::span<frame::Centroid> centroids);
};

/// For any processor.
const PacketKernels& plainPacketKernels();
/// The fastest that this processor has: with SSE 4.2 where it can, else the plain ones.
const PacketKernels& packetKernels();

}  // namespace understudy::source
