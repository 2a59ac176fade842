#pragma once

#include <cstdint>

namespace understudy::render {

/// i with its bits in reverse order behind the binary point: with i / n, points spread evenly over
/// a square (Hammersley).
inline float radicalInverse(std::uint32_t i) {
  float value = 0.0f, digit = 0.5f;
  for (; i != 0; i >>= 1, digit *= 0.5f) value += (i & 1u) != 0 ? digit : 0.0f;
  return value;
}

}  // namespace understudy::render
