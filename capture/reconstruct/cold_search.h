#pragma once

#include <cstdint>
#include <glm/glm.hpp>
#include <vector>

#include "capture/frame/frames.h"
#include "capture/reconstruct/cold_blobs.h"
#include "capture/reconstruct/cold_candidates.h"
#include "capture/reconstruct/cold_rig.h"

namespace understudy::reconstruct {

struct ReconstructCounters;
struct ReconstructSettings;
struct ReconstructState;

/// What the cold search remembers from frame to frame.
struct ColdSearchState {
  std::uint32_t next_pair = 0;     ///< Where the next frame's search begins.
  std::uint32_t next_blob = 0;     ///< And with which of the first camera's blobs.
  bool searched = false;           ///< The last whole search found nothing ...
  std::uint32_t barren_blobs = 0;  ///< ... among so many blobs.
};

/// Scratch of the cold search; one per thread.
struct ColdSearchWorkspace {
  ColdBlobs blobs;
  ColdTests tests;
  std::vector<ColdHit> hits;  ///< Of one pair of cameras.
  std::uint32_t budget = 0;   ///< Tests of this frame.
  /// A marker whose blobs were claimed.
  struct Found {
    frame::Marker marker;
    float size = 0;  ///< Mean radius that its blobs show, metres; 0 = unknown.
  };
  std::vector<Found> found;           ///< Then, as witnesses, those that were predicted.
  std::vector<std::uint32_t> by_x;    ///< Their order along x.
  std::vector<std::uint8_t> refused;  ///< Per entry of `found`: 0 = no.
};

ColdSearchWorkspace makeColdSearchWorkspace(const ColdRig& rig);

/// Searches what no prediction explains across cameras: blobs of two cameras that lie on each
/// other's epipolar lines are looked for in views near by, then in all; what enough cameras
/// confirm is claimed at once, the rest best support first. Work is counted and bounded by
/// ReconstructSettings::cold_tests; the next frame begins where this one stopped. Markers are
/// appended to the cloud up to its capacity.
///
/// Order of cameras as in Bourgoin and Huisman, "Using ray-traversal for 3D particle matching"
/// (2020): greedy by support, each blob once.
struct SearchCold {
  const ReconstructSettings& settings;
  const ColdKernels& kernels;
  ReconstructState& state;
  ColdSearchWorkspace& workspace;
  frame::MarkerCloud& cloud;
  ReconstructCounters& counters;

  void run() const;
};

}  // namespace understudy::reconstruct
