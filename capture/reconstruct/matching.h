#pragma once

#include <algorithm>

#include "capture/reconstruct/buffers.h"
#include "capture/reconstruct/reconstruct.h"

namespace understudy::reconstruct {

/// The matching of one camera's packet, with its arrays at hand.
struct Matching {
  const MatchCamera& job;
  const PreparedCamera& camera;
  ReconstructState& state;
  ReconstructWorkspace& w;
  PredictedViews views;
  UndistortedCentroids centroids;
  PlaceGrid grid;
  std::vector<Ray>& rays;
  std::uint16_t* claims;    ///< The camera's row of ReconstructState::ray_of, see rayOf.
  std::size_t count;        ///< Of centroids.
  float noise;              ///< The camera's centroid variance over the reference's.
  std::int32_t widest = 0;  ///< Of the predictions' gates, quanta.
};

inline std::int32_t placeOf(const PlaceGrid& grid, float u, float v) {
  const auto whole = [&grid](float from) {
    return static_cast<std::int32_t>(from * grid.quanta_per_px);
  };
  return whole(u - grid.least_u) | whole(v - grid.least_v) << 16;
}

inline float clampRadius(float radius_px) {  // Also of no number.
  return std::min(radius_px > 0.5f ? radius_px : 0.5f, 6.0f);
}

/// One over the variance of a disc's middle that may also be off by a bias; the rim that places it
/// grows with the radius.
inline float weightOf(float noise, float radius_px, float bias_px) {
  constexpr float kReferenceRadius_px = 2.0f;
  const float extra = bias_px / kReferenceSigma_px;
  return 1.0f / (noise * kReferenceRadius_px / clampRadius(radius_px) + extra * extra);
}

/// Decides about the centroids in the workspace's queue, and those that are disputed with them:
/// pairs of which each is the other's nearest become rays, long blobs may be two in one. Returns
/// how many centroids are left, of which `left` were before.
std::size_t settleDisputes(const Matching& matching, std::size_t left);

}  // namespace understudy::reconstruct
