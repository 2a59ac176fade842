#pragma once

#include <cstdint>
#include <glm/glm.hpp>
#include <span>
#include <vector>

#include "capture/camera/rig.h"
#include "capture/frame/frames.h"
#include "capture/reconstruct/cold_search.h"
#include "capture/reconstruct/projection_kernels.h"
#include "engine/core/result.h"

namespace understudy::reconstruct {

/// Gates, noise and budgets of reconstruction.
struct ReconstructSettings {
  double centroid_sigma_px =
      0.2;  ///< Noise of one centroid with what calibration leaves, per axis.
  double gate_sigmas =
      4.0;  ///< How far from its prediction a marker is looked for, in its sigmas ...
  double smallest_gate_px = 2.0;     ///< ... but at least this far in the image,
  double largest_gate_px = 60.0;     ///< and at most this far.
  double largest_residual_px = 1.5;  ///< A ray further from its marker is dropped.
  double smallest_angle = 0.07;      ///< Two rays meeting at less are no marker, radians.
  double epipolar_tolerance_px =
      1.2;  ///< Cold search: how far a centroid may lie from an epipolar line or a projection.
  int smallest_cold_rays = 3;  ///< Rays that a marker needs which no prediction expects.
  std::uint32_t cold_tests =
      600000;  ///< Cold search: candidate tests per frame; the rest is left for the next frame.
  double nearest = 0.3, farthest = 40.0;  ///< Depths at which markers may be, metres.
};

/// Says which setting is out of range, if any.
core::Result<void> check(const ReconstructSettings& settings);

/// A camera prepared for the frame path. Image positions are in the ideal plane: undistorted, px,
/// about the principal point.
struct PreparedCamera {
  camera::Camera camera;
  ProjectionCamera projection;
  double focal_px = 0;     ///< Both axes of the ideal plane have this focal length.
  glm::dvec3 centre{0.0};  ///< World.
};

/// A centroid that no prediction claimed.
struct FreeCentroid {
  double u = 0, v = 0;  ///< Ideal plane, px.
  float radius_px = 0;
  std::int32_t index = 0;  ///< In the camera's packet.
  bool claimed = false;
};

/// One camera's view of one predicted marker.
struct Observation {
  double u = 0, v = 0;         ///< Ideal plane, px.
  double weight = 0;           ///< 0 = not seen or not to be trusted (merged).
  std::int32_t centroid = -1;  ///< In the camera's packet.
};

/// What reconstruction remembers between the packets of one frame. Filled by PredictFrame, then
/// MatchCamera per camera in any order, then read by FinishFrame.
struct ReconstructState {
  std::vector<PreparedCamera> cameras;
  std::size_t predictions = 0;
  std::size_t capacity = 0;  ///< Most predictions.
  std::vector<frame::PredictedMarker> predicted;
  std::vector<double> x, y, z;  ///< Predicted positions, padded to `capacity`.
  std::vector<double> u, v,
      depth;  ///< Per camera `capacity` entries: the predictions' images; depth <= 0: not in view.
  std::vector<float> gate_px;              ///< Likewise.
  std::vector<std::int32_t> bucket_start;  ///< Per camera kBuckets + 1 entries into `bucket_order`.
  std::vector<std::int32_t>
      bucket_order;  ///< Per camera `capacity` entries: predictions sorted by image column.
  std::vector<Observation> observations;        ///< Per camera `capacity` entries.
  std::vector<std::int64_t> sums;               ///< Per prediction 10 fixed-point sums, see kSum...
  std::vector<std::uint16_t> rays;              ///< Per prediction.
  std::vector<std::vector<FreeCentroid>> free;  ///< Per camera.
  std::vector<bool> received;                   ///< Per camera: matched in this frame.
  ColdCameras cold_cameras;
  ColdSearchState cold;  ///< Of the search of what no prediction explains.
};

/// Most centroids of one camera that are used; more are cut and counted by the assembly.
inline constexpr std::size_t kMaxCentroids = 2048;

ReconstructState makeReconstructState(const camera::Rig& rig, std::size_t most_predictions);

/// Scratch of the stages; one per thread.
struct ReconstructWorkspace {
  std::vector<double> centroid_u, centroid_v;
  std::vector<std::int32_t> best_prediction, second_prediction, best_centroid, second_centroid;
  std::vector<double> best_prediction_distance, second_prediction_distance, best_centroid_distance,
      second_centroid_distance;
  std::vector<glm::dvec3> directions;  ///< Of a marker's rays.
  ColdSearchWorkspace cold;
};

ReconstructWorkspace makeReconstructWorkspace(const ReconstructState& state);

/// Counters of one frame.
struct ReconstructCounters {
  std::uint32_t cold_tests = 0;    ///< Candidate tests of the cold search.
  bool cold_budget_spent = false;  ///< The search stopped early.
  std::uint32_t dropped_rays = 0;  ///< Rays refused for their residual.
  std::uint32_t merged = 0;        ///< Centroids taken for two markers at once.
};

/// Sets the predictions of the next frame and projects them into every camera. To be run when the
/// frame before is done.
struct PredictFrame {
  const ReconstructSettings& settings;
  const ProjectionKernels& kernels;
  const frame::PredictedMarkers& predictions;
  ReconstructState& state;

  void run() const;
};

/// Matches one camera's centroids to the predictions as its packet lands. The result does not
/// depend on the order of cameras, bit for bit: sums are integers.
struct MatchCamera {
  const ReconstructSettings& settings;
  std::uint32_t camera;
  std::span<const frame::Centroid> centroids;  ///< At most kMaxCentroids are read.
  ReconstructState& state;
  ReconstructWorkspace& workspace;
  ReconstructCounters& counters;

  void run() const;
};

/// Makes the markers of one exposure from what each camera's packet has matched so far: first the
/// predicted ones by one small solve each, then an epipolar search of what is left.
struct FinishFrame {
  const ReconstructSettings& settings;
  core::Stamp stamp;
  ReconstructState& state;
  ReconstructWorkspace& workspace;
  frame::MarkerCloud& cloud;  ///< Cleared, then filled up to its capacity.
  ReconstructCounters& counters;

  void run() const;
};

}  // namespace understudy::reconstruct
