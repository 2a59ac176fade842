#pragma once

#include <cstdint>
#include <glm/glm.hpp>
#include <span>
#include <vector>

#include "capture/camera/rig.h"
#include "capture/frame/frames.h"
#include "capture/reconstruct/cold_search.h"
#include "capture/reconstruct/projection_kernels.h"
#include "capture/reconstruct/two_rays.h"
#include "engine/core/result.h"

namespace understudy::reconstruct {

/// Gates, noise and budgets of reconstruction.
struct ReconstructSettings {
  double centroid_sigma_px =
      0.2;  ///< Noise of a centroid of 2 px radius with what calibration leaves, per axis, as long
            ///< as none of its camera has been measured; then it is measured,
  double smallest_sigma_px = 0.03;  ///< and taken for at least this
  double largest_sigma_px = 1.0;    ///< and at most this.
  double gate_sigmas =
      4.0;  ///< How far from its prediction a marker is looked for, in its sigmas ...
  double smallest_gate_px = 2.0;     ///< ... but at least this far in the image,
  double largest_gate_px = 60.0;     ///< and at most this far.
  double largest_residual_px = 1.5;  ///< A ray further from its marker is dropped.
  double smallest_angle = 0.07;      ///< Two rays meeting at less are no marker, radians.
  double epipolar_tolerance_px =
      1.2;  ///< Cold search: how far a centroid may lie from an epipolar line or a projection.
  int smallest_cold_rays = 3;  ///< Rays that a marker needs which no prediction expects.
  int two_ray_frames = 8;  ///< A marker that two cameras see and no prediction expects must have
                           ///< been there in so many frames in a row; 0: there is none.
  double smallest_two_ray_angle = 0.088;  ///< And its rays meet at no less, radians.
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
  double focal_px = 0;      ///< Both axes of the ideal plane have this focal length.
  glm::dvec3 centre{0.0};   ///< World.
  ViewCamera view;          ///< The same in float, for the kernels.
  bool exact_lens = false;  ///< The kernels cannot undistort it to 0.002 px: done one by one.
};

/// A centroid that no prediction claimed.
struct FreeCentroid {
  float u = 0, v = 0;  ///< Ideal plane, px.
  float radius_px = 0;
  std::int32_t index = 0;  ///< In the camera's packet.
};

/// Who had a camera's centroids in the frame before, see Followed.
struct CameraOrder {
  std::vector<std::uint16_t> owners;
  std::vector<std::uint16_t> contender, contended;
  bool is_raster = true;  ///< Its packets list them row by row, as far as is known.
};

/// What a camera's centroids say about its calibration: residuals against the markers as all other
/// cameras see them, of a rotating sample of the predicted markers. Sums fade: the last kHealthRays
/// rays count. Read between frames only.
struct CameraHealth {
  double rays = 0;              ///< Number, faded.
  glm::dvec2 residual_px{0.0};  ///< Sum of centroid minus marker, u and v of the ideal plane.
  double squared_px = 0;        ///< Sum of their squares, u and v together.
  double noise_px = 0;          ///< Sum of squares per axis of what they say of a centroid's noise.
  double sigma_px = 0;          ///< Noise of a centroid of 2 px radius per axis, as used now.
};

/// Rays that a camera's health and noise are estimated from.
inline constexpr double kHealthRays = 4000.0;

/// Sums of some cameras' rays: whole numbers, so that their order is of no importance.
struct RaySums {
  std::vector<double> all;          ///< Per prediction kSumsPerMarker fixed-point sums,
  std::vector<std::int32_t> fresh;  ///< and those of cameras since the last flush,
  std::uint32_t unflushed = 0;      ///< so many.
  bool flushed = false;             ///< There is something in `all`.
};

/// What reconstruction remembers between the packets of one frame. Filled by PredictFrame, then
/// MatchCamera per camera in any order, then read by FinishFrame.
struct ReconstructState {
  std::vector<PreparedCamera> cameras;
  const ProjectionKernels* kernels = nullptr;  ///< Set by PredictFrame.
  std::size_t predictions = 0;
  std::size_t capacity = 0;            ///< Most predictions, a multiple of eight below 65536.
  std::vector<float> x, y, z;          ///< Predicted positions, NaN from `predictions` on.
  std::vector<float> reach;            ///< Their search radius, metres.
  RaySums sums;                        ///< Of all cameras, once every MatchShare is gathered.
  std::vector<std::vector<Ray>> rays;  ///< Per camera: none, its centroids, their shares.
  std::vector<std::size_t> centroids;  ///< Per camera: number in `rays`, padded.
  std::vector<std::uint16_t> ray_of;   ///< Per camera raysPerCamera entries, see rayOf.
  std::vector<CameraOrder> orders;     ///< Per camera.
  std::vector<std::vector<FreeCentroid>> free;  ///< Per camera.
  std::vector<std::uint8_t> received;           ///< Per camera: matched in this frame.
  std::vector<float> solutions;      ///< See solutionsOf; filled by FinishFrame, kept for health.
  std::vector<std::uint8_t> sound;   ///< Per prediction: a marker came of it.
  std::vector<CameraHealth> health;  ///< Per camera.
  std::size_t next_health = 0;       ///< The prediction that is sampled next.
  std::uint64_t frames = 0;          ///< So far.
  ColdRig cold_rig;
  ColdSearchState cold;  ///< Of the search of what no prediction explains.
  TwoRayState two_rays;
};

/// Entries of ReconstructState::ray_of per camera.
inline std::size_t raysPerCamera(const ReconstructState& state) { return state.capacity; }

/// The prediction's ray in a camera, or null where there is none or it was refused.
inline Ray* rayOf(ReconstructState& state, std::size_t camera, std::size_t prediction) {
  if (state.received[camera] == 0) return nullptr;
  const std::size_t entry = camera * raysPerCamera(state) + prediction;
  Ray& ray = state.rays[camera][state.ray_of[entry]];
  return ray.weight > 0.0f ? &ray : nullptr;
}

ReconstructState makeReconstructState(const camera::Rig& rig, std::size_t most_predictions);

/// Scratch of the stages; one per thread.
struct ReconstructWorkspace {
  std::vector<float> predicted;  ///< With the next, see viewsOf.
  std::vector<std::int32_t> predicted_place;
  std::vector<float> slack;  ///< With the next, see centroidsOf.
  std::vector<std::int32_t> centroid_place;
  std::vector<std::uint32_t> raster_keys,
      sorted_keys;  ///< With the next three, of restoreRasterOrder.
  std::vector<Ray> sorted_rays;
  std::vector<float> sorted_slack;
  std::vector<std::int32_t> sorted_place;
  std::vector<frame::Centroid> padded;  ///< The packet's last centroids, eight of them.
  std::vector<std::uint16_t> owner;     ///< See Claims::of_centroid.
  std::vector<std::uint16_t> doubtful, doubtful_from;  ///< See Followed.
  std::vector<std::uint16_t> unclaimed;                ///< Centroids that nobody followed,
  std::vector<std::int32_t> unclaimed_place;           ///< and their places.
  std::vector<std::uint16_t> queue;                    ///< Centroids that are disputed,
  std::size_t queued = 0;                              ///< so many.
  std::vector<std::uint16_t> disputed;                 ///< Predictions that they may belong to.
  std::vector<std::uint8_t> is_disputed;               ///< Per prediction.
  std::vector<std::uint16_t> near;                     ///< The predictions about one.
  std::vector<std::uint16_t> left;                     ///< Centroids of nobody.
  std::vector<std::uint64_t> nearest, second;   ///< Per centroid: squared distance's bits, index.
  std::vector<std::uint64_t> nearest_centroid;  ///< Per prediction, likewise.
  std::vector<glm::dvec3> directions;           ///< Of a marker's rays.
  ColdSearchWorkspace cold;
};

ReconstructWorkspace makeReconstructWorkspace(const ReconstructState& state);

/// Counters of one frame.
struct ReconstructCounters {
  std::uint32_t cold_tests = 0;    ///< Candidate tests of the cold search.
  bool cold_budget_spent = false;  ///< The search stopped early.
  std::uint32_t rays = 0;          ///< Centroids given to a prediction.
  std::uint32_t merged = 0;        ///< Centroids split between two predictions.
  std::uint32_t ambiguous = 0;     ///< Centroids that fit two predictions too well to be used.
  std::uint32_t dropped_rays = 0;  ///< Rays refused for their residual.
  std::uint32_t checked = 0;  ///< Predicted markers solved ray by ray, their sums being doubtful.
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
/// depend on the order of cameras, bit for bit: sums are integers. Several threads may match
/// cameras of one state at the same time, each with sums, workspace and counters of its own: a
/// MatchShare.
struct MatchCamera {
  const ReconstructSettings& settings;
  std::uint32_t camera;
  std::span<const frame::Centroid> centroids;  ///< At most kMaxCentroids are read.
  ReconstructState& state;                     ///< What belongs to the camera is written.
  RaySums& sums;                               ///< Of the state, or of a share.
  ReconstructWorkspace& workspace;
  ReconstructCounters& counters;

  void run() const;
};

/// What one of several threads has matched of a frame, and its scratch.
struct MatchShare {
  RaySums sums;
  ReconstructWorkspace workspace;  ///< For MatchCamera only.
  ReconstructCounters counters;
};

MatchShare makeMatchShare(const ReconstructState& state);

/// Adds a share to the frame's own sums and counters, and empties it. Before FinishFrame, and
/// before PredictFrame.
void gather(MatchShare& share, ReconstructState& state, ReconstructCounters& counters);

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
