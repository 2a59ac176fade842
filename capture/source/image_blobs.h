#pragma once

#include <cstdint>
#include <vector>

#include "capture/source/random.h"
#include "capture/source/simulated_stage.h"

namespace understudy::source {

/// A marker's disc in one camera's image.
struct Disc {
  float x_px = 0, y_px = 0, radius_px = 0;
  float depth = 0;  ///< Metres before the camera.
  std::uint32_t performer = 0, marker = 0;
  bool hidden = false;     ///< By a nearer marker.
  std::uint32_t blob = 0;  ///< The first disc of the blob that it belongs to.
};

/// Something that shines for a while and is no marker.
struct Reflection {
  float x_px = 0, y_px = 0, radius_px = 0;
  double until = 0;
};

/// One camera's image: turns discs into the blobs that the camera measures.
class ImageBlobs {
 public:
  ImageBlobs(const camera::Camera& camera, const StageSettings& settings, double rate_hz,
             std::size_t most_discs, Random random);

  /// Filled by the caller, then changed by `measure`: `hidden` and `blob` are set.
  std::vector<Disc> discs;

  /// Measures one exposure: hides and merges discs, adds noise and false blobs, sorts by rows.
  void measure(double seconds, frame::CameraCentroids& centroids,
               std::vector<CentroidTruth>& truth);

  /// Number of discs in this disc's blob, after `measure`; 0 for a hidden one.
  std::uint32_t sharers(const Disc& disc) const { return disc.hidden ? 0 : shares_[disc.blob]; }
  /// The most blobs that one exposure can have.
  std::size_t mostBlobs() const { return blobs_.capacity(); }
  /// Blobs so far that were no marker.
  std::uint64_t falseBlobs() const { return false_blobs_; }

 private:
  struct Blob {
    frame::Centroid centroid;
    CentroidTruth truth;
  };
  void join();
  void shine(double seconds);
  void add(float x_px, float y_px, float radius_px, float elongation, const CentroidTruth& truth);

  float width_px_, height_px_;
  double noise_px_, false_blobs_share_;
  bool merge_blobs_;
  double rate_hz_;
  std::vector<std::uint32_t> shares_;
  std::vector<Reflection> reflections_;
  std::vector<Blob> blobs_;
  std::uint64_t false_blobs_ = 0;
  Random random_;
};

}  // namespace understudy::source
