#include "tools/scoring/true_markers.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace understudy::scoring {

bool isFinite(const glm::vec3& point) {
  return std::isfinite(point.x) && std::isfinite(point.y) && std::isfinite(point.z);
}

TrueMarkers::TrueMarkers(const std::vector<std::size_t>& counts) {
  std::size_t total = 0;
  for (const std::size_t count : counts) {
    first_.push_back(total);
    total += count;
  }
  static const source::MarkerTruth kNowhere{.position = glm::vec3(std::nanf(""))};
  markers_.assign(total, &kNowhere);
  by_x_.reserve(total);
}

void TrueMarkers::set(const source::StageFrame& frame) {
  assert(frame.performers.size() == first_.size());
  by_x_.clear();
  for (std::size_t p = 0; p < first_.size(); ++p) {
    for (std::size_t m = 0; m < frame.performers[p].markers.size(); ++m) {
      markers_[index(p, m)] = &frame.performers[p].markers[m];
      if (!isFinite(frame.performers[p].markers[m].position)) continue;
      by_x_.push_back(static_cast<std::uint32_t>(index(p, m)));
    }
  }
  std::sort(by_x_.begin(), by_x_.end(), [&](std::uint32_t a, std::uint32_t b) {
    return markers_[a]->position.x < markers_[b]->position.x;
  });
}

std::int32_t TrueMarkers::nearest(const glm::vec3& point, float radius) const {
  std::int32_t best = -1;
  if (!isFinite(point)) return best;
  float nearest = radius;
  auto at = std::lower_bound(
      by_x_.begin(), by_x_.end(), point.x - radius,
      [&](std::uint32_t marker, float x) { return markers_[marker]->position.x < x; });
  for (; at != by_x_.end() && markers_[*at]->position.x <= point.x + radius; ++at) {
    const float distance = glm::distance(markers_[*at]->position, point);
    if (distance > nearest) continue;
    nearest = distance;
    best = static_cast<std::int32_t>(*at);
  }
  return best;
}

}  // namespace understudy::scoring
