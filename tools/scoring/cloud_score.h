#pragma once

#include <cstdint>
#include <vector>

#include "capture/camera/rig.h"
#include "capture/frame/frames.h"
#include "tools/scoring/spread.h"
#include "tools/scoring/true_markers.h"

namespace understudy::scoring {

/// Figures of reconstruction. A reconstructed marker belongs to the true marker that is nearest to
/// it, within kGhostRadius; of several that belong to one true marker the nearest counts. All
/// others are ghosts.
class CloudScore {
 public:
  static constexpr float kGhostRadius = 0.02f;  ///< Metres.

  /// Noise of 0 px: no Cramer-Rao bound.
  CloudScore(const camera::Rig& known_rig, double noise_px, std::size_t markers);

  /// Takes one frame; `truth` is the frame that `markers` was set to.
  void add(const source::StageFrame& truth, const TrueMarkers& markers,
           const frame::MarkerCloud& cloud);

  /// Share of the markers that `seen_2` (or `seen_3`) holds for.
  double recall() const { return ratio(found_2_, seen_2_); }
  double recall3() const { return ratio(found_3_, seen_3_); }
  double ghostsPerFrame() const { return ratio(ghosts_, frames_); }
  Spread errorMm() const { return error_mm_.spread(); }
  /// RMS error over the RMS of the bound, for markers whose own blobs bound them.
  double crbRatio() const { return std::sqrt(ratio(error_squares_, bound_squares_)); }
  /// Mean squared error in units of the covariance that came with it, per axis; 1 = honest.
  double nees() const { return ratio(nees_sum_, 3.0 * nees_count_); }

 private:
  void findOwners(const TrueMarkers& markers, const frame::MarkerCloud& cloud);
  void gatherInformation(const source::StageFrame& truth, const TrueMarkers& markers);
  void compareWithBound(const TrueMarkers& markers, std::size_t index, double squared);

  const camera::Rig rig_;
  double noise_px_;
  std::vector<std::int32_t> found_;      ///< Per true marker: index in the cloud, -1 for none.
  std::vector<glm::dmat3> information_;  ///< Per true marker: Fisher's.
  double frames_ = 0, ghosts_ = 0;
  double seen_2_ = 0, found_2_ = 0, seen_3_ = 0, found_3_ = 0;
  double error_squares_ = 0, bound_squares_ = 0;
  double nees_sum_ = 0, nees_count_ = 0;
  SpreadMeter error_mm_;
};

}  // namespace understudy::scoring
