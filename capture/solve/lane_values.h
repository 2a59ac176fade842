#pragma once

#include <glm/glm.hpp>
#include <glm/gtc/quaternion.hpp>

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

}  // namespace understudy::solve
