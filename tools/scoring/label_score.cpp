#include "tools/scoring/label_score.h"

#include <numeric>

namespace understudy::scoring {

LabelScore::LabelScore(double rate_hz, const std::vector<std::size_t>& counts)
    : rate_hz_(rate_hz),
      slots_(std::accumulate(counts.begin(), counts.end(), std::size_t{0})),
      identity_(slots_.size()),
      marker_recovery_(slots_.size(), rate_hz),
      subject_recovery_(counts.size(), rate_hz) {
  for (const std::size_t count : counts) subjects_.push_back({.markers = count});
}

void LabelScore::add(std::uint64_t sequence, const TrueMarkers& markers,
                     const frame::LabelledMarkers& labels, std::span<const std::int32_t> really) {
  for (std::size_t p = 0; p < subjects_.size(); ++p) {
    Subject& subject = subjects_[p];
    const frame::LabelledSubject* said = p < labels.subjects.size() ? &labels.subjects[p] : nullptr;
    std::size_t wanted = 0, right = 0;
    for (std::size_t m = 0; m < subject.markers; ++m) {
      const std::size_t i = markers.index(p, m);
      const bool good = scoreSlot(sequence, markers, i, said ? &said->markers[m] : nullptr, really);
      wanted += markers[i].seen_2 ? 1 : 0;
      right += good ? 1 : 0;
    }
    wanted_ += static_cast<double>(wanted);
    right_ += static_cast<double>(right);
    subject.right = right > 0 && 2 * right >= wanted;
    subject_recovery_.add(p, 2 * wanted >= subject.markers, subject.right);
    if (said == nullptr || !said->tracked || subject.found) continue;
    subject.found = true;
    found_ += 1;
    right_at_first_ += subject.right ? 1 : 0;
  }
}

bool LabelScore::scoreSlot(std::uint64_t sequence, const TrueMarkers& markers, std::size_t index,
                           const frame::LabelledMarker* slot,
                           std::span<const std::int32_t> really) {
  const bool filled = slot != nullptr && slot->confidence > 0.0f;
  const std::int32_t nearest = filled ? markers.nearest(slot->position, kRightRadius) : -1;
  const auto at = static_cast<std::size_t>(nearest < 0 ? 0 : nearest);
  const std::int32_t who = nearest < 0 || really.empty() ? nearest : really[at];
  const bool right = who == static_cast<std::int32_t>(index);
  if (markers[index].seen_2) identity_.want();
  if (filled) {
    identity_.slot(index, who, nearest >= 0 && markers[static_cast<std::size_t>(nearest)].seen_2);
  }
  marker_recovery_.add(index, markers[index].seen_2, right);
  follow(slots_[index], sequence, filled, nearest >= 0 && !right);
  return right && markers[at].seen_2;
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
