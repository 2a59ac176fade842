#pragma once

#include <cstdint>
#include <glm/glm.hpp>
#include <vector>

#include "capture/frame/frames.h"

namespace understudy::reconstruct {

struct PreparedCamera;
struct ReconstructCounters;
struct ReconstructSettings;
struct ReconstructState;

/// The cameras as the cold search uses them: single precision, one array per number, padded to a
/// multiple of kLanes with cameras that see nothing.
struct ColdCameras {
  std::size_t count = 0, padded = 0;
  std::vector<float> rotation[9], translation[3];  ///< camera_from_world, row by row.
  std::vector<float> centre[3];                    ///< World.
  std::vector<float> focal_px;
  std::vector<float> half_width_px, half_height_px;  ///< Of the ideal image.
  /// Pairs of cameras in the order in which they are tried: best angle first, all sides in turn.
  struct Pair {
    std::uint16_t a, b;
  };
  std::vector<Pair> pairs;
  /// Per camera `count` entries: all cameras, those that look from nearly the same side first.
  std::vector<std::uint16_t> neighbours;
};

/// What the cold search remembers from frame to frame.
struct ColdSearchState {
  std::uint32_t next_pair = 0;  ///< Where the next frame's search begins.
};

inline constexpr float kColdImageMargin = 1.3f;  ///< Ideal image over sensor: lenses move corners.
inline constexpr float kColdCell_px = 16.0f;
inline constexpr std::size_t kColdBlobs = 2048;             ///< Most per camera.
inline constexpr std::size_t kColdStride = kColdBlobs + 4;  ///< Arrays are read in whole lanes.
inline constexpr std::size_t kColdEntries = 4 * kColdBlobs + 1;  ///< A blob is in 4 cells or less.

/// Scratch of the cold search; one per thread. Blobs of camera c begin at c * kColdStride.
struct ColdSearchWorkspace {
  /// One blob in one cell of the map.
  struct Entry {
    float u, v;
    std::uint16_t blob, next;
    std::uint32_t cell;
  };
  /// A place that enough rays agree on, but not so many that it is taken at once.
  struct Candidate {
    glm::vec3 position{0.0f};
    std::uint16_t support = 0;
  };
  std::vector<float> radius_px;
  std::vector<std::uint8_t> claimed;  ///< 1: belongs to a marker.
  std::vector<std::uint16_t> source;  ///< Index in the camera's list of free centroids.
  std::vector<float> open_u, open_v;  ///< Blobs still unclaimed, ideal plane, in order.
  std::vector<std::uint16_t> open;    ///< Which they are.
  std::vector<std::uint32_t> open_count, blob_count;  ///< Per camera.
  /// Map of each camera's image: per cell its first entry, 0 for none. A blob stands in every cell
  /// that it could be looked for from.
  std::int32_t cells_across = 0, cells_down = 0;
  std::size_t cells_per_camera = 0;  ///< The last one is for what is out of view and stays empty.
  std::vector<std::uint16_t> cells;
  std::vector<Entry> entries;              ///< Per camera kColdEntries, the first unused.
  std::vector<std::uint32_t> entry_count;  ///< Per camera.
  // Per camera, of one point: its image and depth, the blob chosen, its residual, 1 if it counts.
  std::vector<float> at_u, at_v, at_z, residual_u, residual_v, weight;
  std::vector<float> derivative[6];  ///< Of the image by the point: u by x, y, z, then v.
  std::vector<std::int32_t> cell;    ///< Of its image.
  std::vector<std::int32_t> chosen;  ///< Its blob, -1 for none.
  std::vector<std::uint32_t> asked;  ///< Cameras whose cell is not empty, and its first entry.
  std::vector<std::uint16_t> hits;   ///< Blobs on an epipolar line.
  std::vector<Candidate> candidates;
};

ColdCameras makeColdCameras(const std::vector<PreparedCamera>& cameras);
ColdSearchWorkspace makeColdSearchWorkspace(const ColdCameras& cameras);

/// Searches what no prediction explains across cameras: blobs that lie on each other's epipolar
/// lines are looked for in views near by; what enough cameras confirm is claimed at once, the rest
/// best support first. Work is counted and bounded by ReconstructSettings::cold_tests; the next
/// frame begins where this one stopped. Markers are appended to the cloud up to its capacity.
///
/// Order of cameras as in Bourgoin and Huisman, "Using ray-traversal for 3D particle matching"
/// (2020): greedy by support, each blob once.
struct SearchCold {
  const ReconstructSettings& settings;
  ReconstructState& state;
  ColdSearchWorkspace& workspace;
  frame::MarkerCloud& cloud;
  ReconstructCounters& counters;

  void run() const;
};

}  // namespace understudy::reconstruct
