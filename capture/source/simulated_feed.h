#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "capture/source/camera_packets.h"
#include "capture/source/simulated_stage.h"

namespace understudy::source {

/// What is kept of a frame beside its packets.
struct FrameTruth {
  core::Stamp stamp;
  std::vector<PerformerTruth> performers;
};

/// One frame simulated ahead.
struct FeedFrame {
  FrameTruth truth;
  FramePackets packets;
};

/// Simulates ahead in a thread of its own into a bounded ring, so that sending needs no
/// computation. Frames stay until they are released; not for the capture thread.
class SimulatedFeed {
 public:
  /// Starts simulating `frames` frames, at most `capacity` ahead of the last release. The stage
  /// must outlive the feed and be used by nobody else.
  SimulatedFeed(SimulatedStage& stage, std::uint64_t frames, std::size_t capacity);
  ~SimulatedFeed();
  SimulatedFeed(const SimulatedFeed&) = delete;
  SimulatedFeed& operator=(const SimulatedFeed&) = delete;

  /// Frame `index`, waiting until it is simulated. Null past the last frame, after `stop`, or for
  /// a frame that was released already.
  const FeedFrame* frame(std::uint64_t index);
  /// Frame `index` if it is there now, else null. Never waits for the simulation.
  const FeedFrame* tryFrame(std::uint64_t index);
  /// All frames below `end` may be overwritten.
  void release(std::uint64_t end);
  /// Waits until `count` frames, or all that fit, are simulated.
  void waitForFrames(std::uint64_t count);
  /// Number of frames of the whole run.
  std::uint64_t frames() const { return frames_; }
  /// Ends the simulation; frames already there stay readable.
  void stop();

 private:
  void produce(std::stop_token stop);

  SimulatedStage& stage_;
  CameraPacketMaker maker_;
  std::uint64_t frames_;
  std::vector<FeedFrame> ring_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::uint64_t produced_ = 0, released_ = 0;
  bool ended_ = false;
  std::jthread thread_;
};

}  // namespace understudy::source
