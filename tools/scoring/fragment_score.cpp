#include "tools/scoring/fragment_score.h"

#include "tools/scoring/label_score.h"

namespace understudy::scoring {

FragmentScore::FragmentScore(std::size_t markers) : paths_(markers) {}

void FragmentScore::add(const TrueMarkers& markers, const frame::LabelledMarkers& labels) {
  for (std::size_t i = 0; i < markers.size(); ++i) {
    const bool there = isFinite(markers[i].position);
    paths_[i].before += there && !paths_[i].there ? 1 : 0;
    paths_[i].there = there;
    paths_[i].carried = false;
  }
  for (std::size_t p = 0; p < labels.subjects.size(); ++p) {
    const std::vector<frame::LabelledMarker>& slots = labels.subjects[p].markers;
    for (std::size_t m = 0; m < slots.size(); ++m) {
      if (!(slots[m].confidence > 0.0f)) continue;
      carry(markers, slots[m].position, static_cast<std::int64_t>(markers.index(p, m)));
    }
  }
  // Beyond all slots.
  constexpr std::int64_t kFirstTrack = std::int64_t{1} << 40;
  for (const frame::Marker& marker : labels.unlabelled) {
    if (marker.track != 0) carry(markers, marker.position, kFirstTrack + marker.track);
  }
}

void FragmentScore::carry(const TrueMarkers& markers, const glm::vec3& position,
                          std::int64_t identity) {
  const std::int32_t nearest = markers.nearest(position, LabelScore::kRightRadius);
  if (nearest < 0) return;
  Path& path = paths_[static_cast<std::size_t>(nearest)];
  if (path.carried) return;
  path.carried = true;
  path.after += path.identity != identity ? 1 : 0;
  path.identity = identity;
}

FragmentCount FragmentScore::count() const {
  FragmentCount count;
  for (const Path& path : paths_) {
    count.markers += path.before > 0 ? 1 : 0;
    count.before += path.before;
    count.after += path.after;
  }
  return count;
}

}  // namespace understudy::scoring
