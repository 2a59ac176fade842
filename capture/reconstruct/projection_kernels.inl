// The kernels' one source, compiled twice with different instruction sets. Nothing but plain
// numbers and vectors of them is in here, so that no inline function exists in two builds. GCC's
// vectors are written out: the same operations in the same order in both builds, whatever the
// compiler makes of loops.

namespace {

using understudy::reconstruct::CellGrid;
using understudy::reconstruct::GateCounts;
using understudy::reconstruct::kGradientScale;
using understudy::reconstruct::kInformationScale;
using understudy::reconstruct::kLargestInformation;
using understudy::reconstruct::kLensTerms;
using understudy::reconstruct::kLongBlob;
using understudy::reconstruct::kNothingNear;
using understudy::reconstruct::kNotSimple;
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
typedef std::int64_t Long4 __attribute__((vector_size(32)));
typedef double Double4 __attribute__((vector_size(32), aligned(8), may_alias));

#define UNDERSTUDY_LOAD8(p) (*reinterpret_cast<const Float8*>(p))
#define UNDERSTUDY_STORE8(p, value) (*reinterpret_cast<Float8*>(p) = (value))

void project(const ViewCamera& camera, const ViewGates& gates, const float* x, const float* y,
             const float* z, const float* reach, std::size_t count, const PredictedViews& views,
             GateCounts& counts) {
  const float* r = camera.rotation;
  const float* c = camera.centre;
  const Float8 zero{};
  Int8 in_view{}, beyond[5] = {};
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
    gate = seen ? gate : zero;
    in_view -= seen;
    float limit = 4.0f;
    for (int k = 0; k < 5; ++k, limit *= 2.0f) beyond[k] -= gate > limit;
    UNDERSTUDY_STORE8(views.u + i, u);
    UNDERSTUDY_STORE8(views.v + i, v);
    UNDERSTUDY_STORE8(views.scale + i, scale);
    UNDERSTUDY_STORE8(views.gate_px + i, gate);
  }
  counts = {};
  for (int lane = 0; lane < 8; ++lane) {
    counts.in_view += in_view[lane];
    for (int k = 0; k < 5; ++k) counts.beyond[k] += beyond[k][lane];
  }
}

float place(const CellGrid& grid, std::size_t count, const PredictedViews& views) {
  const float inverse = 1.0f / grid.cell_px, half = 0.5f * grid.cell_px;
  const Float8 zero{};
  Float8 widest{};
  Int8 index{1, 2, 3, 4, 5, 6, 7, 8};
  for (std::size_t i = 0; i < count; i += 8) {
    const Float8 gate = UNDERSTUDY_LOAD8(views.gate_px + i);
    const Int8 narrow = (gate > 0.0f) & (gate <= half);
    // All else is set to zero before anything becomes an integer.
    const Float8 u = narrow ? UNDERSTUDY_LOAD8(views.u + i) - grid.least_u : zero;
    const Float8 v = narrow ? UNDERSTUDY_LOAD8(views.v + i) - grid.least_v : zero;
    const Float8 column = u * inverse + 1.0f, row = v * inverse + 1.0f;
    const Int8 whole_column = __builtin_convertvector(column, Int8);
    const Int8 whole_row = __builtin_convertvector(row, Int8);
    const Int8 part_u = __builtin_convertvector(
        (column - __builtin_convertvector(whole_column, Float8)) * 128.0f, Int8);
    const Int8 part_v =
        __builtin_convertvector((row - __builtin_convertvector(whole_row, Float8)) * 128.0f, Int8);
    const Int8 cell = whole_row * grid.columns + whole_column;
    *reinterpret_cast<Int8*>(views.cell + i) = narrow ? cell : Int8{} + grid.nowhere;
    *reinterpret_cast<Int8*>(views.word + i) = index | (part_u << 16) | (part_v << 23);
    const Float8 gate_in_cell = narrow ? gate : zero;
    widest = gate_in_cell > widest ? gate_in_cell : widest;
    index += 8;
  }
  float most = 0.0f;
  for (int lane = 0; lane < 8; ++lane) most = widest[lane] > most ? widest[lane] : most;
  return most;
}

inline Float8 twoOf(const float* a, const float* b) {
  const Float4 low = *reinterpret_cast<const Float4*>(a),
               high = *reinterpret_cast<const Float4*>(b);
  return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7);
}

void undistort(const ViewCamera& camera, float noise, const float* centroids, std::size_t count,
               const UndistortedCentroids& out) {
  // A blob longer than its noise explains is taken for a disc that is partly hidden: its middle is
  // off by half of what is missing of its length.
  constexpr float kRoundElongation = 1.15f, kLeastRadius = 0.5f, kMostRadius = 6.0f;
  constexpr float kReferenceRadius = 2.0f;
  constexpr float kPerReferenceVariance = 100.0f;  // 1 / kReferenceSigma_px^2.
  const Float8 zero{};
  for (std::size_t i = 0; i < count; i += 8) {
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
    const Float8 u = px * camera.focal_px, v = py * camera.focal_px;
    const Int8 inside = sound & (u > camera.least_u) & (u < camera.most_u) & (v > camera.least_v) &
                        (v < camera.most_v);
    radius = radius > kLeastRadius ? radius : zero + kLeastRadius;  // Also of no number.
    radius = radius < kMostRadius ? radius : zero + kMostRadius;
    elongation = elongation > kRoundElongation ? elongation : zero + kRoundElongation;
    elongation = elongation < 10.0f ? elongation : zero + 10.0f;
    const Float8 shift = radius * (1.0f - kRoundElongation / elongation);
    const Float8 weight =
        1.0f / (noise * kReferenceRadius / radius + kPerReferenceVariance * shift * shift);
    UNDERSTUDY_STORE8(out.u + i, (inside ? u : zero));
    UNDERSTUDY_STORE8(out.v + i, (inside ? v : zero));
    UNDERSTUDY_STORE8(out.weight + i, (inside ? weight : zero));
    UNDERSTUDY_STORE8(out.slack + i, (elongation > kLongBlob ? 0.75f * radius : zero));
  }
}

inline std::int64_t twoWords(const std::uint32_t* at) {
  typedef std::int64_t Long1 __attribute__((aligned(4), may_alias));
  return *reinterpret_cast<const Long1*>(at);
}

inline Float8 gather(const float* from, const std::int32_t* at) {
  return Float8{from[at[0]], from[at[1]], from[at[2]], from[at[3]],
                from[at[4]], from[at[5]], from[at[6]], from[at[7]]};
}

// The least window of cells around a centroid is two by two, around the point half a cell before
// it: all within half a cell are in there. Places in cells are known to 1/128, so that a little
// more is looked at; then the one that is left is looked at exactly. All of it is worked out for
// every centroid, eight at a time: a wrong guess of what it is costs more.
void classify(const CellGrid& grid, const std::uint32_t* cells, const PredictedViews& views,
              const UndistortedCentroids& centroids, std::size_t count, float widest_px,
              std::int32_t* found) {
  const float inverse = 1.0f / grid.cell_px;
  const float reach = widest_px * inverse * 128.0f + 2.0f, squared_reach = reach * reach;
  const std::size_t columns = static_cast<std::size_t>(grid.columns);
  const Int8 none = Int8{} + kNothingNear, not_simple = Int8{} + kNotSimple;
  for (std::size_t i = 0; i < count; i += 8) {
    const Float8 u = UNDERSTUDY_LOAD8(centroids.u + i), v = UNDERSTUDY_LOAD8(centroids.v + i);
    const Float8 column = (u - grid.least_u) * inverse + 0.5f;
    const Float8 row = (v - grid.least_v) * inverse + 0.5f;
    const Int8 whole_column = __builtin_convertvector(column, Int8);
    const Int8 whole_row = __builtin_convertvector(row, Int8);
    std::int32_t first[8];
    *reinterpret_cast<Int8*>(first) = whole_row * grid.columns + whole_column;
    // Of the window's first cell; those of the others are one cell less.
    const Float8 from_u = (column - __builtin_convertvector(whole_column, Float8) + 0.5f) * 128.0f;
    const Float8 from_v = (row - __builtin_convertvector(whole_row, Float8) + 0.5f) * 128.0f;
    const auto upper = [&](int k) { return twoWords(cells + first[k]); };
    const auto lower = [&](int k) { return twoWords(cells + first[k] + columns); };
    const Int8 a = (Int8)Long4{upper(0), upper(1), upper(4), upper(5)};
    const Int8 b = (Int8)Long4{upper(2), upper(3), upper(6), upper(7)};
    const Int8 c = (Int8)Long4{lower(0), lower(1), lower(4), lower(5)};
    const Int8 d = (Int8)Long4{lower(2), lower(3), lower(6), lower(7)};
    const Int8 words[4] = {__builtin_shufflevector(a, b, 0, 2, 8, 10, 4, 6, 12, 14),
                           __builtin_shufflevector(a, b, 1, 3, 9, 11, 5, 7, 13, 15),
                           __builtin_shufflevector(c, d, 0, 2, 8, 10, 4, 6, 12, 14),
                           __builtin_shufflevector(c, d, 1, 3, 9, 11, 5, 7, 13, 15)};
    Int8 id{}, minus_near{};
    for (int k = 0; k < 4; ++k) {
      const Float8 du = __builtin_convertvector((words[k] >> 16) & 127, Float8) -
                        (from_u - (k % 2 == 0 ? 0.0f : 128.0f));
      const Float8 dv = __builtin_convertvector((words[k] >> 23) & 127, Float8) -
                        (from_v - (k < 2 ? 0.0f : 128.0f));
      const Int8 near = (du * du + dv * dv <= squared_reach) & (words[k] != 0);
      id |= near & words[k];  // Of more than one none is used.
      minus_near += near;
    }
    const Int8 crowd = (words[0] | words[1] | words[2] | words[3]) << 1;  // kOthersInCell.
    id = minus_near == -1 ? id & 0xffff : Int8{} + 1;
    std::int32_t p[8];
    *reinterpret_cast<Int8*>(p) = id - 1;
    const Float8 du = u - gather(views.u, p), dv = v - gather(views.v, p);
    const Float8 gate = gather(views.gate_px, p);
    const Int8 measured = UNDERSTUDY_LOAD8(centroids.weight + i) > 0.0f;
    const Int8 several =
        ((crowd < 0) | (minus_near < -1) | (UNDERSTUDY_LOAD8(centroids.slack + i) > 0.0f)) &
        measured;
    const Int8 one = (minus_near == -1) & (du * du + dv * dv <= gate * gate) & measured;
    const Int8 simple = one ? id - 1 : none;
    *reinterpret_cast<Int8*>(found + i) = several ? not_simple : simple;
  }
}

// Eight candidates of a centroid at once: the last two of each of its four cells.
void lookCloser(const CellGrid& grid, const std::uint32_t* cells, const std::uint16_t* next,
                const PredictedViews& views, const UndistortedCentroids& centroids,
                const std::uint16_t* list, std::size_t count, float widest_px,
                std::int32_t* found) {
  const float inverse = 1.0f / grid.cell_px;
  const float reach = widest_px * inverse * 128.0f + 2.0f, squared_reach = reach * reach;
  const std::size_t columns = static_cast<std::size_t>(grid.columns);
  const Float8 lane_u{0, 128, 0, 128, 0, 128, 0, 128}, lane_v{0, 0, 128, 128, 0, 0, 128, 128};
  for (std::size_t k = 0; k < count; ++k) {
    const std::size_t i = list[k];
    if (centroids.slack[i] > 0.0f) continue;
    const float u = centroids.u[i], v = centroids.v[i];
    const float column = (u - grid.least_u) * inverse + 0.5f;
    const float row = (v - grid.least_v) * inverse + 0.5f;
    const std::int32_t whole_column = static_cast<std::int32_t>(column);
    const std::int32_t whole_row = static_cast<std::int32_t>(row);
    const float from_u = (column - static_cast<float>(whole_column) + 0.5f) * 128.0f;
    const float from_v = (row - static_cast<float>(whole_row) + 0.5f) * 128.0f;
    const std::uint32_t* upper =
        cells + static_cast<std::size_t>(whole_row * grid.columns + whole_column);
    const std::uint32_t* lower = upper + columns;
    std::uint32_t words[8] = {upper[0], upper[1], lower[0], lower[1]};
    std::uint32_t deeper = 0;
    for (int c = 0; c < 4; ++c) {
      const std::uint32_t id = words[c] & 0xffffu, some = id != 0;
      const std::uint32_t before = next[id - some] & (0u - some), any = before != 0;
      words[c + 4] = views.word[before - any] & (0u - any);
      deeper |= next[before - any] & (0u - any);
    }
    if (deeper != 0) {
      found[i] = kNotSimple;
      continue;
    }
    const auto wordOf = [&words](int c) { return static_cast<std::int32_t>(words[c]); };
    const Int8 word{wordOf(0), wordOf(1), wordOf(2), wordOf(3),
                    wordOf(4), wordOf(5), wordOf(6), wordOf(7)};
    const Float8 du = __builtin_convertvector((word >> 16) & 127, Float8) + (lane_u - from_u);
    const Float8 dv = __builtin_convertvector((word >> 23) & 127, Float8) + (lane_v - from_v);
    const Int8 near = (du * du + dv * dv <= squared_reach) & (word != 0);
    typedef float Aligned4 __attribute__((vector_size(16)));
    const Int4 low = __builtin_shufflevector(near, near, 0, 1, 2, 3);
    const Int4 high = __builtin_shufflevector(near, near, 4, 5, 6, 7);
    unsigned bits = static_cast<unsigned>(__builtin_ia32_movmskps((Aligned4)low)) |
                    static_cast<unsigned>(__builtin_ia32_movmskps((Aligned4)high)) << 4;
    std::int32_t result = kNothingNear;
    for (; bits != 0; bits &= bits - 1) {
      const std::size_t p = (words[__builtin_ctz(bits)] & 0xffffu) - 1;
      const float exact_u = u - views.u[p], exact_v = v - views.v[p], gate = views.gate_px[p];
      const bool inside = exact_u * exact_u + exact_v * exact_v <= gate * gate;
      const std::int32_t also = result == kNothingNear ? static_cast<std::int32_t>(p) : kNotSimple;
      result = inside ? also : result;
    }
    found[i] = result;
  }
}

void claimWide(const PredictedViews& views, std::size_t prediction,
               const UndistortedCentroids& centroids, std::size_t count, std::int32_t* found) {
  const float u = views.u[prediction], v = views.v[prediction], gate = views.gate_px[prediction];
  for (std::size_t i = 0; i < count; i += 8) {
    const Float8 du = UNDERSTUDY_LOAD8(centroids.u + i) - u;
    const Float8 dv = UNDERSTUDY_LOAD8(centroids.v + i) - v;
    const Float8 reach = UNDERSTUDY_LOAD8(centroids.slack + i) + gate;
    const Int8 near =
        (du * du + dv * dv <= reach * reach) & (UNDERSTUDY_LOAD8(centroids.weight + i) > 0.0f);
    Int8& result = *reinterpret_cast<Int8*>(found + i);
    result = near ? Int8{} + kNotSimple : result;
  }
}

inline Double4 toDoubles(Int4 values) {
#ifdef __AVX__
  typedef std::int32_t Aligned4 __attribute__((vector_size(16)));
  return (Double4)__builtin_ia32_cvtdq2pd256((Aligned4)values);  // One instruction, not six.
#else
  return __builtin_convertvector(values, Double4);
#endif
}

// A column of eight rays' derivative of the image along one of its axes.
inline Float8 column(Float8 scale, Float8 slope, float across, float forward) {
  return scale * (across - slope * forward);
}

inline void addHalf(double* sums, Int8 terms, int half) {
  const Int4 part = half == 0 ? __builtin_shufflevector(terms, terms, 0, 1, 2, 3)
                              : __builtin_shufflevector(terms, terms, 4, 5, 6, 7);
  *reinterpret_cast<Double4*>(sums) += toDoubles(part);
}

// Adds four terms of eight rays, turned from columns to rows, to entries `first` to `first` + 3.
inline void addFour(const std::size_t* at, std::size_t rays, std::size_t first, const Int8* terms,
                    double* sums) {
  const Int8 low_01 = __builtin_shufflevector(terms[0], terms[1], 0, 8, 1, 9, 4, 12, 5, 13);
  const Int8 low_23 = __builtin_shufflevector(terms[2], terms[3], 0, 8, 1, 9, 4, 12, 5, 13);
  const Int8 high_01 = __builtin_shufflevector(terms[0], terms[1], 2, 10, 3, 11, 6, 14, 7, 15);
  const Int8 high_23 = __builtin_shufflevector(terms[2], terms[3], 2, 10, 3, 11, 6, 14, 7, 15);
  const Int8 rows[4] = {__builtin_shufflevector(low_01, low_23, 0, 1, 8, 9, 4, 5, 12, 13),
                        __builtin_shufflevector(low_01, low_23, 2, 3, 10, 11, 6, 7, 14, 15),
                        __builtin_shufflevector(high_01, high_23, 0, 1, 8, 9, 4, 5, 12, 13),
                        __builtin_shufflevector(high_01, high_23, 2, 3, 10, 11, 6, 7, 14, 15)};
  sums += first;
  if (rays == 8) {
    for (int k = 0; k < 4; ++k) addHalf(sums + at[k], rows[k], 0);
    for (int k = 0; k < 4; ++k) addHalf(sums + at[k + 4], rows[k], 1);
    return;
  }
  for (std::size_t k = 0; k < rays; ++k) addHalf(sums + at[k], rows[k % 4], k < 4 ? 0 : 1);
}

// With a and b the rows of the image's derivative and r its residual, a ray's information is
// w (a a^T + b b^T) and its gradient w (a r_u + b r_v). Eight rays at a time.
void accumulate(const ViewCamera& camera, const Ray* rays, std::size_t count, const float* u,
                const float* v, const float* scale, double* sums) {
  const float* r = camera.rotation;
  const float inverse_focal = 1.0f / camera.focal_px;
  const Float8 most = Float8{} + 2.1e9f;
  const auto whole = [](Float8 value) { return __builtin_convertvector(value, Int8); };
  for (std::size_t i = 0; i < count; i += 8) {
    const std::size_t some = count - i < 8 ? count - i : 8;
    Ray padded[8];
    const Ray* ray = rays + i;
    if (some < 8) {
      for (std::size_t k = 0; k < some; ++k) padded[k] = ray[k];
      ray = padded;
    }
    std::int32_t p[8];
    std::size_t at[8];
    for (int k = 0; k < 8; ++k) {
      p[k] = ray[k].prediction;
      at[k] = kSumsPerMarker * ray[k].prediction;
    }
    const Float8 c0 = twoOf(&ray[0].u, &ray[4].u), c1 = twoOf(&ray[1].u, &ray[5].u);
    const Float8 c2 = twoOf(&ray[2].u, &ray[6].u), c3 = twoOf(&ray[3].u, &ray[7].u);
    const Float8 uv01 = __builtin_shufflevector(c0, c1, 0, 8, 1, 9, 4, 12, 5, 13);
    const Float8 uv23 = __builtin_shufflevector(c2, c3, 0, 8, 1, 9, 4, 12, 5, 13);
    const Float8 w01 = __builtin_shufflevector(c0, c1, 2, 10, 3, 11, 6, 14, 7, 15);
    const Float8 w23 = __builtin_shufflevector(c2, c3, 2, 10, 3, 11, 6, 14, 7, 15);
    const Float8 pu = gather(u, p), pv = gather(v, p), s = gather(scale, p);
    const Float8 ru = __builtin_shufflevector(uv01, uv23, 0, 1, 8, 9, 4, 5, 12, 13) - pu;
    const Float8 rv = __builtin_shufflevector(uv01, uv23, 2, 3, 10, 11, 6, 7, 14, 15) - pv;
    Float8 w = __builtin_shufflevector(w01, w23, 0, 1, 8, 9, 4, 5, 12, 13);
    const Float8 limit = kLargestInformation / (s * s);
    w = w < limit ? w : limit;
    const Float8 x = pu * inverse_focal, y = pv * inverse_focal;
    const Float8 ax = column(s, x, r[0], r[6]), bx = column(s, y, r[3], r[6]);
    const Float8 ay = column(s, x, r[1], r[7]), by = column(s, y, r[4], r[7]);
    const Float8 az = column(s, x, r[2], r[8]), bz = column(s, y, r[5], r[8]);
    const Float8 h = w * kInformationScale, g = w * kGradientScale;
    const Int8 first[4] = {whole((ax * ax + bx * bx) * h), whole((ax * ay + bx * by) * h),
                           whole((ax * az + bx * bz) * h), whole((ay * ay + by * by) * h)};
    addFour(at, some, 0, first, sums);
    const Int8 second[4] = {whole((ay * az + by * bz) * h), whole((az * az + bz * bz) * h),
                            whole((ax * ru + bx * rv) * g), whole((ay * ru + by * rv) * g)};
    addFour(at, some, 4, second, sums);
    const Float8 gz = (az * ru + bz * rv) * g, squared = (ru * ru + rv * rv) * (w * kResidualScale);
    const Float8 weight = w * kWeightScale;
    const Int8 third[4] = {whole(gz < most ? gz : most), whole(squared < most ? squared : most),
                           whole(weight < most ? weight : most), Int8{} + 1};
    addFour(at, some, 8, third, sums);
  }
}

// Entries k to k + 3 of four predictions' sums, turned from rows to columns.
struct FourSums {
  Double4 column[4];
};

inline FourSums turn(const double* sums, std::size_t k) {
  constexpr std::size_t n = kSumsPerMarker;
  const Double4 r0 = *reinterpret_cast<const Double4*>(sums + k);
  const Double4 r1 = *reinterpret_cast<const Double4*>(sums + n + k);
  const Double4 r2 = *reinterpret_cast<const Double4*>(sums + 2 * n + k);
  const Double4 r3 = *reinterpret_cast<const Double4*>(sums + 3 * n + k);
  const Double4 a = __builtin_shufflevector(r0, r1, 0, 4, 2, 6);
  const Double4 b = __builtin_shufflevector(r0, r1, 1, 5, 3, 7);
  const Double4 c = __builtin_shufflevector(r2, r3, 0, 4, 2, 6);
  const Double4 d = __builtin_shufflevector(r2, r3, 1, 5, 3, 7);
  return {{__builtin_shufflevector(a, c, 0, 1, 4, 5), __builtin_shufflevector(b, d, 0, 1, 4, 5),
           __builtin_shufflevector(a, c, 2, 3, 6, 7), __builtin_shufflevector(b, d, 2, 3, 6, 7)}};
}

inline void storeFour(float* at, Double4 value) {
  *reinterpret_cast<Float4*>(at) = __builtin_convertvector(value, Float4);
}

void solve(const double* sums, std::size_t count, const PredictedSolutions& out) {
  constexpr double per_information = 1.0 / static_cast<double>(kInformationScale);
  constexpr double per_gradient = 1.0 / static_cast<double>(kGradientScale);
  constexpr double per_residual = 1.0 / static_cast<double>(kResidualScale);
  constexpr double per_weight = 1.0 / static_cast<double>(kWeightScale);
  const Double4 zero{};
  for (std::size_t i = 0; i < count; i += 4, sums += 4 * kSumsPerMarker) {
    const FourSums s0 = turn(sums, 0), s1 = turn(sums, 4), s2 = turn(sums, 8);
    const Double4 a = s0.column[0] * per_information, b = s0.column[1] * per_information;
    const Double4 c = s0.column[2] * per_information, d = s0.column[3] * per_information;
    const Double4 e = s1.column[0] * per_information, f = s1.column[1] * per_information;
    const Double4 gx = s1.column[2] * per_gradient, gy = s1.column[3] * per_gradient;
    const Double4 gz = s2.column[0] * per_gradient, squared = s2.column[1] * per_residual;
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
    storeFour(out.weights + i, s2.column[2] * per_weight);
    storeFour(out.rays + i, s2.column[3]);
    storeFour(out.spread + i, sound ? determinant / (sound ? cube : one) : zero);
  }
}

#undef UNDERSTUDY_LOAD8
#undef UNDERSTUDY_STORE8

}  // namespace
