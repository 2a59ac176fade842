#include "capture/reconstruct/cold_ghosts.h"

#include <algorithm>
#include <cmath>

#include "capture/reconstruct/cold_search.h"

namespace understudy::reconstruct {
namespace {

float distance2(const glm::vec3& a, const glm::vec3& b) { return glm::dot(a - b, a - b); }

// True if `marker` is what two others look like where their blobs are one: it lies between them and
// is as large as both together, or of unknown size.
bool isMergedImage(const ColdSearchWorkspace::Found& marker, const ColdSearchWorkspace::Found& a,
                   const ColdSearchWorkspace::Found& b) {
  const glm::vec3 along = b.marker.position - a.marker.position;
  const glm::vec3 from = marker.marker.position - a.marker.position;
  const float length2 = glm::dot(along, along);
  const float share = glm::dot(from, along) / std::max(length2, 1e-12f);
  if (!(share > 0.15f && share < 0.85f)) return false;
  constexpr float kOff = 0.006f;  // Metres.
  if (distance2(from, share * along) > kOff * kOff) return false;
  const float both = std::sqrt(a.size * a.size + b.size * b.size);
  if (marker.size == 0.0f || both == 0.0f) return true;
  return marker.size > 0.85f * both;
}

// Spheres cannot be inside each other: the same marker a second time, from rays left over.
bool isDouble(const ColdSearchWorkspace::Found& marker, const ColdSearchWorkspace::Found& other) {
  constexpr float kUsualSize = 0.005f;
  const float size = std::min(marker.size, other.size > 0.0f ? other.size : kUsualSize);
  return distance2(marker.marker.position, other.marker.position) < size * size;
}

}  // namespace

void refuseGhosts(const SearchCold& job) {
  ColdSearchWorkspace& w = job.workspace;
  if (w.found.empty()) return;
  const std::size_t fresh = w.found.size();
  for (const frame::Marker& marker : job.cloud.markers) {
    if (w.found.size() < w.found.capacity()) w.found.push_back({marker, 0.0f});
  }
  w.by_x.clear();
  for (std::uint32_t i = 0; i < w.found.size(); ++i) w.by_x.push_back(i);
  const auto x = [&](std::uint32_t i) { return w.found[i].marker.position.x; };
  std::sort(w.by_x.begin(), w.by_x.end(),
            [&](std::uint32_t a, std::uint32_t b) { return x(a) != x(b) ? x(a) < x(b) : a < b; });
  constexpr float kNeighbourhood = 0.04f;  // Blobs of markers further apart seldom touch, metres.
  constexpr std::size_t kMostNear = 8;
  for (std::size_t at = 0; at < w.by_x.size(); ++at) {
    const std::uint32_t own = w.by_x[at];
    if (own >= fresh) continue;
    const ColdSearchWorkspace::Found& marker = w.found[own];
    std::uint32_t near[kMostNear];
    std::size_t count = 0;
    bool refused = false;
    const auto look = [&](std::uint32_t other) {
      const ColdSearchWorkspace::Found& neighbour = w.found[other];
      if (distance2(marker.marker.position, neighbour.marker.position) >
          kNeighbourhood * kNeighbourhood)
        return;
      // Of two markers in one place the one with more rays stays.
      const bool better = other >= fresh || neighbour.marker.rays > marker.marker.rays ||
                          (neighbour.marker.rays == marker.marker.rays && other < own);
      refused = refused || (better && isDouble(marker, neighbour));
      for (std::size_t n = 0; n < count; ++n)
        refused = refused || isMergedImage(marker, w.found[near[n]], neighbour);
      if (count < kMostNear) near[count++] = other;
    };
    for (std::size_t n = at; n-- > 0 && x(w.by_x[n]) > x(own) - kNeighbourhood;) look(w.by_x[n]);
    for (std::size_t n = at + 1; n < w.by_x.size() && x(w.by_x[n]) < x(own) + kNeighbourhood; ++n)
      look(w.by_x[n]);
    w.refused[own] = refused ? 1 : 0;
  }
  for (std::uint32_t i = 0; i < fresh; ++i) {
    if (!w.refused[i] && job.cloud.markers.size() < job.cloud.markers.capacity())
      job.cloud.markers.push_back(w.found[i].marker);
  }
}

}  // namespace understudy::reconstruct
