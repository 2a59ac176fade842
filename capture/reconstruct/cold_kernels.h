#pragma once

#include <cstddef>
#include <cstdint>

namespace understudy::reconstruct {

/// A camera as the cold search sees it, in float. Image positions are in the ideal plane:
/// undistorted, px, about the principal point.
struct ColdCamera {
  float rotation[9] = {}, translation[3] = {};  ///< camera_from_world, row by row.
  float centre[3] = {};                         ///< World.
  float focal_px = 1;
  float half_width_px = 0, half_height_px = 0;  ///< Of the ideal image.
  float units_per_px = 0;                       ///< Of the whole numbers in ColdMap.
};

/// Candidates are worked on so many at a time.
inline constexpr std::size_t kColdLanes = 8;

/// Where blobs are that were claimed: no line passes, no point is near.
inline constexpr float kGone = 1e9f;
inline constexpr std::int16_t kGoneUnits = 0x7000;

/// One camera's blobs, sorted by the cells of a map: cell_start[cell] is the first one of a cell,
/// cells lie row by row, the last row and column are empty. Few blobs have one cell.
struct ColdMap {
  const std::uint16_t* cell_start = nullptr;
  const std::int16_t* units_u = nullptr;  ///< Whole numbers; kGoneUnits when claimed.
  const std::int16_t* units_v = nullptr;
  const float* places = nullptr;  ///< u and v of each, px.
  std::int32_t across = 1;        ///< Cells per row.
  float cells_per_px_u = 0, cells_per_px_v = 0;
};

/// What is searched near the images of candidates.
struct ColdLook {
  float nearest = 0;   ///< Smallest depth, metres.
  float reach_px = 0;  ///< How far from an image its blob may be.
};

/// One group of candidates: where they are, world.
struct ColdPoints {
  float x[kColdLanes], y[kColdLanes], z[kColdLanes];
};

/// What one camera sees of one group of candidates.
struct ColdSight {
  float u[kColdLanes], v[kColdLanes];  ///< From the candidate's image to its blob; kGone: none.
  std::int16_t blob[kColdLanes];       ///< -1: none.
};

/// Sums of the normal equations of one group about its points, and steps to take.
struct ColdSums {
  float information[6][kColdLanes];  ///< xx, xy, xz, yy, yz, zz in px^2/m^2.
  float gradient[3][kColdLanes];     ///< px^2/m.
  float squared_px[kColdLanes];
  float rays[kColdLanes];
};

/// Two blobs that lie on each other's epipolar lines: indices in the cameras' lists.
struct ColdHit {
  std::uint16_t a, b;
};

/// Geometry of one pair of cameras.
struct ColdPair {
  float essential[9];  ///< Line in the image of b = essential * (u, v, focal_a) of a, rows.
  float focal_a = 1, focal_b = 1;
};

/// One camera's open blobs, one array per number; `count` is followed by kColdLanes at kGone.
struct ColdList {
  const float* u;
  const float* v;
  std::size_t count;
};

/// The numeric kernels of the cold search. The two builds give the same bytes; the second needs
/// AVX2.
struct ColdKernels {
  /// Finds blobs of b within the tolerance of the epipolar lines of a's blobs from `first` on,
  /// until `last` or at least `enough` hits are found; at most b's count more. Returns where it
  /// stopped.
  std::size_t (*findOnLines)(const ColdPair& pair, const ColdList& a, std::size_t first,
                             std::size_t last, const ColdList& b, float tolerance_px,
                             std::size_t enough, ColdHit* hits, std::size_t* count);
  /// Finds the open blob nearest to each point's image. `sights` of successive groups are `stride`
  /// apart.
  void (*look)(const ColdCamera& camera, const ColdMap& map, const ColdLook& look,
               const ColdPoints* points, std::size_t groups, ColdSight* sights, std::size_t stride);
  /// Moves the images of one group of points along with a step of theirs (three times kColdLanes
  /// numbers, metres), and sums the rays that then pass within `reach_px`. `taken` gets the blobs
  /// of those, kColdLanes per camera, -1 for others.
  void (*sumRays)(const ColdCamera* cameras, std::size_t count, const ColdPoints& points,
                  const float* step, float reach_px, ColdSight* sights, std::int16_t* taken,
                  ColdSums& sums);
};

const ColdKernels& baselineColdKernels();  ///< x86-64 of 2003.
const ColdKernels& v3ColdKernels();        ///< x86-64-v3; call only where AVX2 is there.

}  // namespace understudy::reconstruct
