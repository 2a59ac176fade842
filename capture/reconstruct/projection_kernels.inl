// The kernels' one source, compiled twice with different instruction sets. Nothing but plain
// numbers and vectors of them is in here, so that no inline function exists in two builds. GCC's
// vectors are written out: the same operations in the same order in both builds, whatever the
// compiler makes of loops.

namespace {

using understudy::reconstruct::Claims;
using understudy::reconstruct::Follow;
using understudy::reconstruct::Followed;
using understudy::reconstruct::kBandHeight;
using understudy::reconstruct::kBands;
using understudy::reconstruct::kDisputed;
using understudy::reconstruct::kGradientScale;
using understudy::reconstruct::kInformationScale;
using understudy::reconstruct::kLargestInformation;
using understudy::reconstruct::kLargestTerm;
using understudy::reconstruct::kLargestWeight;
using understudy::reconstruct::kLensTerms;
using understudy::reconstruct::kLongBlob;
using understudy::reconstruct::kMostRows;
using understudy::reconstruct::kNoPlace;
using understudy::reconstruct::kPlacesInSight;
using understudy::reconstruct::kResidualScale;
using understudy::reconstruct::kRounding;
using understudy::reconstruct::kSumsPerMarker;
using understudy::reconstruct::kTurns;
using understudy::reconstruct::kWeightScale;
using understudy::reconstruct::PlaceGrid;
using understudy::reconstruct::PredictedSolutions;
using understudy::reconstruct::PredictedViews;
using understudy::reconstruct::Ray;
using understudy::reconstruct::Seen;
using understudy::reconstruct::Unclaimed;
using understudy::reconstruct::UndistortedCentroids;
using understudy::reconstruct::ViewCamera;
using understudy::reconstruct::ViewGates;

// Unaligned and allowed to alias: loads and stores of parts of plain arrays.
typedef float Float8 __attribute__((vector_size(32), aligned(4), may_alias));
typedef float Float4 __attribute__((vector_size(16), aligned(4), may_alias));
typedef std::int32_t Int8 __attribute__((vector_size(32), aligned(4), may_alias));
typedef std::int32_t Int4 __attribute__((vector_size(16), aligned(4), may_alias));
typedef std::int64_t Long4 __attribute__((vector_size(32)));
typedef std::int64_t Long2 __attribute__((vector_size(16), aligned(2), may_alias));
typedef double Double4 __attribute__((vector_size(32), aligned(8), may_alias));
typedef std::uint16_t Short8 __attribute__((vector_size(16), aligned(2), may_alias));
// What the processor's own instructions take, where no operator stands for them.
typedef float Native4 __attribute__((vector_size(16)));
typedef float Native8 __attribute__((vector_size(32)));
typedef short NativeShort8 __attribute__((vector_size(16)));
typedef short NativeShort16 __attribute__((vector_size(32)));
typedef int NativeInt4 __attribute__((vector_size(16)));

#define UNDERSTUDY_LOAD8(p) (*reinterpret_cast<const Float8*>(p))
#define UNDERSTUDY_STORE8(p, value) (*reinterpret_cast<Float8*>(p) = (value))
#define UNDERSTUDY_STORE8I(p, value) (*reinterpret_cast<Int8*>(p) = (value))

inline Int4 lowHalf(Int8 a) { return __builtin_shufflevector(a, a, 0, 1, 2, 3); }
inline Int4 highHalf(Int8 a) { return __builtin_shufflevector(a, a, 4, 5, 6, 7); }

// Bit k is the sign of lane k.
inline unsigned bitsOf(Int8 a) {
#ifdef __AVX__
  return static_cast<unsigned>(__builtin_ia32_movmskps256((Native8)a));
#else
  return static_cast<unsigned>(__builtin_ia32_movmskps((Native4)lowHalf(a))) |
         static_cast<unsigned>(__builtin_ia32_movmskps((Native4)highHalf(a))) << 4;
#endif
}

// The nearest whole numbers.
inline Int8 rounded(Float8 a) {
#ifdef __AVX__
  return (Int8)__builtin_ia32_cvtps2dq256((Native8)a);
#else
  const Float4 low = __builtin_shufflevector(a, a, 0, 1, 2, 3);
  const Float4 high = __builtin_shufflevector(a, a, 4, 5, 6, 7);
  const Int4 l = (Int4)__builtin_ia32_cvtps2dq((Native4)low);
  const Int4 h = (Int4)__builtin_ia32_cvtps2dq((Native4)high);
  return __builtin_shufflevector(l, h, 0, 1, 2, 3, 4, 5, 6, 7);
#endif
}

inline Float4 rootOf(Float4 a) { return (Float4)__builtin_ia32_sqrtps((Native4)a); }

// Differences of both halves.
inline Int8 difference(Int8 a, Int8 b) {
#ifdef __AVX2__
  return (Int8)((NativeShort16)a - (NativeShort16)b);
#else
  const NativeShort8 low = (NativeShort8)lowHalf(a) - (NativeShort8)lowHalf(b);
  const NativeShort8 high = (NativeShort8)highHalf(a) - (NativeShort8)highHalf(b);
  return __builtin_shufflevector((Int4)low, (Int4)high, 0, 1, 2, 3, 4, 5, 6, 7);
#endif
}

// Whole quanta of eight positions of the ideal plane; what is not `taken` is set to zero before
// anything becomes an integer.
inline Int8 placesOf(const PlaceGrid& grid, Int8 taken, Float8 u, Float8 v) {
  const Float8 zero{};
  const Float8 from_u = taken ? (u - grid.least_u) * grid.quanta_per_px : zero;
  const Float8 from_v = taken ? (v - grid.least_v) * grid.quanta_per_px : zero;
  return __builtin_convertvector(from_u, Int8) | (__builtin_convertvector(from_v, Int8) << 16);
}

std::int32_t project(const ViewCamera& camera, const ViewGates& gates, const PlaceGrid& grid,
                     const float* x, const float* y, const float* z, const float* reach,
                     std::size_t count, const PredictedViews& views) {
  const float* r = camera.rotation;
  const float* c = camera.centre;
  const Float8 zero{};
  Int8 widest{};
  for (std::size_t i = 0; i < count; i += 8) {
    const Float8 dx = UNDERSTUDY_LOAD8(x + i) - c[0], dy = UNDERSTUDY_LOAD8(y + i) - c[1];
    const Float8 dz = UNDERSTUDY_LOAD8(z + i) - c[2];
    const Float8 cx = r[0] * dx + r[1] * dy + r[2] * dz;
    const Float8 cy = r[3] * dx + r[4] * dy + r[5] * dz;
    const Float8 cz = r[6] * dx + r[7] * dy + r[8] * dz;
    const Float8 scale = camera.focal_px / cz;
    const Float8 u = cx * scale, v = cy * scale;
    const Int8 seen = (cz > gates.nearest) & (u > camera.least_u) & (u < camera.most_u) &
                      (v > camera.least_v) & (v < camera.most_v);
    Float8 gate = UNDERSTUDY_LOAD8(reach + i) * scale;
    gate = gate > gates.smallest_px ? gate : zero + gates.smallest_px;  // Also of no number.
    gate = gate < gates.largest_px ? gate : zero + gates.largest_px;
    UNDERSTUDY_STORE8(views.u + i, u);
    UNDERSTUDY_STORE8(views.v + i, v);
    UNDERSTUDY_STORE8(views.scale + i, scale);
    gate = seen ? gate : zero;
    UNDERSTUDY_STORE8(views.gate_px + i, gate);
    const Int8 reach_quanta = __builtin_convertvector(gate * grid.quanta_per_px, Int8) + kRounding;
    widest = reach_quanta > widest ? reach_quanta : widest;
    UNDERSTUDY_STORE8I(views.place + i, placesOf(grid, seen, u, v));
    UNDERSTUDY_STORE8I(views.reach + i, seen & (reach_quanta * reach_quanta));
  }
  std::int32_t most = 0;
  for (int lane = 0; lane < 8; ++lane) most = widest[lane] > most ? widest[lane] : most;
  return most;
}

inline Float8 twoOf(const float* a, const float* b) {
  const Float4 low = *reinterpret_cast<const Float4*>(a),
               high = *reinterpret_cast<const Float4*>(b);
  return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7);
}

// Eight rays from columns.
inline void storeRays(Ray* rays, Float8 u, Float8 v, Float8 weight, Int8 centroid) {
  const Float8 index = (Float8)centroid;
  const Float8 uv01 = __builtin_shufflevector(u, v, 0, 8, 1, 9, 4, 12, 5, 13);
  const Float8 uv23 = __builtin_shufflevector(u, v, 2, 10, 3, 11, 6, 14, 7, 15);
  const Float8 wi01 = __builtin_shufflevector(weight, index, 0, 8, 1, 9, 4, 12, 5, 13);
  const Float8 wi23 = __builtin_shufflevector(weight, index, 2, 10, 3, 11, 6, 14, 7, 15);
  const Float8 row[4] = {__builtin_shufflevector(uv01, wi01, 0, 1, 8, 9, 4, 5, 12, 13),
                         __builtin_shufflevector(uv01, wi01, 2, 3, 10, 11, 6, 7, 14, 15),
                         __builtin_shufflevector(uv23, wi23, 0, 1, 8, 9, 4, 5, 12, 13),
                         __builtin_shufflevector(uv23, wi23, 2, 3, 10, 11, 6, 7, 14, 15)};
  for (int k = 0; k < 4; ++k) {
    *reinterpret_cast<Float4*>(&rays[k].u) = __builtin_shufflevector(row[k], row[k], 0, 1, 2, 3);
    *reinterpret_cast<Float4*>(&rays[k + 4].u) =
        __builtin_shufflevector(row[k], row[k], 4, 5, 6, 7);
  }
}

// The polynomial in pairs of terms, which wait less for each other than one after the other would
// (Estrin, "Organization of computer systems: the fixed plus variable structure computer", 1960).
inline Float8 radialFactor(const float* terms, Float8 squared) {
  static_assert(kLensTerms == 7);
  const Float8 fourth = squared * squared;
  const Float8 low = (terms[0] + terms[1] * squared) + (terms[2] + terms[3] * squared) * fourth;
  const Float8 high = (terms[4] + terms[5] * squared) + terms[6] * fourth;
  return low + high * (fourth * fourth);
}

void undistort(const ViewCamera& camera, const PlaceGrid& grid, float noise, const float* centroids,
               std::size_t from, std::size_t count, const UndistortedCentroids& out) {
  // A blob longer than its noise explains is taken for a disc that is partly hidden: its middle is
  // off by half of what is missing of its length.
  constexpr float kRoundElongation = 1.15f, kLeastRadius = 0.5f, kMostRadius = 6.0f;
  constexpr float kReferenceRadius = 2.0f;
  constexpr float kPerReferenceVariance = 100.0f;  // 1 / kReferenceSigma_px^2.
  const Float8 zero{};
  Int8 index = Int8{0, 1, 2, 3, 4, 5, 6, 7} + static_cast<std::int32_t>(from);
  for (std::size_t i = 0; i < count; i += 8, index += 8) {
    // Four centroids in each half, turned from rows to columns.
    const float* first = centroids + 4 * i;
    const Float8 c0 = twoOf(first, first + 16), c1 = twoOf(first + 4, first + 20);
    const Float8 c2 = twoOf(first + 8, first + 24), c3 = twoOf(first + 12, first + 28);
    const Float8 xy01 = __builtin_shufflevector(c0, c1, 0, 8, 1, 9, 4, 12, 5, 13);
    const Float8 xy23 = __builtin_shufflevector(c2, c3, 0, 8, 1, 9, 4, 12, 5, 13);
    const Float8 re01 = __builtin_shufflevector(c0, c1, 2, 10, 3, 11, 6, 14, 7, 15);
    const Float8 re23 = __builtin_shufflevector(c2, c3, 2, 10, 3, 11, 6, 14, 7, 15);
    const Float8 x = __builtin_shufflevector(xy01, xy23, 0, 1, 8, 9, 4, 5, 12, 13);
    const Float8 y = __builtin_shufflevector(xy01, xy23, 2, 3, 10, 11, 6, 7, 14, 15);
    Float8 radius = __builtin_shufflevector(re01, re23, 0, 1, 8, 9, 4, 5, 12, 13);
    Float8 elongation = __builtin_shufflevector(re01, re23, 2, 3, 10, 11, 6, 7, 14, 15);
    const Int8 sound = (x >= 0.0f) & (x <= camera.width_px) & (y >= 0.0f) & (y <= camera.height_px);
    const Float8 xd = sound ? (x - camera.centre_x_px) * camera.inverse_fx : zero;
    const Float8 yd = sound ? (y - camera.centre_y_px) * camera.inverse_fy : zero;
    const Float8 squared = xd * xd + yd * yd;
    const Float8 factor = radialFactor(camera.radial, squared);
    Float8 px = xd * factor, py = yd * factor;
    for (int step = 0; step < camera.newton_steps; ++step) {  // As math::undistort.
      const Float8 r2 = px * px + py * py;
      const Float8 radial = 1.0f + r2 * (camera.k1 + r2 * (camera.k2 + r2 * camera.k3));
      const Float8 slope = camera.k1 + r2 * (2.0f * camera.k2 + r2 * (3.0f * camera.k3));
      const Float8 xy = px * py;
      const Float8 rx =
          xd - (px * radial + 2.0f * camera.p1 * xy + camera.p2 * (r2 + 2.0f * px * px));
      const Float8 ry =
          yd - (py * radial + camera.p1 * (r2 + 2.0f * py * py) + 2.0f * camera.p2 * xy);
      const Float8 xx =
          radial + 2.0f * px * px * slope + 2.0f * camera.p1 * py + 6.0f * camera.p2 * px;
      const Float8 yy =
          radial + 2.0f * py * py * slope + 6.0f * camera.p1 * py + 2.0f * camera.p2 * px;
      const Float8 cross = 2.0f * xy * slope + 2.0f * camera.p1 * px + 2.0f * camera.p2 * py;
      const Float8 inverse = 1.0f / (xx * yy - cross * cross);
      px = px + (yy * rx - cross * ry) * inverse;
      py = py + (xx * ry - cross * rx) * inverse;
    }
    const Float8 u = px * camera.focal_px, v = py * camera.focal_px;
    const Int8 inside = sound & (u > camera.least_u) & (u < camera.most_u) & (v > camera.least_v) &
                        (v < camera.most_v);
    radius = radius > kLeastRadius ? radius : zero + kLeastRadius;  // Also of no number.
    radius = radius < kMostRadius ? radius : zero + kMostRadius;
    elongation = elongation > kRoundElongation ? elongation : zero + kRoundElongation;
    elongation = elongation < 10.0f ? elongation : zero + 10.0f;
    // 1 / (noise * kReferenceRadius / radius + kPerReferenceVariance * shift^2), shift being
    // radius * (1 - kRoundElongation / elongation), with one division.
    const Float8 squared_length = elongation * elongation, missing = elongation - kRoundElongation;
    const Float8 weight =
        radius * squared_length /
        (noise * kReferenceRadius * squared_length +
         kPerReferenceVariance * (radius * radius * radius) * (missing * missing));
    const Int8 is_long = inside & (elongation > kLongBlob);
    const Int8 nowhere = Int8{} + kNoPlace;
    storeRays(out.rays + from + i, inside ? u : zero, inside ? v : zero, inside ? weight : zero,
              index);
    UNDERSTUDY_STORE8(out.slack + from + i, (is_long ? 0.75f * radius : zero));
    UNDERSTUDY_STORE8I(out.place + from + i,
                       ((inside & ~is_long) ? placesOf(grid, inside, u, v) : nowhere));
  }
}

}  // namespace
