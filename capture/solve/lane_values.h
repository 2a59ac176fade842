#pragma once

#include <glm/glm.hpp>
#include <glm/gtc/quaternion.hpp>

#include "capture/frame/frames.h"
#include "capture/solve/lane_kernels.h"
#include "engine/math/rigid_transform.h"

// Numbers of one subject into its lane and out of it.

namespace understudy::solve {

/// Any range of numbers.
template <class Numbers>
void put(LaneValue* values, std::size_t lane, const Numbers& numbers) {
  for (const double number : numbers) (values++)->of[lane] = number;
}

inline void put(LaneValue* values, std::size_t lane, const glm::dquat& q) {
  const double numbers[] = {q.x, q.y, q.z, q.w};
  put(values, lane, numbers);
}

inline void put(LaneValue* values, std::size_t lane, const glm::dvec3& v) {
  const double numbers[] = {v.x, v.y, v.z};
  put(values, lane, numbers);
}

inline glm::dquat rotationAt(const LaneValue* values, std::size_t lane) {
  return math::quaternionXyzw(values[0].of[lane], values[1].of[lane], values[2].of[lane],
                              values[3].of[lane]);
}

inline glm::dvec3 vectorAt(const LaneValue* values, std::size_t lane) {
  return {values[0].of[lane], values[1].of[lane], values[2].of[lane]};
}

/// A symmetric matrix from its upper triangle, row after row.
inline glm::mat3 symmetricAt(const LaneValue* values, std::size_t lane) {
  float e[6];
  for (std::size_t k = 0; k < 6; ++k) e[k] = static_cast<float>(values[k].of[lane]);
  return {e[0], e[1], e[2], e[1], e[3], e[4], e[2], e[4], e[5]};
}

/// Marker `m` of `seen`, `position` (3 each) and `covariance` (6 each); all zeros if it is not
/// seen.
inline void putMarker(const frame::LabelledMarker& marker, std::size_t m, std::size_t lane,
                      LaneValue* seen, LaneValue* position, LaneValue* covariance) {
  const frame::LabelledMarker shown = marker.confidence > 0.0f ? marker : frame::LabelledMarker{};
  const glm::dmat3 c(shown.covariance);
  const double entries[] = {c[0][0], c[0][1], c[0][2], c[1][1], c[1][2], c[2][2]};
  seen[m].of[lane] = static_cast<double>(shown.confidence);
  put(&position[3 * m], lane, glm::dvec3(shown.position));
  put(&covariance[6 * m], lane, entries);
}

}  // namespace understudy::solve
