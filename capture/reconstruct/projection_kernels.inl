// The kernels' one source, compiled twice with different instruction sets. Nothing but plain
// numbers and vectors of them is in here, so that no inline function exists in two builds. GCC's
// vectors are written out: the same operations in the same order in both builds, whatever the
// compiler makes of loops.

namespace {

using understudy::reconstruct::kCell_px;
using understudy::reconstruct::kGradientScale;
using understudy::reconstruct::kInformationScale;
using understudy::reconstruct::kLargestInformation;
using understudy::reconstruct::kLensTerms;
using understudy::reconstruct::kResidualScale;
using understudy::reconstruct::kSumsPerMarker;
using understudy::reconstruct::kWeightScale;
using understudy::reconstruct::PredictedSolutions;
using understudy::reconstruct::PredictedViews;
using understudy::reconstruct::Ray;
using understudy::reconstruct::UndistortedCentroids;
using understudy::reconstruct::ViewCamera;
using understudy::reconstruct::ViewGates;

// Unaligned and allowed to alias: loads and stores of parts of plain arrays.
typedef float Float8 __attribute__((vector_size(32), aligned(4), may_alias));
typedef float Float4 __attribute__((vector_size(16), aligned(4), may_alias));
typedef std::int32_t Int8 __attribute__((vector_size(32), aligned(4), may_alias));
typedef std::int32_t Int4 __attribute__((vector_size(16), aligned(4), may_alias));
typedef std::int64_t Long4 __attribute__((vector_size(32), aligned(8), may_alias));
typedef double Double4 __attribute__((vector_size(32), aligned(8), may_alias));

#define UNDERSTUDY_LOAD8(p) (*reinterpret_cast<const Float8*>(p))
#define UNDERSTUDY_STORE8(p, value) (*reinterpret_cast<Float8*>(p) = (value))

void project(const ViewCamera& camera, const ViewGates& gates, const float* x, const float* y,
             const float* z, const float* reach, std::size_t count, const PredictedViews& views) {
  const float* r = camera.rotation;
  const float* c = camera.centre;
  const Float8 zero{};
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
    gate =
        gate > gates.smallest_px ? gate : zero + gates.smallest_px;  // Also where it is no number.
    gate = gate < gates.largest_px ? gate : zero + gates.largest_px;
    // Out of view is set to zero before anything becomes an integer.
    const Float8 column = seen ? (u - camera.least_u) * (1.0f / kCell_px) + 1.0f : zero;
    const Float8 row = seen ? (v - camera.least_v) * (1.0f / kCell_px) + 1.0f : zero;
    const Int8 cell =
        __builtin_convertvector(row, Int8) * camera.columns + __builtin_convertvector(column, Int8);
    UNDERSTUDY_STORE8(views.u + i, u);
    UNDERSTUDY_STORE8(views.v + i, v);
    UNDERSTUDY_STORE8(views.scale + i, scale);
    UNDERSTUDY_STORE8(views.gate_px + i, (seen ? gate : zero));
    *reinterpret_cast<Int8*>(views.cell + i) = seen ? cell : ~Int8{};
  }
}

void undistort(const ViewCamera& camera, float noise, const float* centroids, std::size_t count,
               const UndistortedCentroids& out) {
  // A blob longer than its noise explains is taken for a disc that is partly hidden: its middle is
  // off by half of what is missing of its length.
  constexpr float kRoundElongation = 1.15f, kLeastRadius = 0.5f, kMostRadius = 6.0f,
                  kReferenceRadius = 2.0f;
  constexpr float kPerReferenceVariance = 100.0f;  // 1 / kReferenceSigma_px^2.
  const Float8 zero{};
  for (std::size_t i = 0; i < count; i += 8) {
    const float* first = centroids + 4 * i;
    Float8 x, y, radius, elongation;
    for (int k = 0; k < 8; ++k) {
      x[k] = first[4 * k];
      y[k] = first[4 * k + 1];
      radius[k] = first[4 * k + 2];
      elongation[k] = first[4 * k + 3];
    }
    const Int8 sound = (x >= 0.0f) & (x <= camera.width_px) & (y >= 0.0f) & (y <= camera.height_px);
    const Float8 xd = sound ? (x - camera.centre_x_px) * camera.inverse_fx : zero;
    const Float8 yd = sound ? (y - camera.centre_y_px) * camera.inverse_fy : zero;
    const Float8 squared = xd * xd + yd * yd;
    Float8 factor = zero + camera.radial[kLensTerms - 1];
    for (int k = kLensTerms - 2; k >= 0; --k) factor = factor * squared + camera.radial[k];
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
    Float8 u = px * camera.focal_px, v = py * camera.focal_px;
    const Int8 inside = sound & (u > camera.least_u) & (u < camera.most_u) & (v > camera.least_v) &
                        (v < camera.most_v);
    u = inside ? u : zero;
    v = inside ? v : zero;
    radius = radius > kLeastRadius ? radius : zero + kLeastRadius;  // Also where it is no number.
    radius = radius < kMostRadius ? radius : zero + kMostRadius;
    elongation = elongation > kRoundElongation ? elongation : zero + kRoundElongation;
    elongation = elongation < 10.0f ? elongation : zero + 10.0f;
    const Float8 shift = radius * (1.0f - kRoundElongation / elongation);
    const Float8 weight =
        1.0f / (noise * kReferenceRadius / radius + kPerReferenceVariance * shift * shift);
    // The cell of the point half a cell before it: that one and its next neighbours hold all that
    // is near.
    const Float8 column = (u - camera.least_u) * (1.0f / kCell_px) + 0.5f;
    const Float8 row = (v - camera.least_v) * (1.0f / kCell_px) + 0.5f;
    UNDERSTUDY_STORE8(out.u + i, u);
    UNDERSTUDY_STORE8(out.v + i, v);
    UNDERSTUDY_STORE8(out.weight + i, (inside ? weight : zero));
    *reinterpret_cast<Int8*>(out.cell + i) =
        __builtin_convertvector(row, Int8) * camera.columns + __builtin_convertvector(column, Int8);
  }
}

// With a and b the rows of the image's derivative, each with its residual as a fourth entry, all
// sums of a ray are entries of w (a a^T + b b^T).
void accumulate(const ViewCamera& camera, const Ray* rays, std::size_t count, const float* u,
                const float* v, const float* scale, std::int64_t* sums) {
  const float* r = camera.rotation;
  const Float4 right{r[0], r[1], r[2], 0}, down{r[3], r[4], r[5], 0}, forward{r[6], r[7], r[8], 0};
  const float inverse_focal = 1.0f / camera.focal_px;
  constexpr float h = kInformationScale, g = kGradientScale;
  const Float8 scales{h, h, h, h, h, h, g, g};
  const Float4 last_scales{g, kResidualScale, 0, 0}, weight_scale{0, 0, kWeightScale, 0},
      one{0, 0, 0, 1};
  const Float4 most = Float4{} + 2.1e9f;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t p = rays[i].prediction;
    const float s = scale[p], predicted_u = u[p], predicted_v = v[p];
    const float limit = kLargestInformation / (s * s);
    const float w = rays[i].weight < limit ? rays[i].weight : limit;
    Float4 a = s * (right - (predicted_u * inverse_focal) * forward);
    Float4 b = s * (down - (predicted_v * inverse_focal) * forward);
    a[3] = rays[i].u - predicted_u;
    b[3] = rays[i].v - predicted_v;
    const Float8 ai = __builtin_shufflevector(a, a, 0, 0, 0, 1, 1, 2, 0, 1);
    const Float8 aj = __builtin_shufflevector(a, a, 0, 1, 2, 1, 2, 2, 3, 3);
    const Float8 bi = __builtin_shufflevector(b, b, 0, 0, 0, 1, 1, 2, 0, 1);
    const Float8 bj = __builtin_shufflevector(b, b, 0, 1, 2, 1, 2, 2, 3, 3);
    const Float8 terms = (ai * aj + bi * bj) * (w * scales);
    const Float4 a2 = __builtin_shufflevector(a, a, 2, 3, 2, 3),
                 b2 = __builtin_shufflevector(b, b, 2, 3, 2, 3);
    const Float4 a3 = __builtin_shufflevector(a, a, 3, 3, 3, 3),
                 b3 = __builtin_shufflevector(b, b, 3, 3, 3, 3);
    Float4 last = (a2 * a3 + b2 * b3) * (w * last_scales) + w * weight_scale + one;
    last = last < most ? last : most;
    const Int8 fixed = __builtin_convertvector(terms, Int8);
    const Int4 fixed_last = __builtin_convertvector(last, Int4);
    Long4* sum = reinterpret_cast<Long4*>(sums + kSumsPerMarker * p);
    sum[0] += __builtin_convertvector(__builtin_shufflevector(fixed, fixed, 0, 1, 2, 3), Long4);
    sum[1] += __builtin_convertvector(__builtin_shufflevector(fixed, fixed, 4, 5, 6, 7), Long4);
    sum[2] += __builtin_convertvector(fixed_last, Long4);
  }
}

// Entry k of four predictions' sums as doubles: exact below 2^51 by adding to the bits of 1.5 *
// 2^52.
inline Double4 sumsOfFour(const std::int64_t* sums, std::size_t k) {
  constexpr std::size_t n = kSumsPerMarker;
  const Long4 fixed{sums[k], sums[n + k], sums[2 * n + k], sums[3 * n + k]};
  const Long4 bits = fixed + 0x4338000000000000LL;
  return reinterpret_cast<const Double4&>(bits) - 6755399441055744.0;
}

inline void storeFour(float* at, Double4 value) {
  *reinterpret_cast<Float4*>(at) = __builtin_convertvector(value, Float4);
}

void solve(const std::int64_t* sums, std::size_t count, const PredictedSolutions& out) {
  static_assert(kInformationScale == 1.0f);
  constexpr double per_gradient = 1.0 / static_cast<double>(kGradientScale);
  constexpr double per_residual = 1.0 / static_cast<double>(kResidualScale);
  constexpr double per_weight = 1.0 / static_cast<double>(kWeightScale);
  const Double4 zero{};
  for (std::size_t i = 0; i < count; i += 4, sums += 4 * kSumsPerMarker) {
    const Double4 a = sumsOfFour(sums, 0), b = sumsOfFour(sums, 1), c = sumsOfFour(sums, 2);
    const Double4 d = sumsOfFour(sums, 3), e = sumsOfFour(sums, 4), f = sumsOfFour(sums, 5);
    const Double4 gx = sumsOfFour(sums, 6) * per_gradient, gy = sumsOfFour(sums, 7) * per_gradient;
    const Double4 gz = sumsOfFour(sums, 8) * per_gradient;
    const Double4 squared = sumsOfFour(sums, 9) * per_residual,
                  weights = sumsOfFour(sums, 10) * per_weight;
    const Double4 m0 = d * f - e * e, m1 = c * e - b * f, m2 = b * e - c * d;
    const Double4 m3 = a * f - c * c, m4 = b * c - a * e, m5 = a * d - b * b;
    const Double4 determinant = a * m0 + b * m1 + c * m2;
    const Double4 half = 0.5 * (a + d + f);
    const Double4 cube = half * half * half;
    const Long4 sound = determinant > 1e-9 * cube;
    const Double4 one = zero + 1.0;
    const Double4 scale = sound ? 1.0 / (sound ? determinant : one) : zero;
    const Double4 sx = (m0 * gx + m1 * gy + m2 * gz) * scale;
    const Double4 sy = (m1 * gx + m3 * gy + m4 * gz) * scale;
    const Double4 sz = (m2 * gx + m4 * gy + m5 * gz) * scale;
    const Double4 left = squared - (gx * sx + gy * sy + gz * sz);
    storeFour(out.step[0] + i, sx);
    storeFour(out.step[1] + i, sy);
    storeFour(out.step[2] + i, sz);
    storeFour(out.inverse[0] + i, m0 * scale);
    storeFour(out.inverse[1] + i, m1 * scale);
    storeFour(out.inverse[2] + i, m2 * scale);
    storeFour(out.inverse[3] + i, m3 * scale);
    storeFour(out.inverse[4] + i, m4 * scale);
    storeFour(out.inverse[5] + i, m5 * scale);
    storeFour(out.squared_px + i, left > 0.0 ? left : zero);
    storeFour(out.weights + i, weights);
    storeFour(out.rays + i, sumsOfFour(sums, 11));
    storeFour(out.spread + i, sound ? determinant / (sound ? cube : one) : zero);
  }
}

#undef UNDERSTUDY_LOAD8
#undef UNDERSTUDY_STORE8

}  // namespace
