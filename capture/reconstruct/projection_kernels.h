#pragma once

#include <cstddef>
#include <cstdint>

namespace understudy::reconstruct {

/// camera_from_world as rows of a matrix, and the focal length of the ideal image.
struct ProjectionCamera {
  double rotation[9];
  double translation[3];
  double focal_px;
};

/// Most terms of the radial polynomial that undistorts.
inline constexpr int kLensTerms = 7;

/// A camera as the kernels see it, in float. Image positions are in the ideal plane: undistorted,
/// px, about the principal point.
struct ViewCamera {
  float centre[3] = {};                                    ///< World.
  float rotation[9] = {};                                  ///< Of camera_from_world, row by row.
  float focal_px = 0;                                      ///< Of the ideal plane.
  float least_u = 0, most_u = 0, least_v = 0, most_v = 0;  ///< Where its centroids can lie.
  float width_px = 0, height_px = 0;                       ///< Of the sensor.
  float centre_x_px = 0, centre_y_px = 0;                  ///< Principal point.
  float inverse_fx = 0, inverse_fy = 0;                    ///< Per px.
  float k1 = 0, k2 = 0, k3 = 0, p1 = 0, p2 = 0;            ///< Of math::Lens.
  float radial[kLensTerms] = {};  ///< Undistorted over distorted radius, terms of its square.
  std::int32_t newton_steps = 0;  ///< That bring the polynomial's result to 0.001 px.
};

/// The map in which predictions are looked up: cells of equal size over the ideal image. A cell
/// holds the prediction that was put there last: its index + 1 in 16 bits, its place in the cell in
/// 7 bits each for u and v, and one bit for "others before it".
struct CellGrid {
  float cell_px = 0;
  float least_u = 0, least_v = 0;  ///< Corner of cell 1, 1.
  std::int32_t columns = 0, rows = 0;
  std::int32_t nowhere = 0;  ///< The cell that takes what is in none and is never looked at.
};

inline constexpr std::uint32_t kOthersInCell = 1u << 30;
/// Empty cells that lie behind the last one, so that the neighbours of any may be read.
inline constexpr std::int32_t kCellsBehind = 2;

/// A blob with a greater elongation may be two; noise alone makes few discs so long.
inline constexpr float kLongBlob = 1.2f;

/// How far predictions may be from their centroids, and how near to the camera.
struct ViewGates {
  float smallest_px = 0, largest_px = 0;
  float nearest = 0;  ///< Depth, metres.
};

/// One centroid that was matched to a prediction.
struct Ray {
  float u = 0, v = 0;            ///< Ideal plane, px.
  float weight = 0;              ///< kReferenceSigma_px^2 over its variance; 0: refused since.
  std::uint16_t prediction = 0;  ///< Index.
  std::uint16_t centroid = 0;    ///< In the camera's packet.
};

/// Sums of one marker's normal equations about its prediction, in this order: information (xx, xy,
/// xz, yy, yz, zz), gradient (x, y, z), squared residual, weight, number of rays. They are fixed
/// point: every ray's terms are cut to whole numbers of 32 bits, and doubles add up whole numbers
/// below 2^53 without rounding, the same whatever the order, as 64-bit integers would. 256 rays
/// stay below 2^40. A ray's weight is cut so that its information stays below kLargestInformation;
/// residuals are below the largest gate.
inline constexpr std::size_t kSumsPerMarker = 12;
inline constexpr float kInformationScale = 16.0f;  ///< Per px^2/m^2.
inline constexpr float kGradientScale = 128.0f;    ///< Per px^2/m.
inline constexpr float kResidualScale = 65536.0f;  ///< Per px^2.
inline constexpr float kWeightScale = 65536.0f;
inline constexpr float kLargestInformation = 1e8f;  ///< Of one ray, px^2/m^2.

/// Standard deviation of a centroid that has weight 1, px.
inline constexpr float kReferenceSigma_px = 0.1f;

/// Images of the predictions in one camera; arrays by index of prediction.
struct PredictedViews {
  float* u;  ///< Ideal plane, px.
  float* v;
  float* scale;         ///< Focal length over depth, px/m.
  float* gate_px;       ///< How far its centroid may be; 0: not in view.
  std::int32_t* cell;   ///< In the map; `nowhere` if not in view or its gate is beyond half a cell.
  std::uint32_t* word;  ///< To be put there.
};

/// Centroids of one camera; arrays by index in the packet.
struct UndistortedCentroids {
  float* u;  ///< Ideal plane, px.
  float* v;
  float* weight;  ///< As Ray::weight; 0: no sensor measures there, to be left alone.
  float* slack;   ///< How much further than others a long blob may be from its predictions, px.
};

/// Solutions of the normal equations of all predictions, arrays by index of prediction.
struct PredictedSolutions {
  float* step[3];     ///< From the prediction, metres.
  float* inverse[6];  ///< Of the information: xx, xy, xz, yy, yz, zz; m^2/px^2 at weight 1.
  float* squared_px;  ///< Weighted sum of squared residuals at the solution, at weight 1.
  float* weights;     ///< Sum.
  float* rays;        ///< Number.
  float* spread;      ///< Determinant over the cube of half the trace of the information, 0..0.3;
                      ///< 0 where the equations are singular.
};

/// What centroids have by them in the cell map, else the index of their one prediction.
inline constexpr std::int32_t kNothingNear = -1, kNotSimple = -2;

/// Numbers of predictions in view, and of those with a gate beyond 4, 8, 16, 32 and 64 px.
struct GateCounts {
  std::int32_t in_view = 0;
  std::int32_t beyond[5] = {};
};

/// The numeric kernels. The two builds give the same bytes; the second needs AVX2. Arrays are
/// padded to a multiple of eight entries, and `count` is a multiple of eight.
struct ProjectionKernels {
  const char* name;
  /// Images of points whose search radius is `reach` metres. What is not finite is not in view.
  void (*project)(const ViewCamera& camera, const ViewGates& gates, const float* x, const float* y,
                  const float* z, const float* reach, std::size_t count,
                  const PredictedViews& views, GateCounts& counts);
  /// Finds the predictions' cells; returns the widest gate of those in one.
  float (*place)(const CellGrid& grid, std::size_t count, const PredictedViews& views);
  /// Undistorts centroids, four floats each: x, y, radius, elongation. `noise` is the camera's
  /// centroid variance over the reference's.
  void (*undistort)(const ViewCamera& camera, float noise, const float* centroids,
                    std::size_t count, const UndistortedCentroids& out);
  /// For each centroid: the prediction within its gate where there is exactly one within the widest
  /// gate, kNothingNear where there is none, and kNotSimple where there may be more or the blob is
  /// long. Looks at the map's `cells` only.
  void (*classify)(const CellGrid& grid, const std::uint32_t* cells, const PredictedViews& views,
                   const UndistortedCentroids& centroids, std::size_t count, float widest_px,
                   std::int32_t* found);
  /// Decides for listed centroids that are kNotSimple whether they are, looking at the last two
  /// predictions of each cell as well; what was put into a cell before one is in `next` as its
  /// index + 1.
  void (*lookCloser)(const CellGrid& grid, const std::uint32_t* cells, const std::uint16_t* next,
                     const PredictedViews& views, const UndistortedCentroids& centroids,
                     const std::uint16_t* list, std::size_t count, float widest_px,
                     std::int32_t* found);
  /// Sets `found` to kNotSimple where a centroid is within the gate of this prediction.
  void (*claimWide)(const PredictedViews& views, std::size_t prediction,
                    const UndistortedCentroids& centroids, std::size_t count, std::int32_t* found);
  /// Adds each ray to its prediction's kSumsPerMarker sums. Rays may be of any number.
  void (*accumulate)(const ViewCamera& camera, const Ray* rays, std::size_t count, const float* u,
                     const float* v, const float* scale, double* sums);
  /// Solves every prediction's normal equations.
  void (*solve)(const double* sums, std::size_t count, const PredictedSolutions& out);
};

const ProjectionKernels& baselineProjectionKernels();  ///< x86-64 of 2003.
const ProjectionKernels&
v3ProjectionKernels();  ///< x86-64-v3 (2013 and later); call only where AVX2 is there.

}  // namespace understudy::reconstruct
