#include "tools/scoring/stage_meter.h"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

namespace understudy::scoring {

std::span<const ProductionFigures> productionFigures() {
  constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
  static constexpr std::array<ProductionFigures, 3> kFigures{
      {{"production, 57 markers", 0.0052, 0.021, 6, 104, 999},
       {"front waist, 53 markers", 0.0078, 0.064, kUnknown, kUnknown, kUnknown},
       {"with ten fingers", 0.027, 0.11, 3, 24, kUnknown}}};
  return kFigures;
}

StageMeter::StageMeter(const std::vector<std::size_t>& counts, double rate_hz)
    : scale_(kProductionRateHz / rate_hz) {
  const std::size_t markers = std::accumulate(counts.begin(), counts.end(), std::size_t{0});
  dropped_.markers.resize(markers);
  missing_.markers.resize(markers);
}

void StageMeter::add(const source::StageFrame& frame) {
  std::size_t index = 0;
  for (const source::PerformerTruth& performer : frame.performers) {
    for (const source::MarkerTruth& marker : performer.markers) {
      dropped_.add(index, marker.dropped, scale_);
      missing_.add(index, !marker.seen_2, scale_);
      ++index;
    }
  }
  frames_ += 1;
}

void StageMeter::Kind::add(std::size_t marker, bool gone, double scale) {
  Absence& absence = markers[marker];
  if (gone) {
    ++absence.frames;
    ++absence.now;
  } else if (absence.now > 0) {
    lengths.add(static_cast<double>(absence.now) * scale);
    absence.now = 0;
  }
}

GapFigures StageMeter::Kind::figures(double frames, double scale) const {
  SpreadMeter all = lengths;
  double sum = 0, worst = 0;
  for (const Absence& absence : markers) {
    sum += static_cast<double>(absence.frames);
    worst = std::max(worst, static_cast<double>(absence.frames));
    if (absence.now > 0) all.add(static_cast<double>(absence.now) * scale);
  }
  return {.mean = ratio(sum, frames * static_cast<double>(markers.size())),
          .worst = ratio(worst, frames),
          .gap_frames = all.spread()};
}

StageFigures StageMeter::figures(const source::StageStatistics& statistics) const {
  const auto share = [](std::uint64_t part, std::uint64_t all) {
    return ratio(static_cast<double>(part), static_cast<double>(all));
  };
  return {
      .hidden_by_body = share(statistics.hidden_by_body, statistics.marker_views),
      .hidden_by_marker = share(statistics.hidden_by_marker, statistics.marker_views),
      .merged = share(statistics.merged, statistics.marker_views),
      .false_blobs = share(statistics.false_blobs, statistics.blobs),
      .blobs_per_image = share(statistics.blobs, statistics.images),
      .hidden_everywhere = share(statistics.unseen, statistics.marker_frames - statistics.dropped),
      .dropped = dropped_.figures(frames_, scale_),
      .missing = missing_.figures(frames_, scale_)};
}

}  // namespace understudy::scoring
