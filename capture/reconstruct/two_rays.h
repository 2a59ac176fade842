#pragma once

#include <cstdint>
#include <glm/glm.hpp>
#include <vector>

#include "capture/frame/frames.h"
#include "capture/reconstruct/cold_kernels.h"
#include "engine/core/stamp.h"

namespace understudy::reconstruct {

struct ColdSearchWorkspace;
struct ReconstructCounters;
struct ReconstructSettings;
struct ReconstructState;

/// Most pairs of blobs that are remembered.
inline constexpr std::size_t kMostTwoRays = 64;

/// Two blobs that may be one marker which no third camera sees.
struct TwoRay {
  /// One camera's side of it.
  struct Side {
    std::uint16_t camera = 0;
    float u = 0, v = 0;            ///< Ideal plane, px.
    float step_u = 0, step_v = 0;  ///< Since the frame before, px.
  };
  Side a, b;
  std::uint32_t frames = 1;  ///< In which they met, one after the other.
  std::uint32_t missed = 0;  ///< Since the last one.
  double squared_px = 0;     ///< Sum of their squared distances from where they met.
};

/// What is remembered of pairs of blobs between frames.
struct TwoRayState {
  std::vector<TwoRay> pairs;    ///< Oldest first.
  std::uint64_t sequence = 0;   ///< Of the frame that they were followed to.
  std::uint32_t next_pair = 0;  ///< Of cameras, where the next frame goes on.
};

TwoRayState makeTwoRayState();

/// Makes markers that two cameras see and no prediction expects. Of two rays that meet nothing is
/// known but that they meet; so two blobs that are left over become a marker when they have met for
/// ReconstructSettings::two_ray_frames frames, each going its way evenly in its own image, at an
/// angle of at least smallest_two_ray_angle; when neither could be something else's: there is no
/// other blob on their epipolar lines and no marker near their rays. From then on the
/// marker is appended to the cloud as long as its blobs are left over, with the covariance that two
/// rays have; in the end its track predicts it. To be run after SearchCold, on what that left in
/// the workspace. Work is bounded: new pairs are looked for in a few pairs of cameras per frame,
/// going round.
struct FollowTwoRays {
  const ReconstructSettings& settings;
  const ColdKernels& kernels;
  core::Stamp stamp;
  ReconstructState& state;
  ColdSearchWorkspace& workspace;
  frame::MarkerCloud& cloud;
  ReconstructCounters& counters;

  void run() const;
};

}  // namespace understudy::reconstruct
