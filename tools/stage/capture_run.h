#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "capture/pipeline/capture_path.h"
#include "capture/pipeline/pose_publisher.h"
#include "capture/pipeline/replay.h"
#include "capture/source/centroid_source.h"
#include "capture/take/packet_log.h"
#include "engine/anim/pose_ring.h"
#include "engine/core/histogram.h"
#include "engine/core/latency_log.h"
#include "engine/core/latest_value.h"
#include "engine/core/realtime.h"
#include "engine/core/wake_up.h"
#include "tools/stage/record_ring.h"

namespace understudy::stage {

/// Frames at the start whose times are not counted.
inline constexpr std::uint64_t kWarmUpFrames = 480;

/// What happened so far; copied to the panel a few times a second, and the basis of the report.
struct CaptureStatus {
  std::uint64_t frames = 0;      ///< Closed, counting empty ones.
  std::uint64_t empty = 0;       ///< No packet came.
  std::uint64_t not_solved = 0;  ///< Nobody was recognised.
  std::uint64_t published = 0;
  std::uint64_t first_sequence = 0, last_sequence = 0;
  std::uint64_t found = 0, lost = 0, swaps_corrected = 0;  ///< Events.
  sync::AssemblyCounters packets;
  struct Subject {
    std::uint32_t seen = 0, markers = 0;
    bool tracked = false;
    float presence = 0;  ///< Share that is shown, as in frame::SkeletonPose.
  };
  std::vector<Subject> subjects;
  std::vector<std::uint64_t> camera_received;  ///< Frames per camera.
};

/// Times of the capture path after warm-up.
struct CaptureTimes {
  core::Histogram capture, capture_retargeted;  ///< Last packet to pose, to published palette.
  core::Histogram sync, reconstruct, label, solve, retarget;  ///< CPU of all threads per frame;
  core::Histogram crew, waited;                               ///< see pipeline::StageTimes.
};

/// Markers of one frame for the overlay.
struct MarkerView {
  std::uint64_t sequence = 0;
  struct Point {
    glm::vec3 position{0.0f};
    bool labelled = false;
  };
  std::vector<Point> points;
};

/// What the capture side of the stage works on; all outlive it.
struct CaptureLinks {
  source::CentroidSource& source;
  pipeline::CapturePath& path;
  pipeline::PosePublisher& publisher;
  anim::PoseRing& ring;
  core::LatencyLog& log;
  core::WakeUp& news;  ///< Signalled after every publication, and at the end.
};

/// The capture side of the stage. The frame path is `run`: packets in, published poses out.
struct CaptureRun : CaptureLinks {
  explicit CaptureRun(const CaptureLinks& links) : CaptureLinks(links) {}

  take::PacketLogWriter* recorder = nullptr;
  RecordRing* records = nullptr;                  ///< For scoring; null where there is no truth.
  std::optional<pipeline::Replay> replay{};       ///< Of a recorded log: closes its frames.
  bool one_at_a_time = false;                     ///< Replay: every step closes one frame at most.
  std::uint64_t last_wanted = ~std::uint64_t{0};  ///< Ends after this sequence.
  std::uint64_t most_frames = ~std::uint64_t{0};  ///< Ends after so many, whatever their sequence.
  core::Time end_at = core::Time::max();          ///< Ends then, also without any packet.

  CaptureStatus status{};
  CaptureTimes times{};
  std::uint64_t warm_allocations = 0;  ///< Of the frame path, after warm-up.
  std::uint64_t warm_frames = 0;
  bool allocations_counted = true;
  core::RealtimeReport realtime{};
  core::LatestValue<CaptureStatus> status_out{};
  core::LatestValue<MarkerView> markers_out{};
  std::atomic<bool> stop{false};
  std::atomic<bool> finished{false};

  /// Fills the hand-over values so that nothing is allocated later. Call before the first frame.
  void prepare();
  /// Runs until the source ends, the last wanted frame is closed, `end_at` or `stop`.
  void run();
  /// Takes what the source has now and closes what can be closed; for lockstep. Returns true if a
  /// frame was closed.
  bool step(core::Time deadline);
  /// What the capture thread and those that help it were granted.
  std::vector<std::string> schedulingLines() const;
  /// Closes the open frame whatever is missing.
  void close(take::ClosingReason reason);

 private:
  void give(const source::RawPacket& packet);
  void closeReplayed();
  void finishFrame();
  void note();

  std::vector<source::RawPacket> packets_{};
  CaptureStatus status_copy_{};
  MarkerView marker_copy_{};
  bool was_shown_ = false;  ///< Somebody was to be seen in the frame before.
};

}  // namespace understudy::stage
