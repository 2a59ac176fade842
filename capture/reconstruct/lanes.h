#pragma once

#include <cstdint>
#include <cstring>

namespace understudy::reconstruct {

/// Four numbers that are worked on at once: on x86-64 one register, elsewhere what the compiler
/// makes of it; the same bytes everywhere, for every lane is plain IEEE arithmetic.
using Lanes = float __attribute__((vector_size(16)));
using IntLanes = std::int32_t __attribute__((vector_size(16)));
inline constexpr std::size_t kLanes = 4;

inline Lanes load(const float* from) {
  Lanes lanes;
  std::memcpy(&lanes, from, sizeof(lanes));
  return lanes;
}

inline void store(float* to, Lanes lanes) { std::memcpy(to, &lanes, sizeof(lanes)); }
inline void store(std::int32_t* to, IntLanes lanes) { std::memcpy(to, &lanes, sizeof(lanes)); }

inline Lanes all(float value) { return Lanes{value, value, value, value}; }

/// True if a comparison holds in any lane.
inline bool anyOf(IntLanes mask) {
  std::uint64_t halves[2];
  std::memcpy(halves, &mask, sizeof(halves));
  return (halves[0] | halves[1]) != 0;
}

/// The sum in a fixed order.
inline float sum(Lanes a) { return (a[0] + a[2]) + (a[1] + a[3]); }

}  // namespace understudy::reconstruct
