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
  return static_cast<unsigned>(_mm256_movemask_ps(reinterpret_cast<const __m256&>(mask)));
#else
  unsigned bits = 0;
  for (unsigned lane = 0; lane < kColdLanes; ++lane) bits |= (mask[lane] != 0 ? 1u : 0u) << lane;
  return bits;
#endif
}

// The smallest of eight numbers in the upper half, the first place where it is in the lower.
inline std::uint32_t smallestOf(const Short8& numbers) {
#ifdef __AVX2__
  const auto found = static_cast<std::uint32_t>(
      _mm_cvtsi128_si32(_mm_minpos_epu16(reinterpret_cast<const __m128i&>(numbers))));
  return (found << 16) | (found >> 16);
#else
  std::uint32_t smallest = ~0u;
  for (unsigned lane = 0; lane < kColdLanes; ++lane) {
    const std::uint32_t key = static_cast<std::uint32_t>(numbers[lane]) << 16 | lane;
    smallest = key < smallest ? key : smallest;
  }
  return smallest;
#endif
}

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

// The images of a group, and the cells of the map near them.
struct Images {
  float u[kColdLanes], v[kColdLanes];
  std::int32_t units_u[kColdLanes], units_v[kColdLanes];
  std::int32_t cell[kColdLanes], end[kColdLanes], below[kColdLanes];
};

// Returns one bit per lane that is in view.
inline unsigned project(const ColdCamera& camera, const ColdMap& map, const ColdLook& look,
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
  return bitsOf(seen);
}

// The nearest of the blobs from `first` until `last`: squared distance in units and index. Eight at
// a time; those behind the last one are blobs as well and do no harm.
inline std::uint32_t nearestIn(const ColdMap& map, std::uint32_t first, std::uint32_t last,
                               const Short8& u, const Short8& v) {
  std::uint32_t nearest = ~0u;
  for (std::uint32_t at = first; at < last; at += kColdLanes) {
    Short8 du = *reinterpret_cast<const Short8*>(map.units_u + at) - u;
    Short8 dv = *reinterpret_cast<const Short8*>(map.units_v + at) - v;
    const Short8 most = Short8{} + std::int16_t{127};
    du = du < most ? du : most;
    du = du > -most ? du : -most;
    dv = dv < most ? dv : most;
    dv = dv > -most ? dv : -most;
    const std::uint32_t key = smallestOf(du * du + dv * dv) + at;
    nearest = key < nearest ? key : nearest;
  }
  return nearest;
}

void look(const ColdCamera& camera, const ColdMap& map, const ColdLook& look,
          const ColdPoints* points, std::size_t groups, ColdSight* sights, std::size_t stride) {
  const float reach = look.reach_px * camera.units_per_px + 1.0f;
  const std::uint32_t limit = static_cast<std::uint32_t>(reach * reach) << 16;
  const Short8 nobody = Short8{} - std::int16_t{1};
  for (std::size_t g = 0; g < groups; ++g) {
    Images images;
    ColdSight& sight = sights[g * stride];
    UNDERSTUDY_STORE8(sight.u, Float8{} + kGone);
    UNDERSTUDY_STORE8(sight.v, Float8{});
    *reinterpret_cast<Short8*>(sight.blob) = nobody;
    unsigned seen = project(camera, map, look, points[g], images);
    for (; seen != 0; seen &= seen - 1) {
      const unsigned lane = static_cast<unsigned>(__builtin_ctz(seen));
      const Short8 u = Short8{} + static_cast<std::int16_t>(images.units_u[lane]);
      const Short8 v = Short8{} + static_cast<std::int16_t>(images.units_v[lane]);
      const std::uint16_t* start = map.cell_start + images.cell[lane];
      const std::int32_t length = images.end[lane] - images.cell[lane];
      std::uint32_t nearest = nearestIn(map, start[0], start[length], u, v);
      if (images.below[lane] != 0) {
        start += images.below[lane];
        const std::uint32_t below = nearestIn(map, start[0], start[length], u, v);
        nearest = below < nearest ? below : nearest;
      }
      if (nearest >= limit) continue;
      const std::uint32_t blob = nearest & 0xffffu;
      sight.blob[lane] = static_cast<std::int16_t>(blob);
      sight.u[lane] = map.places[2 * blob] - images.u[lane];
      sight.v[lane] = map.places[2 * blob + 1] - images.v[lane];
    }
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
