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
  std::uint32_t next_pair = 0;     ///< Where the next frame's search begins.
  std::uint32_t next_blob = 0;     ///< And with which of the first camera's blobs.
  bool searched = false;           ///< The last whole search found nothing ...
  std::uint32_t barren_blobs = 0;  ///< ... among so many blobs.
};

inline constexpr float kColdCell_px = 32.0f;
inline constexpr std::size_t kColdBlobs = 2048;  ///< Most per camera.

/// Scratch of the cold search; one per thread. Blobs of camera c begin at first_blob[c]; what is
/// used lies close together, for the memory's sake.
struct ColdSearchWorkspace {
  /// A place that enough rays agree on, but not so many that it is taken at once.
  struct Candidate {
    glm::vec3 position{0.0f};
    std::uint16_t support = 0;
  };
  /// An unclaimed blob, ideal plane; `u` is moved out of sight when it is claimed.
  struct Blob {
    float u, v;
  };
  std::vector<Blob> blobs;            ///< Cell by cell.
  std::vector<float> radius_px;       ///< Their radii.
  std::vector<std::uint16_t> source;  ///< Index in the camera's list of free centroids.
  std::vector<float> open_u, open_v;  ///< Blobs still unclaimed, at their first places.
  std::vector<std::uint16_t> open;    ///< Which they are.
  std::vector<std::uint32_t> first_blob, open_count, blob_count;  ///< Per camera.
  /// Map of each camera's image: first blob of each cell, cells row by row. Cameras with few blobs
  /// have none.
  std::int32_t cells_across = 0, cells_down = 0;
  std::size_t cells_per_camera = 0;
  std::vector<std::uint16_t> cell_start;
  std::vector<std::uint8_t> mapped;           ///< Per camera: 1 if it has a map.
  std::vector<std::uint16_t> cell_of, order;  ///< Of one camera's blobs while they are sorted.
  /// Blobs of a camera that may be near a point's image: those of its cells, and those of the row
  /// of cells below if it may lie there.
  struct Range {
    std::uint16_t first, last, first_below, last_below;
  };
  std::vector<Range> ranges;
  // Per camera, of one point: its image and depth, the blob chosen, its residual, 1 if it counts.
  std::vector<float> at_u, at_v, at_z, residual_u, residual_v, weight, cosine;
  std::vector<float> derivative[6];  ///< Of the image by the point: u by x, y, z, then v.
  std::vector<std::int32_t> cell, columns, rows;  ///< First cell near its image; how many further.
  std::vector<std::uint8_t> touched;  ///< Per camera: 1 if blobs were claimed that are in `open`.
  std::vector<std::int32_t> chosen;   ///< Its blob, -1 for none.
  std::vector<std::uint16_t> hits;    ///< Blobs on an epipolar line.
  std::uint32_t budget = 0;           ///< Tests of this frame.
  std::vector<Candidate> candidates;
  /// A marker whose blobs were claimed.
  struct Found {
    frame::Marker marker;
    float size = 0;  ///< Mean radius that its blobs show, metres; 0 = unknown.
  };
  std::vector<Found> found;         ///< Then, as witnesses, those that were predicted.
  std::vector<std::uint32_t> by_x;  ///< Their order along x.
  std::vector<std::uint8_t> refused;
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
