// The mathematics of a hand's fingers for single numbers.

#include <cmath>

#include "capture/solve/lane_kernels.h"

namespace {

using V = double;
using Mask = bool;

inline V all(double value) { return value; }
inline bool any(bool mask) { return mask; }
inline V smaller(V a, V b) { return a < b ? a : b; }
inline V larger(V a, V b) { return a > b ? a : b; }
inline V squareRoot(V a) { return std::sqrt(a); }

}  // namespace

#include "capture/solve/lane_vectors.inl"
// After it.
#include "capture/solve/hand_math.inl"
