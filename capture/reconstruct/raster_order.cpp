#include "capture/reconstruct/raster_order.h"

#include <array>
#include <span>

namespace understudy::reconstruct {
namespace {

// A centroid's height in quanta, then its index.
std::uint32_t keyOf(const Matching& m, std::size_t centroid) {
  const float v = (m.centroids.rays[centroid].v - m.grid.least_v) * m.grid.quanta_per_px;
  const std::int32_t height = std::clamp(static_cast<std::int32_t>(v), 0, kMostQuanta);
  return static_cast<std::uint32_t>(height) << 16 | static_cast<std::uint32_t>(centroid);
}
// Blobs are listed where they begin or end, which may be a little from their middle.
bool isRaster(const Matching& m) {
  constexpr std::uint32_t kLittle = 64u << 16;  // Some 9 px.
  std::size_t back = 0;
  std::uint32_t before = 0;
  for (std::size_t i = 0; i < m.count; ++i) {
    const std::uint32_t key = keyOf(m, i);
    back += key + kLittle < before;
    before = key;
  }
  return 8 * back <= m.count;
}

// By one byte, those equal in it as they were.
void sortByByte(std::span<const std::uint32_t> keys, int shift, std::uint32_t* sorted) {
  std::array<std::uint16_t, 257> first{};
  for (const std::uint32_t key : keys) ++first[((key >> shift) & 0xffu) + 1];
  for (std::size_t k = 1; k < first.size(); ++k) {
    first[k] = static_cast<std::uint16_t>(first[k] + first[k - 1]);
  }
  for (const std::uint32_t key : keys) sorted[first[(key >> shift) & 0xffu]++] = key;
}

}  // namespace

void restoreRasterOrder(const Matching& m) {
  CameraOrder& order = m.state.orders[m.job.camera];
  if (order.is_raster) return;
  order.is_raster = isRaster(m);
  if (order.is_raster) return;
  ReconstructWorkspace& w = m.w;
  for (std::size_t i = 0; i < m.count; ++i) w.raster_keys[i] = keyOf(m, i);
  sortByByte(std::span(w.raster_keys).first(m.count), 16, w.sorted_keys.data());
  sortByByte(std::span(w.sorted_keys).first(m.count), 24, w.raster_keys.data());
  for (std::size_t to = 0; to < m.count; ++to) {
    const std::size_t i = w.raster_keys[to] & 0xffffu;
    w.sorted_rays[to] = m.centroids.rays[i];
    w.sorted_slack[to] = m.centroids.slack[i];
    w.sorted_place[to] = m.centroids.place[i];
  }
  std::copy_n(w.sorted_rays.begin(), m.count, m.centroids.rays);
  std::copy_n(w.sorted_slack.begin(), m.count, m.centroids.slack);
  std::copy_n(w.sorted_place.begin(), m.count, m.centroids.place);
}

}  // namespace understudy::reconstruct
