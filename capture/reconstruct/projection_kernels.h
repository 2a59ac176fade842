#pragma once

#include <cstddef>

namespace understudy::reconstruct {

/// camera_from_world as rows of a matrix, and the focal length of the ideal image.
struct ProjectionCamera {
  double rotation[9];
  double translation[3];
  double focal_px;
};

/// The two builds give the same bytes; the second needs AVX2.
struct ProjectionKernels {
  const char* name;
  /// Ideal image of points: u, v in px about the principal point, and depth in metres; where depth
  /// <= 0 the image has no meaning. All arrays have `count` entries.
  void (*project)(const ProjectionCamera& camera, const double* x, const double* y, const double* z,
                  std::size_t count, double* u, double* v, double* depth);
};

const ProjectionKernels& baselineProjectionKernels();  ///< x86-64 of 2003.
const ProjectionKernels&
v3ProjectionKernels();  ///< x86-64-v3 (2013 and later); call only where AVX2 is there.

}  // namespace understudy::reconstruct
