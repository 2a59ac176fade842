#include "capture/source/image_blobs.h"

#include <algorithm>
#include <cmath>

#include "capture/source/protocol.h"

namespace understudy::source {
namespace {

constexpr float kReferenceRadiusPx = 2.0f;
constexpr double kReflectionSeconds = 3.0;  // Mean life of a steady false blob.

}  // namespace

ImageBlobs::ImageBlobs(const camera::Camera& camera, const StageSettings& settings, double rate_hz,
                       std::size_t most_discs, Random random)
    : width_px_(static_cast<float>(camera.width_px)),
      height_px_(static_cast<float>(camera.height_px)),
      noise_px_(settings.noise_px),
      false_blobs_share_(settings.false_blobs),
      merge_blobs_(settings.merge_blobs),
      rate_hz_(rate_hz),
      random_(random) {
  discs.reserve(most_discs);
  shares_.reserve(most_discs);
  // False blobs at ten times their mean still fit.
  const std::size_t most_false =
      64 + static_cast<std::size_t>(10.0 * settings.false_blobs * static_cast<double>(most_discs));
  reflections_.reserve(most_false);
  blobs_.reserve(most_discs + 2 * most_false);
}

// Finds overlapping discs in order of x: a disc mostly behind a nearer one is hidden, the others
// that touch become one blob.
void ImageBlobs::join() {
  std::sort(discs.begin(), discs.end(),
            [](const Disc& a, const Disc& b) { return a.x_px < b.x_px; });
  float largest = 0.0f;
  for (std::uint32_t i = 0; i < discs.size(); ++i) {
    discs[i].blob = i;
    discs[i].hidden = false;
    largest = std::max(largest, discs[i].radius_px);
  }
  const auto root = [this](std::uint32_t i) {
    while (discs[i].blob != i) i = discs[i].blob;
    return i;
  };
  for (int pass = 0; pass < 2; ++pass) {
    for (std::uint32_t i = 0; i < discs.size(); ++i) {
      for (std::uint32_t j = i + 1; j < discs.size(); ++j) {
        Disc &a = discs[i], &b = discs[j];
        if (b.x_px - a.x_px > 2.0f * largest) break;
        const float dx = b.x_px - a.x_px, dy = b.y_px - a.y_px, reach = a.radius_px + b.radius_px;
        const float distance2 = dx * dx + dy * dy;
        if (a.hidden || b.hidden || distance2 >= reach * reach) continue;
        if (pass == 0) {
          // Behind a nearer marker but for a thin rim.
          Disc& farther = a.depth > b.depth ? a : b;
          const Disc& nearer = a.depth > b.depth ? b : a;
          const float cover = nearer.radius_px - 0.7f * farther.radius_px;
          if (cover > 0.0f && distance2 < cover * cover) farther.hidden = true;
        } else {
          const std::uint32_t first = root(i), second = root(j);
          if (first < second) {
            discs[second].blob = first;
          } else if (second < first) {
            discs[first].blob = second;
          }
        }
      }
    }
    if (pass == 0 && !merge_blobs_) break;
  }
  shares_.assign(discs.size(), 0);
  for (std::uint32_t i = 0; i < discs.size(); ++i) {
    discs[i].blob = root(i);
    if (!discs[i].hidden) ++shares_[discs[i].blob];
  }
}

void ImageBlobs::add(float x_px, float y_px, float radius_px, float elongation,
                     const CentroidTruth& truth) {
  if (blobs_.size() == blobs_.capacity()) return;
  // Larger blobs are measured better: the noise is stated for a radius of 2 px.
  const float sigma =
      static_cast<float>(noise_px_) * std::sqrt(kReferenceRadiusPx / std::max(0.5f, radius_px));
  const auto noise = [this] { return static_cast<float>(random_.normal()); };
  x_px += sigma * noise();
  y_px += sigma * noise();
  if (!(x_px >= 0.0f && x_px < width_px_ && y_px >= 0.0f && y_px < height_px_)) return;
  const float shape_noise = std::min(1.0f, static_cast<float>(noise_px_));
  const frame::Centroid measured{
      .x_px = x_px,
      .y_px = y_px,
      .radius_px = std::max(0.3f, radius_px * (1.0f + 0.3f * shape_noise * noise())),
      .elongation = elongation + 0.4f * shape_noise * std::abs(noise())};
  blobs_.push_back({.centroid = quantise(measured), .truth = truth});
}

void ImageBlobs::shine(double seconds) {
  if (!(false_blobs_share_ > 0.0)) return;
  const double mean = false_blobs_share_ * static_cast<double>(discs.size());
  const auto somewhere = [this] {
    return Reflection{.x_px = static_cast<float>(random_.uniform(0.0, width_px_)),
                      .y_px = static_cast<float>(random_.uniform(0.0, height_px_)),
                      .radius_px = static_cast<float>(random_.uniform(0.6, 4.0)),
                      .until = 0};
  };
  // Half are steady reflections that flicker, half come and go with every frame.
  const std::size_t births = random_.rounded(0.625 * mean / (kReflectionSeconds * rate_hz_));
  for (std::size_t i = 0; i < births && reflections_.size() < reflections_.capacity(); ++i) {
    Reflection reflection = somewhere();
    reflection.until = seconds + kReflectionSeconds * random_.exponential();
    reflections_.push_back(reflection);
  }
  std::erase_if(reflections_, [seconds](const Reflection& r) { return r.until <= seconds; });
  const std::size_t before = blobs_.size();
  for (const Reflection& r : reflections_) {
    if (random_.uniform() < 0.8) {
      add(r.x_px, r.y_px, r.radius_px, static_cast<float>(random_.uniform(1.0, 1.8)), {});
    }
  }
  const std::size_t flashes = random_.rounded(0.5 * mean);
  for (std::size_t i = 0; i < flashes; ++i) {
    const Reflection r = somewhere();
    add(r.x_px, r.y_px, r.radius_px, static_cast<float>(random_.uniform(1.0, 1.8)), {});
  }
  false_blobs_ += blobs_.size() - before;
}

void ImageBlobs::measure(double seconds, frame::CameraCentroids& centroids,
                         std::vector<CentroidTruth>& truth) {
  join();
  blobs_.clear();
  for (std::uint32_t first = 0; first < discs.size(); ++first) {
    const std::uint32_t sharers = shares_[first];
    if (sharers == 0) continue;
    if (sharers == 1) {
      const Disc& disc = discs[first];
      add(disc.x_px, disc.y_px, disc.radius_px, 1.0f,
          {.performer = static_cast<std::int32_t>(disc.performer),
           .marker = static_cast<std::int32_t>(disc.marker)});
      continue;
    }
    // Area-weighted middle and second moments of all discs; overlaps count twice, which is small.
    float weight = 0, x = 0, y = 0;
    const Disc* largest = nullptr;
    for (std::uint32_t i = first; i < discs.size(); ++i) {
      const Disc& disc = discs[i];
      if (disc.hidden || disc.blob != first) continue;
      const float area = disc.radius_px * disc.radius_px;
      weight += area;
      x += area * disc.x_px;
      y += area * disc.y_px;
      if (largest == nullptr || disc.radius_px > largest->radius_px) largest = &disc;
    }
    x /= weight;
    y /= weight;
    float xx = 0, xy = 0, yy = 0;
    for (std::uint32_t i = first; i < discs.size(); ++i) {
      const Disc& disc = discs[i];
      if (disc.hidden || disc.blob != first) continue;
      const float area = disc.radius_px * disc.radius_px, own = 0.25f * area;
      const float dx = disc.x_px - x, dy = disc.y_px - y;
      xx += area * (own + dx * dx);
      xy += area * dx * dy;
      yy += area * (own + dy * dy);
    }
    const float mean = 0.5f * (xx + yy), spread = std::hypot(0.5f * (xx - yy), xy);
    const float elongation = std::sqrt((mean + spread) / std::max(1e-6f, mean - spread));
    add(x, y, std::sqrt(weight), elongation,
        {.performer = static_cast<std::int32_t>(largest->performer),
         .marker = static_cast<std::int32_t>(largest->marker),
         .merged = true});
  }
  shine(seconds);
  // Raster order, as a sensor reads out: the order says nothing of who is who.
  std::sort(blobs_.begin(), blobs_.end(), [](const Blob& a, const Blob& b) {
    return a.centroid.y_px != b.centroid.y_px ? a.centroid.y_px < b.centroid.y_px
                                              : a.centroid.x_px < b.centroid.x_px;
  });
  centroids.received = true;
  centroids.centroids.clear();
  truth.clear();
  for (const Blob& blob : blobs_) {
    centroids.centroids.push_back(blob.centroid);
    truth.push_back(blob.truth);
  }
}

}  // namespace understudy::source
