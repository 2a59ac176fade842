#include "capture/reconstruct/cold_blobs.h"

#include <algorithm>
#include <cmath>

#include "capture/reconstruct/reconstruct.h"

namespace understudy::reconstruct {
namespace {

static_assert(kColdBlobs == kMaxCentroids);

constexpr float kCellWidth_px = 16.0f, kCellHeight_px = 128.0f;  // Few images touch two rows.
constexpr std::size_t kFewBlobs = 16;                            // Of so few all are looked at.

std::int32_t cellsAlong(float half_px, float cell_px) {
  return static_cast<std::int32_t>((2.0f * half_px + kMostColdReach_px) / cell_px) + 2;
}

// Sorts the first `count` blobs of the camera's list into its map: counting sort, their order
// stays.
void sortIntoCells(const ColdRig& rig, std::size_t c, std::size_t count, ColdBlobs& b) {
  const ColdCamera& camera = rig.cameras[c];
  const std::size_t base = b.first[c];
  ColdMap& map = b.maps[c];
  std::uint16_t* start = &b.cell_start[c * b.cells_per_camera];
  const bool few = count <= kFewBlobs;
  map.cell_start = start;
  map.units_u = &b.units_u[base];
  map.units_v = &b.units_v[base];
  map.places = &b.places[2 * base];
  map.across = few ? 1 : cellsAlong(camera.half_width_px, kCellWidth_px);
  map.cells_per_px_u = few ? 0.0f : 1.0f / kCellWidth_px;
  map.cells_per_px_v = few ? 0.0f : 1.0f / kCellHeight_px;
  const float* u = &b.open_u[base];
  const float* v = &b.open_v[base];
  std::uint16_t* slot = &b.open[base];
  if (few) {
    start[0] = 0;
    start[1] = static_cast<std::uint16_t>(count);
    for (std::size_t i = 0; i < count; ++i) slot[i] = static_cast<std::uint16_t>(i);
    return;
  }
  const std::size_t cells =
      static_cast<std::size_t>(map.across * cellsAlong(camera.half_height_px, kCellHeight_px)) + 1;
  std::fill_n(start, cells, std::uint16_t{0});
  for (std::size_t i = 0; i < count; ++i) {
    const auto row = static_cast<std::int32_t>((v[i] + camera.half_height_px) * map.cells_per_px_v);
    const auto column =
        static_cast<std::int32_t>((u[i] + camera.half_width_px) * map.cells_per_px_u);
    b.cell_of[i] = static_cast<std::uint16_t>(row * map.across + column);
    ++start[b.cell_of[i]];
  }
  std::uint16_t sum = 0;
  for (std::size_t cell = 0; cell < cells; ++cell) {
    sum = static_cast<std::uint16_t>(sum + start[cell]);
    start[cell] = sum;  // The cell's end; filling from behind makes it the start.
  }
  for (std::size_t i = count; i-- > 0;) slot[i] = --start[b.cell_of[i]];
}

// Makes the camera's map of its list and of their radii.
void makeMap(const ColdRig& rig, std::size_t c, std::size_t count, ColdBlobs& b) {
  sortIntoCells(rig, c, count, b);
  const std::size_t base = b.first[c];
  const float units = rig.cameras[c].units_per_px;
  for (std::size_t i = 0; i < count; ++i) {
    const float u = b.open_u[base + i], v = b.open_v[base + i];
    const std::size_t at = base + b.open[base + i];
    b.places[2 * at] = u;
    b.places[2 * at + 1] = v;
    b.units_u[at] = static_cast<std::int16_t>(u * units);
    b.units_v[at] = static_cast<std::int16_t>(v * units);
    b.radius_px[at] = b.sorted_radius_px[i];
  }
  for (std::size_t pad = 0; pad < 2 * kColdLanes; ++pad) {
    b.units_u[base + count + pad] = kGoneUnits;
    b.open_u[base + count + pad] = kGone;
  }
  b.open_count[c] = static_cast<std::uint32_t>(count);
  b.touched[c] = 0;
}

}  // namespace

ColdBlobs makeColdBlobs(const ColdRig& rig) {
  ColdBlobs b;
  const std::size_t cameras = rig.cameras.size();
  const std::size_t blobs = cameras * (kColdBlobs + 3 * kColdLanes);  // Read in whole lanes.
  b.first.resize(cameras);
  b.units_u.resize(blobs);
  b.units_v.resize(blobs);
  b.places.resize(2 * blobs);
  b.radius_px.resize(blobs);
  b.maps.resize(cameras);
  std::int32_t cells = 1;
  for (const ColdCamera& camera : rig.cameras) {
    cells = std::max(cells, cellsAlong(camera.half_width_px, kCellWidth_px) *
                                cellsAlong(camera.half_height_px, kCellHeight_px));
  }
  b.cells_per_camera = static_cast<std::size_t>(cells) + 1;
  b.cell_start.resize(cameras * b.cells_per_camera);
  b.claimed.resize(blobs / 64 + 1);
  b.open_u.resize(blobs);
  b.open_v.resize(blobs);
  b.open.resize(blobs);
  b.open_count.resize(cameras);
  b.touched.resize(cameras);
  b.cell_of.resize(kColdBlobs);
  b.sorted_radius_px.resize(kColdBlobs);
  return b;
}

std::uint32_t fillColdBlobs(const ColdRig& rig, const std::vector<std::vector<FreeCentroid>>& free,
                            ColdBlobs& b) {
  std::uint32_t sum = 0;
  std::size_t base = 0;
  for (std::size_t c = 0; c < rig.cameras.size(); ++c) {
    const float half_width = rig.cameras[c].half_width_px;
    const float half_height = rig.cameras[c].half_height_px;
    b.first[c] = static_cast<std::uint32_t>(base);
    float* u = &b.open_u[base];
    float* v = &b.open_v[base];
    std::size_t count = 0;
    for (const FreeCentroid& centroid : free[c]) {
      if (count == kColdBlobs) break;
      u[count] = centroid.u;
      v[count] = centroid.v;
      b.sorted_radius_px[count] = centroid.radius_px;
      // Also false for what is not a number.
      count += std::abs(centroid.u) < half_width && std::abs(centroid.v) < half_height;
    }
    makeMap(rig, c, count, b);
    sum += static_cast<std::uint32_t>(count);
    base += count / kColdLanes * kColdLanes + 3 * kColdLanes;  // Lists end with what no line meets.
  }
  std::fill_n(b.claimed.begin(), base / 64 + 1, 0);
  return sum;
}

void mapOpenBlobs(const ColdRig& rig, ColdBlobs& b) {
  for (std::size_t c = 0; c < rig.cameras.size(); ++c) openBlobs(b, c);
  std::fill(b.claimed.begin(), b.claimed.end(), 0);
  for (std::size_t c = 0; c < rig.cameras.size(); ++c) {
    const std::size_t count = openBlobs(b, c).count;
    for (std::size_t i = 0; i < count; ++i)
      b.sorted_radius_px[i] = b.radius_px[b.first[c] + b.open[b.first[c] + i]];
    makeMap(rig, c, count, b);
  }
}

ColdList openBlobs(ColdBlobs& b, std::size_t camera) {
  const std::size_t base = b.first[camera];
  if (b.touched[camera]) {
    b.touched[camera] = 0;
    std::uint32_t kept = 0;
    for (std::uint32_t i = 0; i < b.open_count[camera]; ++i) {
      const std::uint16_t blob = b.open[base + i];
      b.open[base + kept] = blob;
      b.open_u[base + kept] = b.open_u[base + i];
      b.open_v[base + kept] = b.open_v[base + i];
      kept += isOpen(b, camera, blob);
    }
    b.open_count[camera] = kept;
    for (std::size_t pad = 0; pad < kColdLanes; ++pad) b.open_u[base + kept + pad] = kGone;
  }
  return {&b.open_u[base], &b.open_v[base], b.open_count[camera]};
}

}  // namespace understudy::reconstruct
