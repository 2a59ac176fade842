#pragma once

#include <cstddef>
#include <cstdint>

namespace understudy::solve {

/// Plain arrays that the numeric kernels of the solver work on. A degree of freedom i has
/// `depth[i]` ancestors; its row of the normal matrix holds one entry per ancestor, root first,
/// then its diagonal: only these are non-zero in a tree (Featherstone, "Rigid Body Dynamics
/// Algorithms", 2008, section 6.5).
struct TreeSystem {
  std::size_t joints = 0;
  std::size_t freedoms = 0;
  const std::int32_t* joint_parent = nullptr;   ///< Per joint, -1 for roots.
  const std::int32_t* freedom_joint = nullptr;  ///< Per freedom: its joint.
  const std::int32_t* freedom_parent =
      nullptr;  ///< Per freedom: the next freedom towards the root, -1 for none.
  const std::int32_t* depth = nullptr;  ///< Per freedom: number of ancestors.
  const std::int32_t* row = nullptr;    ///< Per freedom: start of its row in `matrix`.
  double* matrix = nullptr;             ///< Rows of the normal matrix; factored in place.
  double* gradient = nullptr;           ///< Per freedom: right-hand side; the solution afterwards.
  double* axes =
      nullptr;  ///< Per freedom 6 values: how points move, (rotation axis, velocity at the origin).
  double* moments =
      nullptr;               ///< Per joint 21 values: lower triangle of its 6x6 marker information.
  double* forces = nullptr;  ///< Per joint 6 values: its information-weighted residuals.
};

/// One measured marker in the solver's frame, metres.
struct MarkerTerm {
  double position[3];     ///< Where the model puts it.
  double residual[3];     ///< Measured minus model.
  double information[6];  ///< Inverse covariance: xx, xy, xz, yy, yz, zz.
  std::int32_t joint;
};

/// The two builds of the kernels give the same bytes; the second needs AVX2.
struct TreeKernels {
  const char* name;
  /// Adds markers to the moments and forces of their joints, which the caller has zeroed.
  void (*addMarkers)(const TreeSystem& system, const MarkerTerm* markers, std::size_t count);
  /// Sums moments and forces from the leaves to the roots and projects them on the axes: fills
  /// matrix and gradient.
  void (*project)(const TreeSystem& system);
  /// Factors the matrix as L^T D L from the leaves (Featherstone 2008, table 6.3) and solves for
  /// the gradient.
  void (*factorAndSolve)(const TreeSystem& system);
};

const TreeKernels& baselineTreeKernels();  ///< x86-64 of 2003.
const TreeKernels& v3TreeKernels();  ///< x86-64-v3 (2013 and later); call only where AVX2 is there.

}  // namespace understudy::solve
