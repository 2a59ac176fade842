// The cold search's kernels, compiled twice with different instruction sets: see
// projection_kernels.inl. Where an instruction does at once what takes the older set several, both
// are written out; the results are whole numbers, the same either way.

#include <cmath>
#ifdef __AVX2__
#include <immintrin.h>
#endif

namespace {

using understudy::reconstruct::ColdCamera;
using understudy::reconstruct::ColdHit;
using understudy::reconstruct::ColdList;
using understudy::reconstruct::ColdLook;
using understudy::reconstruct::ColdMap;
using understudy::reconstruct::ColdPair;
using understudy::reconstruct::ColdPoints;
using understudy::reconstruct::ColdSight;
using understudy::reconstruct::ColdSums;
using understudy::reconstruct::kColdLanes;
using understudy::reconstruct::kGone;

// Unaligned and allowed to alias: loads and stores of parts of plain arrays.
typedef float Float8 __attribute__((vector_size(32), aligned(4), may_alias));
typedef std::int32_t Int8 __attribute__((vector_size(32), aligned(4), may_alias));
typedef std::int16_t Short8 __attribute__((vector_size(16), aligned(2), may_alias));

#define UNDERSTUDY_LOAD8(p) (*reinterpret_cast<const Float8*>(p))
#define UNDERSTUDY_STORE8(p, value) (*reinterpret_cast<Float8*>(p) = (value))

// One bit per lane that is true.
inline unsigned bitsOf(const Int8& mask) {
#ifdef __AVX2__
  return static_cast<unsigned>(
      _mm256_movemask_ps(_mm256_loadu_ps(reinterpret_cast<const float*>(&mask))));
#else
  std::int32_t lanes[kColdLanes];
  *reinterpret_cast<Int8*>(lanes) = mask;
  unsigned bits = 0;
  for (unsigned lane = 0; lane < kColdLanes; ++lane) bits |= (lanes[lane] != 0 ? 1u : 0u) << lane;
  return bits;
#endif
}

// Units beyond which a distance along an axis is cut: its square and three bits fit 16.
constexpr std::int16_t kCut = 63;

std::size_t findOnLines(const ColdPair& pair, const ColdList& a, std::size_t first,
                        std::size_t last, const ColdList& b, float tolerance_px, std::size_t enough,
                        ColdHit* hits, std::size_t* count) {
  const float* e = pair.essential;
  const float f = pair.focal_a, limit = tolerance_px * tolerance_px;
  std::size_t found = 0, i = first;
  for (; i < last && found < enough; ++i) {
    const float u = a.u[i], v = a.v[i];
    const float lx = e[0] * u + e[1] * v + e[2] * f;
    const float ly = e[3] * u + e[4] * v + e[5] * f;
    const float lz = e[6] * u + e[7] * v + e[8] * f;
    const float squared = lx * lx + ly * ly;
    if (!(squared > 1e-12f)) continue;
    const float inverse = 1.0f / __builtin_sqrtf(squared);
    const float nx = lx * inverse, ny = ly * inverse, nz = lz * inverse * pair.focal_b;
    for (std::size_t j = 0; j < b.count; j += kColdLanes) {
      const Float8 distance = nx * UNDERSTUDY_LOAD8(b.u + j) + ny * UNDERSTUDY_LOAD8(b.v + j) + nz;
      const Int8 on = distance * distance < limit;
      for (unsigned bits = bitsOf(on); bits != 0; bits &= bits - 1) {
        hits[found++] = {
            static_cast<std::uint16_t>(i),
            static_cast<std::uint16_t>(j + static_cast<std::size_t>(__builtin_ctz(bits)))};
      }
    }
  }
  *count = found;
  return i;
}

// The images of a group, and the blobs of the map near them.
struct Images {
  float u[kColdLanes], v[kColdLanes];
  std::int32_t units_u[kColdLanes], units_v[kColdLanes];
  std::int32_t cell[kColdLanes], end[kColdLanes], below[kColdLanes];
  std::uint16_t first[kColdLanes], last[kColdLanes];
  unsigned seen;  // One bit per lane that is in view.
};

inline void project(const ColdCamera& camera, const ColdMap& map, const ColdLook& look,
                    const ColdPoints& points, Images& images) {
  const Float8 zero{};
  const float* r = camera.rotation;
  const float* t = camera.translation;
  const Float8 px = UNDERSTUDY_LOAD8(points.x), py = UNDERSTUDY_LOAD8(points.y),
               pz = UNDERSTUDY_LOAD8(points.z);
  const Float8 z = r[6] * px + r[7] * py + r[8] * pz + t[2];
  const Float8 scale = camera.focal_px / z;
  const Float8 u = (r[0] * px + r[1] * py + r[2] * pz + t[0]) * scale;
  const Float8 v = (r[3] * px + r[4] * py + r[5] * pz + t[1]) * scale;
  const float half_width = camera.half_width_px, half_height = camera.half_height_px;
  const Int8 seen = (z > look.nearest) & (u > -half_width) & (u < half_width) & (v > -half_height) &
                    (v < half_height);
  const Float8 x = seen ? u + half_width : zero, y = seen ? v + half_height : zero;
  const auto cellOf = [&](const Float8& at, float per_px) __attribute__((always_inline)) {
    return __builtin_convertvector(at > 0.0f ? at * per_px : zero, Int8);
  };
  const Int8 left = cellOf(x - look.reach_px, map.cells_per_px_u);
  const Int8 right = cellOf(x + look.reach_px, map.cells_per_px_u);
  const Int8 top = cellOf(y - look.reach_px, map.cells_per_px_v);
  const Int8 bottom = cellOf(y + look.reach_px, map.cells_per_px_v);
  const Int8 cell = top * map.across + left;
  UNDERSTUDY_STORE8(images.u, u);
  UNDERSTUDY_STORE8(images.v, v);
  const auto unitsOf = [&](const Float8& at) __attribute__((always_inline)) {
    return __builtin_convertvector(seen ? at * camera.units_per_px : zero, Int8);
  };
  *reinterpret_cast<Int8*>(images.units_u) = unitsOf(u);
  *reinterpret_cast<Int8*>(images.units_v) = unitsOf(v);
  *reinterpret_cast<Int8*>(images.cell) = cell;
  *reinterpret_cast<Int8*>(images.end) = cell + (right - left) + 1;
  *reinterpret_cast<Int8*>(images.below) = (bottom - top) * map.across;
  images.seen = bitsOf(seen);
}

// Sixteen blobs are looked at together: their squared distances in units, three bits further up,
// in the lower bits which eight of them it is; the smallest of each eighth lane. Along each axis a
// distance is cut, so that its square fits; claimed blobs stay far when the difference wraps round.
#ifdef __AVX2__
inline __m128i nearestOfSixteen(const ColdMap& map, std::uint32_t first, std::int32_t at_u,
                                std::int32_t at_v) {
  const auto apart = [first](const std::int16_t* units, std::int32_t at)
      __attribute__((always_inline)) {
    const __m256i place = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(units + first));
    const __m256i off = _mm256_sub_epi16(place, _mm256_set1_epi16(static_cast<short>(at)));
    const __m256i cut = _mm256_min_epu16(_mm256_abs_epi16(off), _mm256_set1_epi16(kCut));
    return _mm256_mullo_epi16(cut, cut);
  };
  const __m256i squared = _mm256_add_epi16(apart(map.units_u, at_u), apart(map.units_v, at_v));
  const __m256i shifted = _mm256_slli_epi16(squared, 3);
  return _mm_min_epu16(_mm256_castsi256_si128(shifted),
                       _mm_add_epi16(_mm256_extracti128_si256(shifted, 1), _mm_set1_epi16(1)));
}

// The smallest key in the upper half, the index of its blob from `first` on in the lower.
inline std::uint32_t nearestKey(const ColdMap& map, std::uint32_t first, std::int32_t at_u,
                                std::int32_t at_v) {
  const auto found = static_cast<std::uint32_t>(
      _mm_cvtsi128_si32(_mm_minpos_epu16(nearestOfSixteen(map, first, at_u, at_v))));
  const std::uint32_t key = found & 0xffffu;
  return (key >> 3) << 16 | (first + (found >> 16) + std::uint32_t{kColdLanes} * (key & 7u));
}
#else
inline std::uint32_t nearestKey(const ColdMap& map, std::uint32_t first, std::int32_t at_u,
                                std::int32_t at_v) {
  const auto apart = [](std::int16_t unit, std::int32_t at) {
    const std::int32_t off = static_cast<std::int16_t>(unit - at);
    const std::int32_t size = off < 0 ? -off : off;
    return static_cast<std::uint32_t>(size < kCut ? size : kCut);
  };
  std::uint32_t best = ~0u, blob = 0;
  for (std::uint32_t lane = 0; lane < kColdLanes; ++lane) {  // The first lane of the least key.
    for (std::uint32_t half = 0; half < 2; ++half) {
      const std::uint32_t at = first + lane + half * std::uint32_t{kColdLanes};
      const std::uint32_t du = apart(map.units_u[at], at_u), dv = apart(map.units_v[at], at_v);
      const std::uint32_t key = (du * du + dv * dv) << 3 | half;
      blob = key < best ? at : blob;
      best = key < best ? key : best;
    }
  }
  return (best >> 3) << 16 | blob;
}
#endif

// The nearest of the blobs from `first` until `last`: squared distance in units and index. Sixteen
// at a time, seldom more than once; those behind the last one are blobs as well and do no harm.
inline std::uint32_t nearestIn(const ColdMap& map, std::uint32_t first, std::uint32_t last,
                               std::int32_t at_u, std::int32_t at_v) {
  std::uint32_t nearest = ~0u;
  do {
    const std::uint32_t key = nearestKey(map, first, at_u, at_v);
    nearest = key < nearest ? key : nearest;
    first += 2 * kColdLanes;
  } while (first < last);
  return nearest;
}

// Where the blobs near each image lie; asks the memory for them.
inline void findRanges(const ColdMap& map, Images& images) {
  for (std::size_t lane = 0; lane < kColdLanes; ++lane) {
    const std::uint16_t first = map.cell_start[images.cell[lane]];
    images.first[lane] = first;
    images.last[lane] = map.cell_start[images.end[lane]];
    __builtin_prefetch(map.units_u + first);
    __builtin_prefetch(map.units_v + first);
    __builtin_prefetch(map.places + 2 * first);
  }
}

// What is seen is hard to foresee: no branch depends on it.
inline void findNearest(const ColdMap& map, const Images& images, std::uint32_t limit,
                        ColdSight& sight) {
  float u[kColdLanes], v[kColdLanes];
  std::int32_t found[kColdLanes];
  for (std::size_t lane = 0; lane < kColdLanes; ++lane) {
    const std::int32_t at_u = images.units_u[lane], at_v = images.units_v[lane];
    std::uint32_t nearest = nearestIn(map, images.first[lane], images.last[lane], at_u, at_v);
    if (images.below[lane] != 0) {
      const std::uint16_t* start = map.cell_start + images.below[lane];
      const std::uint32_t below =
          nearestIn(map, start[images.cell[lane]], start[images.end[lane]], at_u, at_v);
      nearest = below < nearest ? below : nearest;
    }
    const std::uint32_t blob = nearest & 0xffffu;
    found[lane] = nearest < limit ? static_cast<std::int32_t>(blob) : -1;
    u[lane] = map.places[2 * blob];
    v[lane] = map.places[2 * blob + 1];
  }
  const Int8 bits{1, 2, 4, 8, 16, 32, 64, 128};
  const Int8 blob = *reinterpret_cast<const Int8*>(found);
  const Int8 there = (blob >= 0) & ((bits & static_cast<std::int32_t>(images.seen)) != 0);
  const Float8 gone = Float8{} + kGone, zero{};
  UNDERSTUDY_STORE8(sight.u, there ? UNDERSTUDY_LOAD8(u) - UNDERSTUDY_LOAD8(images.u) : gone);
  UNDERSTUDY_STORE8(sight.v, there ? UNDERSTUDY_LOAD8(v) - UNDERSTUDY_LOAD8(images.v) : zero);
  *reinterpret_cast<Short8*>(sight.blob) =
      __builtin_convertvector(there ? blob : Int8{} - 1, Short8);
}

void look(const ColdCamera& camera, const ColdMap& map, const ColdLook& look,
          const ColdPoints* points, std::size_t groups, ColdSight* sights, std::size_t stride) {
  constexpr std::size_t kAtOnce = 4;  // So many groups wait for the memory together.
  const float reach = look.reach_px * camera.units_per_px + 1.0f;
  const std::uint32_t limit = static_cast<std::uint32_t>(reach * reach) << 16;
  Images images[kAtOnce];
  for (std::size_t first = 0; first < groups; first += kAtOnce) {
    const std::size_t count = groups - first < kAtOnce ? groups - first : kAtOnce;
    for (std::size_t g = 0; g < count; ++g)
      project(camera, map, look, points[first + g], images[g]);
    for (std::size_t g = 0; g < count; ++g) findRanges(map, images[g]);
    for (std::size_t g = 0; g < count; ++g)
      findNearest(map, images[g], limit, sights[(first + g) * stride]);
  }
}

void sumRays(const ColdCamera* cameras, std::size_t count, const ColdPoints& points,
             const float* step, float reach_px, ColdSight* sights, std::int16_t* taken,
             ColdSums& sums) {
  const Float8 zero{};
  const Short8 nobody = Short8{} - std::int16_t{1};
  const Float8 px = UNDERSTUDY_LOAD8(points.x), py = UNDERSTUDY_LOAD8(points.y),
               pz = UNDERSTUDY_LOAD8(points.z);
  const Float8 dx = UNDERSTUDY_LOAD8(step), dy = UNDERSTUDY_LOAD8(step + kColdLanes),
               dz = UNDERSTUDY_LOAD8(step + 2 * kColdLanes);
  const float limit = reach_px * reach_px;
  Float8 xx{}, xy{}, xz{}, yy{}, yz{}, zz{}, gx{}, gy{}, gz{}, squared{}, rays{};
  for (std::size_t c = 0; c < count; ++c) {
    ColdSight& sight = sights[c];
    const Short8 blob = *reinterpret_cast<const Short8*>(sight.blob);
    Short8& kept = *reinterpret_cast<Short8*>(taken + kColdLanes * c);
    kept = nobody;
    const Float8 old_u = UNDERSTUDY_LOAD8(sight.u);
    if (bitsOf(old_u < 0.5f * kGone) == 0) continue;
    const ColdCamera& camera = cameras[c];
    const float* r = camera.rotation;
    const float* t = camera.translation;
    const Float8 inverse = 1.0f / (r[6] * px + r[7] * py + r[8] * pz + t[2]);
    const Float8 scale = camera.focal_px * inverse;
    const Float8 x = (r[0] * px + r[1] * py + r[2] * pz + t[0]) * inverse;
    const Float8 y = (r[3] * px + r[4] * py + r[5] * pz + t[1]) * inverse;
    Float8 ux = scale * (r[0] - x * r[6]), uy = scale * (r[1] - x * r[7]),
           uz = scale * (r[2] - x * r[8]);
    Float8 vx = scale * (r[3] - y * r[6]), vy = scale * (r[4] - y * r[7]),
           vz = scale * (r[5] - y * r[8]);
    Float8 u = old_u - (ux * dx + uy * dy + uz * dz);
    Float8 v = UNDERSTUDY_LOAD8(sight.v) - (vx * dx + vy * dy + vz * dz);
    UNDERSTUDY_STORE8(sight.u, u);
    UNDERSTUDY_STORE8(sight.v, v);
    const Int8 near = u * u + v * v < limit;
    if (bitsOf(near) == 0) continue;
    kept = __builtin_convertvector(near, Short8) != 0 ? blob : nobody;
    rays += near ? zero + 1.0f : zero;
    u = near ? u : zero;
    v = near ? v : zero;
    ux = near ? ux : zero;
    uy = near ? uy : zero;
    uz = near ? uz : zero;
    vx = near ? vx : zero;
    vy = near ? vy : zero;
    vz = near ? vz : zero;
    xx += ux * ux + vx * vx;
    xy += ux * uy + vx * vy;
    xz += ux * uz + vx * vz;
    yy += uy * uy + vy * vy;
    yz += uy * uz + vy * vz;
    zz += uz * uz + vz * vz;
    gx += ux * u + vx * v;
    gy += uy * u + vy * v;
    gz += uz * u + vz * v;
    squared += u * u + v * v;
  }
  const Float8 information[6] = {xx, xy, xz, yy, yz, zz}, gradient[3] = {gx, gy, gz};
  for (int k = 0; k < 6; ++k) UNDERSTUDY_STORE8(sums.information[k], information[k]);
  for (int k = 0; k < 3; ++k) UNDERSTUDY_STORE8(sums.gradient[k], gradient[k]);
  UNDERSTUDY_STORE8(sums.squared_px, squared);
  UNDERSTUDY_STORE8(sums.rays, rays);
}

}  // namespace
