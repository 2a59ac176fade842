#include "capture/source/simulated_source.h"

#include <algorithm>

namespace understudy::source {

SimulatedSource::SimulatedSource(SimulatedStage& stage, std::uint64_t frames, core::Time epoch)
    : stage_(stage),
      maker_(stage.settings(), stage.trueRig().cameras.size()),
      frame_(stage.makeFrame()),
      frames_left_(frames),
      epoch_(epoch) {}

bool SimulatedSource::advance() {
  if (frames_left_ == 0) return false;
  --frames_left_;
  stage_.simulate(frame_);
  maker_.make(frame_, packets_);
  next_packet_ = 0;
  return true;
}

std::size_t SimulatedSource::receive(std::span<RawPacket> packets, core::Time) {
  const std::size_t count = std::min(packets.size(), packets_.packets.size() - next_packet_);
  for (std::size_t i = 0; i < count; ++i) {
    const TimedPacket& packet = packets_.packets[next_packet_ + i];
    packets[i] = {.received = epoch_ + packet.departure, .bytes = packets_.datagram(packet)};
  }
  next_packet_ += count;
  return count;
}

bool SimulatedSource::finished() const {
  return frames_left_ == 0 && next_packet_ == packets_.packets.size();
}

}  // namespace understudy::source
