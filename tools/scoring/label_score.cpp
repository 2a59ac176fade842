#include "tools/scoring/label_score.h"

#include <algorithm>

namespace understudy::scoring {

LabelScore::LabelScore(double rate_hz, std::size_t markers) : rate_hz_(rate_hz), slots_(markers) {}

void LabelScore::add(std::uint64_t sequence, const TrueMarkers& markers,
                     const frame::LabelledMarkers& labels, std::span<const std::int32_t> really) {
  for (std::size_t i = 0; i < markers.size(); ++i) wanted_ += markers[i].seen_2 ? 1 : 0;
  for (std::size_t p = 0; p < labels.subjects.size(); ++p) {
    const std::vector<frame::LabelledMarker>& slots = labels.subjects[p].markers;
    for (std::size_t m = 0; m < slots.size(); ++m) {
      const std::size_t i = markers.index(p, m);
      const bool filled = slots[m].confidence > 0.0f;
      const std::int32_t nearest = filled ? markers.nearest(slots[m].position, kRightRadius) : -1;
      const auto at = static_cast<std::size_t>(std::max(nearest, 0));
      const std::int32_t who = nearest < 0 || really.empty() ? nearest : really[at];
      const bool right = who == static_cast<std::int32_t>(i);
      right_ += right && markers[at].seen_2 ? 1 : 0;
      wrong_ += filled && !right ? 1 : 0;
      follow(slots_[i], sequence, filled, nearest >= 0 && !right);
    }
  }
}

void LabelScore::follow(Slot& slot, std::uint64_t sequence, bool filled, bool elsewhere) {
  if (filled && !elsewhere) slot.swapped = false;
  if (!elsewhere) return;
  if (!slot.swapped) {
    slot = {.swapped = true, .since = sequence};
    ++swaps_;
  }
  const double frames = static_cast<double>(sequence - slot.since + 1);
  if (slot.counted_long || !(frames > 0.1 * rate_hz_)) return;
  slot.counted_long = true;
  ++long_swaps_;
}

}  // namespace understudy::scoring
