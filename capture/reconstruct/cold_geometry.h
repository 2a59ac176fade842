#pragma once

#include <glm/glm.hpp>

#include "capture/reconstruct/cold_kernels.h"

namespace understudy::reconstruct {

struct PreparedCamera;
struct ReconstructSettings;

ColdPair makeColdPair(const PreparedCamera& a, const PreparedCamera& b);

/// A blob in the ideal plane, px.
struct ColdBlob {
  float u = 0, v = 0;
  float radius_px = 0;  ///< 0: unknown.
};

/// Sets `point` to where the rays of two blobs pass each other nearest, world; false if that is
/// behind a camera, out of range or nowhere, or if the blobs show no sphere of one size there.
bool meetingPoint(const ReconstructSettings& settings, const PreparedCamera& a,
                  const ColdBlob& blob_a, const PreparedCamera& b, const ColdBlob& blob_b,
                  glm::vec3& point);

}  // namespace understudy::reconstruct
