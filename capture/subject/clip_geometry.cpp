#include "capture/subject/clip_geometry.h"

#include <algorithm>
#include <cmath>

#include "engine/math/exponential.h"

namespace understudy::subject {

bool isSeen(const glm::vec3& p) {
  constexpr float kFarthest = 1e4f;  // Metres; also false for what is not a number.
  return std::abs(p.x) < kFarthest && std::abs(p.y) < kFarthest && std::abs(p.z) < kFarthest;
}

std::vector<std::size_t> spreadFrames(const file::MarkerClip& clip, std::size_t most) {
  const std::size_t count = std::min(clip.frames, most);
  std::vector<std::size_t> frames;
  for (std::size_t i = 0; i < count; ++i) {
    frames.push_back(count > 1 ? i * (clip.frames - 1) / (count - 1) : 0);
  }
  return frames;
}

DistanceTable measureDistances(const file::MarkerClip& clip, std::span<const std::size_t> frames) {
  const std::size_t n = clip.names.size();
  DistanceTable table{.markers = n,
                      .mean = std::vector<float>(n * n, 0.0f),
                      .deviation = std::vector<float>(n * n, 0.0f)};
  for (std::size_t a = 0; a < n; ++a) {
    for (std::size_t b = a + 1; b < n; ++b) {
      double sum = 0.0, squares = 0.0, first = 0.0;
      std::size_t count = 0;
      for (const std::size_t f : frames) {
        const glm::vec3 &p = clip.at(f, a), &q = clip.at(f, b);
        if (!isSeen(p) || !isSeen(q)) continue;
        const double distance = static_cast<double>(glm::distance(p, q));
        if (count++ == 0) first = distance;
        sum += distance - first;
        squares += (distance - first) * (distance - first);
      }
      float mean = 0.0f, deviation = DistanceTable::kUnknown;
      if (count > 0) {
        const double shift = sum / static_cast<double>(count);
        const double variance = squares / static_cast<double>(count) - shift * shift;
        mean = static_cast<float>(first + shift);
        deviation = static_cast<float>(std::sqrt(std::max(variance, 0.0)));
      }
      table.mean[a * n + b] = table.mean[b * n + a] = mean;
      table.deviation[a * n + b] = table.deviation[b * n + a] = deviation;
    }
  }
  return table;
}

math::RigidTransformd fitRigid(std::span<const glm::dvec3> from, std::span<const glm::dvec3> to) {
  glm::dvec3 from_middle(0.0), to_middle(0.0);
  for (std::size_t i = 0; i < from.size(); ++i) {
    from_middle += from[i];
    to_middle += to[i];
  }
  const double share = 1.0 / static_cast<double>(std::max<std::size_t>(from.size(), 1));
  from_middle *= share;
  to_middle *= share;
  glm::dquat rotation(1.0, 0.0, 0.0, 0.0);
  if (from.size() >= 3) {
    glm::dmat3 sum(0.0);
    for (std::size_t i = 0; i < from.size(); ++i) {
      sum += glm::outerProduct(to[i] - to_middle, from[i] - from_middle);
    }
    rotation = math::rotationFromCorrelation(sum);
  }
  return {rotation, to_middle - rotation * from_middle};
}

namespace {

// Neighbours that are seen in `frame`, the steadiest first.
std::vector<std::size_t> steadiest(const file::MarkerClip& clip, std::size_t frame,
                                   const DistanceTable& table, std::size_t marker) {
  constexpr std::size_t kMost = 6;
  std::vector<std::size_t> mates;
  for (std::size_t m = 0; m < table.markers; ++m) {
    if (m != marker && isSeen(clip.at(frame, m)) &&
        table.deviationOf(marker, m) < DistanceTable::kUnknown) {
      mates.push_back(m);
    }
  }
  std::stable_sort(mates.begin(), mates.end(), [&](std::size_t a, std::size_t b) {
    return table.deviationOf(marker, a) + 0.02f * table.meanOf(marker, a) <
           table.deviationOf(marker, b) + 0.02f * table.meanOf(marker, b);
  });
  mates.resize(std::min(mates.size(), kMost));
  return mates;
}

glm::dvec3 guessPlace(const file::MarkerClip& clip, std::size_t frame,
                      std::span<const std::size_t> frames, const DistanceTable& table,
                      std::size_t marker) {
  const std::vector<std::size_t> mates = steadiest(clip, frame, table, marker);
  std::size_t best = clip.frames, most = 0;
  for (const std::size_t f : frames) {
    if (!isSeen(clip.at(f, marker))) continue;
    const auto count = static_cast<std::size_t>(std::count_if(
        mates.begin(), mates.end(), [&](std::size_t m) { return isSeen(clip.at(f, m)); }));
    if (best == clip.frames || count > most) {
      best = f;
      most = count;
    }
  }
  if (best == clip.frames) return glm::dvec3(0.0);
  std::vector<glm::dvec3> from, to;
  for (const std::size_t m : mates) {
    if (!isSeen(clip.at(best, m))) continue;
    from.emplace_back(clip.at(best, m));
    to.emplace_back(clip.at(frame, m));
  }
  return fitRigid(from, to) * glm::dvec3(clip.at(best, marker));
}

}  // namespace

std::vector<glm::dvec3> completeFrame(const file::MarkerClip& clip, std::size_t frame,
                                      std::span<const std::size_t> frames,
                                      const DistanceTable& table, std::size_t& guessed) {
  std::vector<glm::dvec3> places;
  for (std::size_t m = 0; m < clip.names.size(); ++m) {
    const bool seen = isSeen(clip.at(frame, m));
    guessed += seen ? 0 : 1;
    places.push_back(seen ? glm::dvec3(clip.at(frame, m))
                          : guessPlace(clip, frame, frames, table, m));
  }
  return places;
}

}  // namespace understudy::subject
