#include "capture/label/doubles.h"

#include <algorithm>

namespace understudy::label {
namespace {

float squaredDistance(const glm::vec3& a, const glm::vec3& b) {
  const glm::vec3 between = a - b;
  return glm::dot(between, between);
}

const frame::Marker& markerOf(const FindDoubles& job, std::size_t p) {
  return job.cloud[static_cast<std::size_t>(job.match[p])];
}

float squaredMiss(const FindDoubles& job, std::size_t p) {
  return squaredDistance(markerOf(job, p).position, job.predictions[p].position);
}

bool isOne(const FindDoubles& job, std::size_t p, std::size_t q) {
  const float radius = static_cast<float>(job.settings.radius);
  const float share = static_cast<float>(job.settings.share);
  const float apart = squaredDistance(markerOf(job, p).position, markerOf(job, q).position);
  if (apart > radius * radius) return false;
  const float expected = squaredDistance(job.predictions[p].position, job.predictions[q].position);
  return apart < share * share * expected;
}

// Which of the two names keeps the marker.
bool isBetter(const FindDoubles& job, std::size_t p, std::size_t q) {
  if (job.seen_before[p] != job.seen_before[q]) return job.seen_before[p] != 0;
  return squaredMiss(job, p) <= squaredMiss(job, q);
}

void keepOne(const FindDoubles& job, std::size_t kept, std::size_t other) {
  if (markerOf(job, other).rays > markerOf(job, kept).rays)
    std::swap(job.match[kept], job.match[other]);
  job.is_double[static_cast<std::size_t>(job.match[other])] = 1;
  job.match[other] = -1;
}

}  // namespace

void FindDoubles::run() const {
  is_double.assign(cloud.size(), 0);
  // Of two names for one marker, one is off by half of what the two are nearer than expected.
  constexpr float kLeastMiss = 0.003f;
  for (std::size_t p = 0; p < predictions.size(); ++p) {
    if (match[p] < 0 || squaredMiss(*this, p) < kLeastMiss * kLeastMiss) continue;
    for (std::size_t q = 0; q < predictions.size() && match[p] >= 0; ++q) {
      if (q == p || match[q] < 0 || predictions[q].subject != predictions[p].subject) continue;
      if (!isOne(*this, p, q)) continue;
      const bool keeps = isBetter(*this, p, q);
      keepOne(*this, keeps ? p : q, keeps ? q : p);
    }
  }
}

}  // namespace understudy::label
