#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "capture/frame/frames.h"

namespace understudy::label {

/// What is one marker although two predictions got a part of its rays each.
struct DoubleSettings {
  double radius = 0.012;  ///< Two markers are not nearer to each other than this, metres, ...
  double share = 0.6;     ///< ... and not than this share of what was expected of them.
};

/// Finds markers that stand for one: where a marker is hidden, its neighbour's centroids lie about
/// where it is expected in some cameras, and reconstruction makes two markers of one, each of other
/// cameras. The name that was seen in the frame before keeps the marker, or else the one that
/// expected it nearer; it gets the place that more cameras saw. Marks in `is_double` (one per
/// marker of the cloud, cleared first) what is left over.
struct FindDoubles {
  const DoubleSettings& settings;
  std::span<const frame::PredictedMarker> predictions;  ///< Those of subjects, by subject.
  std::span<const frame::Marker> cloud;
  std::span<const std::uint8_t> seen_before;  ///< Per prediction.
  std::span<std::int32_t> match;              ///< Per prediction: marker of the cloud, -1 for none.
  std::vector<std::uint8_t>& is_double;

  void run() const;
};

}  // namespace understudy::label
