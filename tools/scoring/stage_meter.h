#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "capture/source/simulated_stage.h"
#include "tools/scoring/spread.h"

namespace understudy::scoring {

/// Rate at which the production figures count frames, as the simulation's gap model reads them.
inline constexpr double kProductionRateHz = 120.0;

/// What is published of a real production's gaps. Shares are of marker-frames, gap lengths in
/// frames; NaN where nothing is known.
struct ProductionFigures {
  const char* marker_set;
  double missing_mean, missing_worst;  ///< Mean of all markers, worst marker.
  double gap_p50, gap_p90, gap_p99;
};

inline constexpr const char* kProductionSource =
    "gap tables published with LocalMoCap (2023), 7.4 million frames a marker, read at 120 Hz";

/// The published sets: 57 markers of a production, 53 front-waist, and with ten fingers.
std::span<const ProductionFigures> productionFigures();

/// How often markers are gone, and for how long.
struct GapFigures {
  double mean = 0, worst = 0;  ///< Share of frames: mean of all markers, worst marker.
  Spread gap_frames;           ///< Lengths of gaps, frames of kProductionRateHz.
};

/// Statistics of a simulated stage, from its truth alone.
struct StageFigures {
  double hidden_by_body = 0, hidden_by_marker = 0, merged = 0;  ///< Shares of marker-views.
  double false_blobs = 0;                                       ///< Share of all blobs.
  double blobs_per_image = 0;
  double hidden_everywhere = 0;  ///< Share of marker-frames outside gaps without `seen_2`.
  GapFigures dropped;            ///< Drop-outs alone: markers that no camera sees.
  GapFigures missing;            ///< Without `seen_2` for whatever reason.
};

/// Watches markers come and go. Allocates nothing after construction.
class StageMeter {
 public:
  /// Number of markers per performer.
  StageMeter(const std::vector<std::size_t>& counts, double rate_hz);

  void add(const source::StageFrame& frame);

  /// `statistics` are the stage's own counts. Gaps that are not over count with what they lasted.
  StageFigures figures(const source::StageStatistics& statistics) const;

 private:
  struct Absence {
    std::uint64_t frames = 0;  ///< Of all gaps.
    std::uint64_t now = 0;     ///< Of the gap that is not over.
  };
  struct Kind {
    std::vector<Absence> markers;
    SpreadMeter lengths;
    void add(std::size_t marker, bool gone, double scale);
    GapFigures figures(double frames, double scale) const;
  };

  double scale_;  ///< Production frames per frame.
  double frames_ = 0;
  Kind dropped_, missing_;
};

}  // namespace understudy::scoring
