// Numbers four at a time, for the kernels that are compiled twice; nothing here may be seen outside of them. Arrays of
// components: V x[3] is a vector, V q[4] a quaternion x, y, z, w; matrices are columns.

#include <immintrin.h>

namespace {

using understudy::solve::LaneValue;

using V = double __attribute__((vector_size(32), may_alias));
using Mask = long long __attribute__((vector_size(32)));

inline V all(double value) { return V{value, value, value, value}; }

inline V* lanes(LaneValue* values) { return reinterpret_cast<V*>(values); }

inline V* at(LaneValue* values, std::size_t index) { return lanes(values) + index; }

inline V smaller(V a, V b) { return a < b ? a : b; }
inline V larger(V a, V b) { return a > b ? a : b; }
inline V clampUnit(V a) { return smaller(larger(a, all(0.0)), all(1.0)); }

inline bool any(Mask mask) {
#ifdef __AVX__
  return _mm256_movemask_pd(reinterpret_cast<__m256d>(mask)) != 0;
#else
  return (mask[0] | mask[1] | mask[2] | mask[3]) != 0;
#endif
}

inline V squareRoot(V a) {
#ifdef __AVX__
  return reinterpret_cast<V>(_mm256_sqrt_pd(reinterpret_cast<__m256d>(a)));
#else
  const __m128d low = _mm_sqrt_pd(_mm_set_pd(a[1], a[0]));
  const __m128d high = _mm_sqrt_pd(_mm_set_pd(a[3], a[2]));
  return V{low[0], low[1], high[0], high[1]};
#endif
}

// Index of (row, column), row >= column, in a packed lower triangle.
constexpr std::size_t packed(std::size_t row, std::size_t column) { return row * (row + 1) / 2 + column; }

}  // namespace

#include "capture/solve/lane_vectors.inl"
