#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "capture/pipeline/capture_path.h"
#include "capture/source/camera_packets.h"
#include "capture/source/simulated_stage.h"

namespace understudy::test {

inline std::unique_ptr<pipeline::CapturePath> makePath(
    const source::SimulatedStage& stage, const pipeline::PipelineSettings& settings = {}) {
  auto path = pipeline::CapturePath::create(settings, stage.knownRig(), stage.subjects());
  REQUIRE_MESSAGE(path, (path ? "" : path.error().message));
  return *std::move(path);
}

/// The simulated stage frame by frame, so that a test can change a frame or its packets before the
/// capture path has them.
struct StageFeed {
  source::SimulatedStage& stage;
  source::CameraPacketMaker maker{stage.settings(), stage.knownRig().cameras.size()};
  source::StageFrame frame = stage.makeFrame();
  source::FramePackets packets{};

  /// Simulates the next frame without making packets of it.
  void simulate() { stage.simulate(frame); }
  void makePackets() { maker.make(frame, packets); }

  /// Both, and gives all packets to the path.
  void advance(pipeline::CapturePath& path) {
    simulate();
    makePackets();
    give(path);
  }

  void give(pipeline::CapturePath& path) const {
    for (const source::TimedPacket& packet : packets.packets) {
      path.packet(packets.datagram(packet), core::Time(packet.departure));
    }
  }
};

/// Closes the open frame as a live loop would.
inline void closeFrame(pipeline::CapturePath& path) {
  path.closeFrame(path.complete() ? take::ClosingReason::complete : take::ClosingReason::deadline);
}

/// Takes away every blob of markers that `hides(performer, marker)` says.
template <class Hides>
void hideMarkers(source::StageFrame& frame, Hides hides) {
  for (std::size_t c = 0; c < frame.cameras.size(); ++c) {
    auto& centroids = frame.cameras[c].centroids;
    auto& truth = frame.centroid_truth[c];
    std::size_t kept = 0;
    for (std::size_t b = 0; b < centroids.size(); ++b) {
      if (truth[b].performer >= 0 && hides(truth[b].performer, truth[b].marker)) continue;
      centroids[kept] = centroids[b];
      truth[kept++] = truth[b];
    }
    centroids.resize(kept);
    truth.resize(kept);
  }
}

}  // namespace understudy::test
