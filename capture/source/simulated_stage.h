#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "capture/camera/rig.h"
#include "capture/file/marker_clip.h"
#include "capture/frame/frames.h"
#include "capture/subject/marker_set.h"
#include "capture/subject/subject.h"
#include "engine/anim/humanoid.h"
#include "engine/anim/skeleton.h"
#include "engine/core/result.h"
#include "engine/core/stamp.h"

namespace understudy::source {

/// A camera that is knocked.
struct CameraBump {
  std::uint32_t camera = 0;
  double second = 0;    ///< From the first frame.
  double shift_px = 0;  ///< How far its image moves.
};

/// What happens on the simulated stage; every default is the product's.
struct StageSettings {
  std::size_t actors = 1;     ///< Motions are reused in turn.
  double spacing = 2.0;       ///< Metres between the middles of neighbouring performers' motions.
  std::size_t props = 0;      ///< Rigid props with their own marker patterns.
  bool still = false;         ///< Performers and props hold their first pose.
  double noise_px = 0.1;      ///< Standard deviation of a centroid per axis (blob of 2 px radius).
  double false_blobs = 0.02;  ///< False centroids per camera as a share of true ones.
  double gaps = 1.0;          ///< Marker drop-out: 1 = production statistics, 0 = none.
  double soft_tissue_mm = 3.0;     ///< RMS skin motion of a marker against the bone.
  double placement_mm = 8.0;       ///< Scatter of a marker's place between performers.
  bool body_occlusion = true;      ///< Bodies hide markers.
  bool merge_blobs = true;         ///< Markers that touch in an image become one blob.
  double rig_error_px = 0.1;       ///< How far the known rig is from the true one, in the image.
  double arrival_window_us = 500;  ///< Packets of a frame arrive spread over this time.
  double packet_loss = 0;          ///< Share of packets that never arrive.
  double clock_drift_ppm = 0;      ///< Spread of the cameras' clocks' rates.
  std::vector<CameraBump> bumps{};
  bool shuffle_packets = false;  ///< Random order over the whole frame.
  std::uint64_t seed = 1;
};

/// Fails with one line on the first value out of range.
core::Result<void> check(const StageSettings& settings);

/// A motion whose joints are the truth.
struct ClipMotion {
  anim::Clip clip;  ///< Metres, +Y up.
  anim::HumanoidMap humanoid;
};

/// A motion whose markers are the truth.
struct MarkerMotion {
  file::MarkerClip clip;
};

using PerformerMotion = std::variant<ClipMotion, MarkerMotion>;

inline constexpr std::int32_t kFalseBlob = -1;

/// What really lies behind a centroid.
struct CentroidTruth {
  std::int32_t performer = kFalseBlob;  ///< Of the largest marker in the blob.
  std::int32_t marker = kFalseBlob;
  bool merged = false;  ///< Two or more markers in one blob.
};

/// One marker of one performer or prop in one frame.
struct MarkerTruth {
  glm::vec3 position{0.0f};        ///< World; NaN where a marker file has a gap.
  std::uint16_t views = 0;         ///< Cameras with a blob of this marker alone.
  std::uint16_t merged_views = 0;  ///< Cameras where it is part of a merged blob.
  bool dropped = false;            ///< In a gap: no camera sees it.
  bool seen_2 = false;  ///< By two cameras (blobs of its own) with 5 degrees or more between them.
  bool seen_3 = false;  ///< By three cameras or more (blobs of its own).
};

/// One performer or prop in one frame.
struct PerformerTruth {
  std::vector<MarkerTruth> markers;
  /// All joints of the clip, in the order of the subject's skeleton; empty for marker files. A
  /// prop's only joint is its pose.
  std::vector<math::RigidTransform> world_from_joint;
  std::size_t motion_frame = 0;  ///< Nearest frame of the motion that is played.
};

/// One exposure with its truth.
struct StageFrame {
  core::Stamp stamp;  ///< Domain: simulated; the first frame has sequence 0 at time 0.
  std::vector<frame::CameraCentroids> cameras;             ///< One per camera, in raster order.
  std::vector<std::vector<CentroidTruth>> centroid_truth;  ///< Beside `cameras`.
  std::vector<PerformerTruth> performers;                  ///< Then the props.
};

/// What became of one marker in one camera's image.
enum class MarkerFate : std::uint8_t { alone, merged, hidden_by_marker, hidden_by_body, dropped };

/// One marker before one camera.
struct MarkerView {
  std::size_t performer = 0, marker = 0;
  float x_px = 0, y_px = 0, radius_px = 0;  ///< Where it is, or would be, without noise.
  MarkerFate fate = MarkerFate::alone;
};

struct PosedSolid;

/// Counts over all frames so far. A marker-view is one marker before one camera's image.
struct StageStatistics {
  std::uint64_t frames = 0;
  std::uint64_t marker_frames = 0;  ///< Markers times frames.
  std::uint64_t dropped = 0;        ///< Marker-frames in a gap.
  std::uint64_t unseen = 0;         ///< Marker-frames outside gaps that fail `seen_2`.
  std::uint64_t marker_views = 0;   ///< Inside the image and not dropped.
  std::uint64_t hidden_by_body = 0;
  std::uint64_t hidden_by_marker = 0;
  std::uint64_t merged = 0;  ///< Marker-views in merged blobs.
  std::uint64_t images = 0;  ///< Frames times cameras.
  std::uint64_t blobs = 0;
  std::uint64_t false_blobs = 0;
  std::uint64_t gaps = 0;                                                ///< Gaps begun.
  double gap_seconds_p50 = 0, gap_seconds_p90 = 0, gap_seconds_p99 = 0;  ///< Of those gaps.
};

/// Performers with markers in front of calibrated cameras. Deterministic in its settings and
/// inputs; shares no model code with the solver.
class SimulatedStage {
 public:
  /// Sets the stage up; fails on settings out of range, a rig that cannot be, no motion, a motion
  /// without frames or without the humanoid parts that carry markers.
  static core::Result<SimulatedStage> create(const StageSettings& settings,
                                             std::vector<PerformerMotion> motions,
                                             const subject::MarkerSet& marker_set,
                                             const camera::Rig& true_rig);
  SimulatedStage(SimulatedStage&&) noexcept;
  SimulatedStage& operator=(SimulatedStage&&) noexcept;
  ~SimulatedStage();

  /// Fills the next frame. Does not allocate once `frame` has been through makeFrame.
  void simulate(StageFrame& frame);

  /// All markers inside this camera's image of the frame that was simulated last, seen or not.
  std::vector<MarkerView> views(const StageFrame& frame, std::size_t camera) const;
  /// The body of a performer in the frame that was simulated last; empty for marker files.
  const std::vector<PosedSolid>& body(std::size_t performer) const;

  /// A frame with all its memory reserved.
  StageFrame makeFrame() const;

  const StageSettings& settings() const;
  /// The rig that looks at the stage, before any bump.
  const camera::Rig& trueRig() const;
  /// The rig that the pipeline is given.
  const camera::Rig& knownRig() const;
  /// One per performer, then one per prop: the clip's own bones, true marker offsets. Performers
  /// that move by a marker file have a subject with marker names but without joints.
  const std::vector<subject::Subject>& subjects() const;
  /// What the performer's markers show, under their names, while it goes through a range of motion
  /// before the show: 60 Hz, with gaps, skin and the noise of reconstruction, without cameras.
  /// Performers that move by a clip only. Does not change what simulate() gives.
  file::MarkerClip rehearse(std::size_t performer, double seconds) const;
  /// True if the performer moves by a marker file.
  bool isMarkerFile(std::size_t performer) const;
  /// What was found odd or had to be guessed, one line each.
  const std::vector<std::string>& warnings() const;
  StageStatistics statistics() const;

 private:
  struct State;
  explicit SimulatedStage(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace understudy::source
