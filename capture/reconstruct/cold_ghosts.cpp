#include "capture/reconstruct/cold_ghosts.h"

#include <algorithm>
#include <cmath>

#include "capture/reconstruct/cold_search.h"

namespace understudy::reconstruct {
namespace {

// In ColdSearchWorkspace::refused.
constexpr std::uint8_t kKept = 0, kMerged = 1, kDouble = 2;

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

// Sorts what was found, and the predicted markers behind it as witnesses, along x.
void sortByX(const SearchCold& job) {
  ColdSearchWorkspace& w = job.workspace;
  for (const frame::Marker& marker : job.cloud.markers) {
    if (w.found.size() < w.found.capacity()) w.found.push_back({marker, 0.0f});
  }
  w.by_x.clear();
  for (std::uint32_t i = 0; i < w.found.size(); ++i) w.by_x.push_back(i);
  const auto x = [&](std::uint32_t i) { return w.found[i].marker.position.x; };
  std::sort(w.by_x.begin(), w.by_x.end(),
            [&](std::uint32_t a, std::uint32_t b) { return x(a) != x(b) ? x(a) < x(b) : a < b; });
}

// Calls visit(index) for all markers in the neighbourhood of the one at `at` along x.
template <typename Visit>
void visitNear(const ColdSearchWorkspace& w, std::size_t at, const Visit& visit) {
  constexpr float kNeighbourhood = 0.04f;  // Blobs of markers further apart seldom touch, metres.
  const glm::vec3& own = w.found[w.by_x[at]].marker.position;
  const auto offer = [&](std::size_t n) {
    const glm::vec3& other = w.found[w.by_x[n]].marker.position;
    if (std::abs(other.x - own.x) >= kNeighbourhood) return false;
    if (distance2(own, other) <= kNeighbourhood * kNeighbourhood) visit(w.by_x[n]);
    return true;
  };
  for (std::size_t n = at; n-- > 0 && offer(n);) continue;
  for (std::size_t n = at + 1; n < w.by_x.size() && offer(n); ++n) continue;
}

bool isMergedOfSome(const ColdSearchWorkspace& w, std::size_t at) {
  constexpr std::size_t kMostNear = 8;
  const ColdSearchWorkspace::Found& marker = w.found[w.by_x[at]];
  std::uint32_t near[kMostNear];
  std::size_t count = 0;
  bool merged = false;
  visitNear(w, at, [&](std::uint32_t other) {
    for (std::size_t n = 0; n < count; ++n)
      merged = merged || isMergedImage(marker, w.found[near[n]], w.found[other]);
    if (count < kMostNear) near[count++] = other;
  });
  return merged;
}

// Of two markers in one place the one with more rays stays, unless it is a merged image itself.
bool isDoubleOfSome(const ColdSearchWorkspace& w, std::size_t at, std::size_t fresh) {
  const std::uint32_t own = w.by_x[at];
  const ColdSearchWorkspace::Found& marker = w.found[own];
  bool doubled = false;
  visitNear(w, at, [&](std::uint32_t other) {
    const ColdSearchWorkspace::Found& neighbour = w.found[other];
    const bool better = other >= fresh || neighbour.marker.rays > marker.marker.rays ||
                        (neighbour.marker.rays == marker.marker.rays && other < own);
    doubled = doubled || (better && w.refused[other] != kMerged && isDouble(marker, neighbour));
  });
  return doubled;
}

}  // namespace

void refuseGhosts(const SearchCold& job) {
  ColdSearchWorkspace& w = job.workspace;
  if (w.found.empty()) return;
  const std::size_t fresh = w.found.size();
  sortByX(job);
  for (std::size_t at = 0; at < w.by_x.size(); ++at) {
    const std::uint32_t own = w.by_x[at];
    w.refused[own] = own < fresh && isMergedOfSome(w, at) ? kMerged : kKept;
  }
  for (std::size_t at = 0; at < w.by_x.size(); ++at) {
    const std::uint32_t own = w.by_x[at];
    if (own < fresh && w.refused[own] == kKept && isDoubleOfSome(w, at, fresh))
      w.refused[own] = kDouble;
  }
  for (std::uint32_t i = 0; i < fresh; ++i) {
    if (w.refused[i] == kKept && job.cloud.markers.size() < job.cloud.markers.capacity())
      job.cloud.markers.push_back(w.found[i].marker);
  }
}

}  // namespace understudy::reconstruct
