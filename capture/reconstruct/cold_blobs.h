#pragma once

#include <cstdint>
#include <vector>

#include "capture/reconstruct/cold_rig.h"

namespace understudy::reconstruct {

struct FreeCentroid;

inline constexpr std::size_t kColdBlobs = 2048;   ///< Most per camera.
inline constexpr float kMostColdReach_px = 4.0f;  ///< That ColdLook may ask for.

/// What no prediction explains, per camera twice: as a map in which the blobs near an image
/// position are found, and as a list of those that are still open. Those of camera c begin at
/// first[c] in both.
struct ColdBlobs {
  std::vector<std::uint32_t> first;
  // The maps, sorted by cells; see ColdMap.
  std::vector<std::int16_t> units_u, units_v;
  std::vector<float> places;  ///< u and v of each.
  std::vector<float> radius_px;
  std::vector<ColdMap> maps;  ///< Per camera.
  std::vector<std::uint16_t> cell_start;
  std::size_t cells_per_camera = 0;
  std::vector<std::uint64_t> claimed;  ///< One bit each.
  // The lists.
  std::vector<float> open_u, open_v;
  std::vector<std::uint16_t> open;        ///< Which they are in the map.
  std::vector<std::uint32_t> open_count;  ///< Per camera.
  std::vector<std::uint8_t> touched;      ///< Per camera: 1 if some were claimed that are listed.
  // Of one camera, while it is sorted.
  std::vector<std::uint16_t> cell_of;
  std::vector<float> sorted_radius_px;
};

ColdBlobs makeColdBlobs(const ColdRig& rig);

/// Takes the free centroids of all cameras; returns how many there are.
std::uint32_t fillColdBlobs(const ColdRig& rig, const std::vector<std::vector<FreeCentroid>>& free,
                            ColdBlobs& blobs);

/// Makes the maps anew of the blobs that are open: few are looked through sooner.
void mapOpenBlobs(const ColdRig& rig, ColdBlobs& blobs);

/// Leaves out of a camera's list what was claimed since; returns the list.
ColdList openBlobs(ColdBlobs& blobs, std::size_t camera);

inline bool isOpen(const ColdBlobs& blobs, std::size_t camera, std::size_t blob) {
  const std::size_t at = blobs.first[camera] + blob;
  return (blobs.claimed[at / 64] >> (at % 64) & 1u) == 0;
}

inline void claimBlob(ColdBlobs& blobs, std::size_t camera, std::size_t blob) {
  const std::size_t at = blobs.first[camera] + blob;
  blobs.units_u[at] = kGoneUnits;
  blobs.claimed[at / 64] |= std::uint64_t{1} << (at % 64);
  blobs.touched[camera] = 1;
}

}  // namespace understudy::reconstruct
