#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "capture/source/simulated_stage.h"
#include "engine/core/time.h"

namespace understudy::source {

/// One datagram of a simulated camera.
struct TimedPacket {
  std::uint32_t camera = 0;
  std::uint32_t offset = 0, size = 0;  ///< In FramePackets::bytes.
  core::Duration departure{};          ///< Intended, since the first frame's exposure.
};

/// The datagrams of one exposure in the order of their departure.
struct FramePackets {
  std::uint64_t sequence = 0;
  std::vector<TimedPacket> packets;
  std::vector<std::byte> bytes;
  std::uint32_t lost = 0;  ///< Left out by simulated packet loss.

  std::span<const std::byte> datagram(const TimedPacket& packet) const {
    return std::span(bytes).subspan(packet.offset, packet.size);
  }
};

/// Turns simulated exposures into the datagrams of cameras that each have a clock of their own.
/// Deterministic in the settings.
class CameraPacketMaker {
 public:
  CameraPacketMaker(const StageSettings& settings, std::size_t cameras);

  /// Fills the packets of one frame; frames are given in order. Does not allocate once `packets`
  /// has held the largest frame.
  void make(const StageFrame& frame, FramePackets& packets);

  /// From the middle of an exposure to the departure of the frame's first packet.
  static constexpr core::Duration kCameraDelay = std::chrono::microseconds(1500);

 private:
  struct CameraClock {
    core::Duration offset{};
    double drift = 0;
  };
  StageSettings settings_;
  std::vector<CameraClock> clocks_;
  std::vector<std::uint32_t> order_;
  std::vector<double> delays_us_;
  // Of their own, so that neither loss nor shuffling changes the rest.
  std::mt19937_64 random_, loss_random_, shuffle_random_;
};

}  // namespace understudy::source
