#pragma once

#include <cstdint>

#include "capture/source/camera_packets.h"
#include "capture/source/centroid_source.h"
#include "capture/source/simulated_stage.h"

namespace understudy::source {

/// The simulated stage as a source without a network: each call of receive gives packets of the
/// current frame at once, stamped with their intended arrival. `advance` makes the next frame.
class SimulatedSource : public CentroidSource {
 public:
  /// The stage must outlive the source. Time zero of the stage is `epoch` on the host's clock.
  SimulatedSource(SimulatedStage& stage, std::uint64_t frames, core::Time epoch = {});

  /// Simulates the next frame; false after the last one. Packets of the frame before that were not
  /// received yet are gone.
  bool advance();

  /// The frame that the packets are of, with its truth.
  const StageFrame& frame() const { return frame_; }
  const FramePackets& packets() const { return packets_; }

  std::size_t receive(std::span<RawPacket> packets, core::Time deadline) override;
  bool finished() const override;

 private:
  SimulatedStage& stage_;
  CameraPacketMaker maker_;
  StageFrame frame_;
  FramePackets packets_;
  std::uint64_t frames_left_;
  std::size_t next_packet_ = 0;
  core::Time epoch_;
};

}  // namespace understudy::source
