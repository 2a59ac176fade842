#include "capture/reconstruct/cold_search.h"

#include <algorithm>
#include <cmath>

#include "capture/reconstruct/cold_ghosts.h"
#include "capture/reconstruct/lanes.h"
#include "capture/reconstruct/normal_sums.h"
#include "capture/reconstruct/reconstruct.h"
#include "capture/reconstruct/view_geometry.h"

namespace understudy::reconstruct {
namespace {

using Candidate = ColdSearchWorkspace::Candidate;

static_assert(kColdBlobs == kMaxCentroids);

constexpr float kReach_px = 3.5f;  // How far from a point's image its blob is looked for.
constexpr float kGone = 1e9f;      // Where claimed blobs are: no line passes, no point is near.
constexpr float kPerCell = 1.0f / kColdCell_px;
constexpr std::size_t kFewBlobs = 24;      // A camera with so few has no map: all are looked at.
constexpr std::int32_t kMostInRange = 32;  // Blobs that are looked at round one image.

// Copies camera c's free centroids, in their order; returns how many.
std::size_t copyFree(const SearchCold& job, std::size_t c) {
  ColdSearchWorkspace& w = job.workspace;
  const ColdCameras& cameras = job.state.cold_cameras;
  const float half_width = cameras.half_width_px[c], half_height = cameras.half_height_px[c];
  const std::vector<FreeCentroid>& free = job.state.free[c];
  float* open_u = &w.open_u[w.first_blob[c]];
  float* open_v = &w.open_v[w.first_blob[c]];
  std::size_t count = 0;
  for (std::size_t i = 0; i < free.size() && count < kColdBlobs; ++i) {
    const float u = static_cast<float>(free[i].u), v = static_cast<float>(free[i].v);
    // Also false for what is not a number.
    const bool inside = std::abs(u) < half_width && std::abs(v) < half_height;
    if (free[i].claimed || !inside) continue;
    open_u[count] = u;
    open_v[count] = v;
    w.order[count] = static_cast<std::uint16_t>(i);
    ++count;
  }
  return count;
}

// Where each of camera c's blobs goes, so that they lie cell by cell: counting sort.
void sortIntoCells(const SearchCold& job, std::size_t c, std::size_t count) {
  ColdSearchWorkspace& w = job.workspace;
  const ColdCameras& cameras = job.state.cold_cameras;
  const float half_width = cameras.half_width_px[c], half_height = cameras.half_height_px[c];
  const std::size_t base = w.first_blob[c];
  std::uint16_t* start = &w.cell_start[c * w.cells_per_camera];
  std::fill_n(start, w.cells_per_camera, std::uint16_t{0});
  for (std::size_t i = 0; i < count; ++i) {
    const std::int32_t row =
        static_cast<std::int32_t>((w.open_v[base + i] + half_height) * kPerCell);
    const std::int32_t column =
        static_cast<std::int32_t>((w.open_u[base + i] + half_width) * kPerCell);
    w.cell_of[i] = static_cast<std::uint16_t>(row * w.cells_across + column);
    ++start[w.cell_of[i]];
  }
  std::uint16_t sum = 0;
  for (std::size_t cell = 0; cell < w.cells_per_camera; ++cell) {
    sum = static_cast<std::uint16_t>(sum + start[cell]);
    start[cell] = sum;  // The cell's end; filling from behind makes it the start.
  }
  for (std::size_t i = count; i-- > 0;) w.cell_of[i] = --start[w.cell_of[i]];
}

// Copies the free centroids and maps them; returns how many there are.
std::uint32_t fill(const SearchCold& job) {
  ColdSearchWorkspace& w = job.workspace;
  std::uint32_t blobs = 0;
  std::size_t base = 0;
  for (std::size_t c = 0; c < job.state.cold_cameras.count; ++c) {
    w.first_blob[c] = static_cast<std::uint32_t>(base);
    const std::size_t count = copyFree(job, c);
    w.mapped[c] = count > kFewBlobs;
    if (w.mapped[c]) sortIntoCells(job, c, count);
    const std::vector<FreeCentroid>& free = job.state.free[c];
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint16_t blob = w.mapped[c] ? w.cell_of[i] : static_cast<std::uint16_t>(i);
      w.blobs[base + blob] = {w.open_u[base + i], w.open_v[base + i]};
      w.radius_px[base + blob] = free[w.order[i]].radius_px;
      w.source[base + blob] = w.order[i];
      w.open[base + i] = blob;
    }
    w.touched[c] = 1;
    w.open_count[c] = w.blob_count[c] = static_cast<std::uint32_t>(count);
    blobs += static_cast<std::uint32_t>(count);
    base += count / kLanes * kLanes + 2 * kLanes;  // Lists end with lanes that no line meets.
  }
  return blobs;
}

// Says in the cameras' lists what was claimed.
void noteClaims(const SearchCold& job) {
  ColdSearchWorkspace& w = job.workspace;
  for (std::size_t c = 0; c < job.state.cold_cameras.count; ++c) {
    for (std::size_t at = w.first_blob[c]; at < w.first_blob[c] + w.blob_count[c]; ++at) {
      if (!(w.blobs[at].u < kGone)) job.state.free[c][w.source[at]].claimed = true;
    }
  }
}

// The point's image in every camera, and the cells near it.
void projectIntoAll(const SearchCold& job, const glm::vec3& point) {
  ColdSearchWorkspace& w = job.workspace;
  const ColdCameras& k = job.state.cold_cameras;
  const Lanes px = all(point.x), py = all(point.y), pz = all(point.z);
  const Lanes nearest = all(static_cast<float>(job.settings.nearest));
  const Lanes across = all(static_cast<float>(w.cells_across));
  // Cells beyond the image are empty: that is where a point out of view is looked for.
  const Lanes beyond = all(static_cast<float>(w.cells_down - 1) * kColdCell_px);
  const Lanes zero = all(0.0f), per_cell = all(kPerCell), reach = all(kReach_px);
  const auto floored = [&](Lanes at) {
    return __builtin_convertvector(at < zero ? zero : at * per_cell, IntLanes);
  };
  for (std::size_t c = 0; c < k.padded; c += kLanes) {
    const auto row = [&](std::size_t r) {
      return load(&k.rotation[3 * r][c]) * px + load(&k.rotation[3 * r + 1][c]) * py +
             load(&k.rotation[3 * r + 2][c]) * pz + load(&k.translation[r][c]);
    };
    const Lanes z = row(2);
    const Lanes scale = load(&k.focal_px[c]) / z;
    const Lanes u = row(0) * scale, v = row(1) * scale;
    const Lanes half_width = load(&k.half_width_px[c]), half_height = load(&k.half_height_px[c]);
    const Lanes from_left = u + half_width, from_top = v + half_height;
    const auto in_view = (z > nearest) & (from_left > zero) &
                         (from_left < half_width + half_width) & (from_top > zero) &
                         (from_top < half_height + half_height);
    store(&w.at_u[c], in_view ? u : all(-kGone));
    store(&w.at_v[c], v);
    store(&w.at_z[c], z);
    const Lanes x = in_view ? from_left : zero, y = in_view ? from_top : beyond + reach;
    const IntLanes left = floored(x - reach), right = floored(x + reach);
    const IntLanes top = floored(y - reach), bottom = floored(y + reach);
    const Lanes cell =
        __builtin_convertvector(top, Lanes) * across + __builtin_convertvector(left, Lanes);
    store(&w.cell[c], __builtin_convertvector(cell, IntLanes));
    store(&w.columns[c], right - left);
    store(&w.rows[c], bottom - top);
    store(&w.residual_u[c], all(kGone));
    store(&w.residual_v[c], zero);
    store(&w.chosen[c], IntLanes{-1, -1, -1, -1});
  }
}

// The open blob nearest to an image position, lane by lane. Four at a time: a cell seldom holds
// more, so that there is little for the processor to guess.
struct NearestBlob {
  Lanes u, v, squared;
  IntLanes blob{-1, -1, -1, -1};

  NearestBlob(float at_u, float at_v, float reach)
      : u(all(at_u)), v(all(at_v)), squared(all(reach * reach)) {}

  void look(const ColdSearchWorkspace::Blob* blobs, std::int32_t first, std::int32_t last) {
    last = std::min(last, first + kMostInRange);
    const IntLanes end{last, last, last, last};
    std::int32_t at = first;
    do {
      const Lanes a = load(&blobs[at].u), b = load(&blobs[at + 2].u);
      const Lanes du = __builtin_shufflevector(a, b, 0, 2, 4, 6) - u;
      const Lanes dv = __builtin_shufflevector(a, b, 1, 3, 5, 7) - v;
      const Lanes distance = du * du + dv * dv;
      const IntLanes index{at, at + 1, at + 2, at + 3};
      const IntLanes nearer = (distance < squared) & (index < end);
      squared = nearer ? distance : squared;
      blob = nearer ? index : blob;
      at += static_cast<std::int32_t>(kLanes);
    } while (at < last);
  }

  // The first of the nearest, -1 for none.
  std::int32_t result() const {
    const Lanes other = __builtin_shufflevector(squared, squared, 2, 3, 0, 1);
    const IntLanes other_blob = __builtin_shufflevector(blob, blob, 2, 3, 0, 1);
    const auto better = (other < squared) | ((other == squared) & (other_blob < blob));
    const Lanes two = better ? other : squared;
    const IntLanes two_blob = better ? other_blob : blob;
    const bool second = two[1] < two[0] || (two[1] == two[0] && two_blob[1] < two_blob[0]);
    return second ? two_blob[1] : two_blob[0];
  }
};

// Chooses the open blob nearest to the point's image in every camera.
void chooseBlobs(const SearchCold& job, const glm::vec3& point) {
  ColdSearchWorkspace& w = job.workspace;
  projectIntoAll(job, point);
  const std::size_t cameras = job.state.cold_cameras.count;
  job.counters.cold_tests += static_cast<std::uint32_t>(cameras);
  // First the cells of all cameras, so that the memory's answers come in one go.
  for (std::size_t c = 0; c < cameras; ++c) {
    ColdSearchWorkspace::Range& range = w.ranges[c];
    if (!w.mapped[c]) {
      range = {0, static_cast<std::uint16_t>(w.blob_count[c]), 0, 0};
    } else {
      const std::uint16_t* start =
          &w.cell_start[c * w.cells_per_camera + static_cast<std::size_t>(w.cell[c])];
      const std::int32_t below = w.rows[c] != 0 ? w.cells_across : 0;
      const std::int32_t end = w.columns[c] + 1;
      range = {start[0], start[end], start[below], start[below + end]};
      range.last_below = below != 0 ? range.last_below : range.first_below;
    }
    __builtin_prefetch(&w.blobs[w.first_blob[c] + range.first]);
    __builtin_prefetch(&w.blobs[w.first_blob[c] + range.first_below]);
  }
  for (std::size_t c = 0; c < cameras; ++c) {
    const ColdSearchWorkspace::Range& range = w.ranges[c];
    const ColdSearchWorkspace::Blob* blobs = &w.blobs[w.first_blob[c]];
    NearestBlob nearest(w.at_u[c], w.at_v[c], kReach_px);
    nearest.look(blobs, range.first, range.last);
    if (range.first_below != range.last_below)
      nearest.look(blobs, range.first_below, range.last_below);
    const std::int32_t blob = nearest.result();
    const ColdSearchWorkspace::Blob& chosen = blobs[std::max(blob, 0)];
    w.chosen[c] = blob;
    w.residual_u[c] = blob < 0 ? kGone : chosen.u - w.at_u[c];
    w.residual_v[c] = blob < 0 ? 0.0f : chosen.v - w.at_v[c];
  }
}

// Nearest open blob of camera c within the reach of one image position, -1 for none.
std::int32_t findBlob(const SearchCold& job, std::size_t c, float u, float v, float reach) {
  const ColdSearchWorkspace& w = job.workspace;
  const ColdCameras& k = job.state.cold_cameras;
  const ColdSearchWorkspace::Blob* blobs = &w.blobs[w.first_blob[c]];
  NearestBlob nearest(u, v, reach);
  if (!w.mapped[c]) {
    nearest.look(blobs, 0, static_cast<std::int32_t>(w.blob_count[c]));
    return nearest.result();
  }
  const float x = u + k.half_width_px[c], y = v + k.half_height_px[c];
  const auto cellOf = [](float at) {
    return static_cast<std::int32_t>(std::max(0.0f, at) * kPerCell);
  };
  const std::int32_t left = cellOf(x - reach), right = cellOf(x + reach);
  const std::uint16_t* start = &w.cell_start[c * w.cells_per_camera];
  for (std::int32_t row = cellOf(y - reach); row <= cellOf(y + reach); ++row) {
    const std::uint16_t* of_row = start + row * w.cells_across;
    nearest.look(blobs, of_row[left], of_row[right + 1]);
  }
  return nearest.result();
}

// The derivatives of all images by the point that was projected last.
void deriveImages(const SearchCold& job) {
  ColdSearchWorkspace& w = job.workspace;
  const ColdCameras& k = job.state.cold_cameras;
  for (std::size_t c = 0; c < k.padded; c += kLanes) {
    const Lanes focal = load(&k.focal_px[c]);
    const Lanes scale = focal / load(&w.at_z[c]);
    const Lanes x = load(&w.at_u[c]) / focal, y = load(&w.at_v[c]) / focal;
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const Lanes forward = load(&k.rotation[6 + axis][c]);
      store(&w.derivative[axis][c], scale * (load(&k.rotation[axis][c]) - x * forward));
      store(&w.derivative[3 + axis][c], scale * (load(&k.rotation[3 + axis][c]) - y * forward));
    }
  }
}

// Moves all images along with the point, weighs the rays that pass within the tolerance, and sums
// their normal equations; returns how many they are.
int sumRays(const SearchCold& job, const glm::vec3& step, float tolerance,
            NormalEquations& equations) {
  ColdSearchWorkspace& w = job.workspace;
  const Lanes zero = all(0.0f), one = all(1.0f);
  const Lanes dx = all(step.x), dy = all(step.y), dz = all(step.z);
  const Lanes limit = all(tolerance * tolerance);
  Lanes sums[kSumsPerMarker] = {zero, zero, zero, zero, zero, zero, zero, zero, zero, zero};
  Lanes rays = zero;
  for (std::size_t c = 0; c < job.state.cold_cameras.padded; c += kLanes) {
    const Lanes all_ux = load(&w.derivative[0][c]), all_uy = load(&w.derivative[1][c]),
                all_uz = load(&w.derivative[2][c]), all_vx = load(&w.derivative[3][c]),
                all_vy = load(&w.derivative[4][c]), all_vz = load(&w.derivative[5][c]);
    const Lanes ru = load(&w.residual_u[c]) - (all_ux * dx + all_uy * dy + all_uz * dz);
    const Lanes rv = load(&w.residual_v[c]) - (all_vx * dx + all_vy * dy + all_vz * dz);
    store(&w.residual_u[c], ru);
    store(&w.residual_v[c], rv);
    const auto near = ru * ru + rv * rv < limit;
    const Lanes weight = near ? one : zero;
    store(&w.weight[c], weight);
    rays += weight;
    const Lanes u = near ? ru : zero, v = near ? rv : zero;
    const Lanes ux = near ? all_ux : zero, uy = near ? all_uy : zero, uz = near ? all_uz : zero;
    const Lanes vx = near ? all_vx : zero, vy = near ? all_vy : zero, vz = near ? all_vz : zero;
    sums[0] += ux * ux + vx * vx;
    sums[1] += ux * uy + vx * vy;
    sums[2] += ux * uz + vx * vz;
    sums[3] += uy * uy + vy * vy;
    sums[4] += uy * uz + vy * vz;
    sums[5] += uz * uz + vz * vz;
    sums[6] += ux * u + vx * v;
    sums[7] += uy * u + vy * v;
    sums[8] += uz * u + vz * v;
    sums[9] += u * u + v * v;
  }
  for (int k = 0; k < 6; ++k) equations.information[k] = static_cast<double>(sum(sums[k]));
  for (int k = 0; k < 3; ++k) equations.gradient[k] = static_cast<double>(sum(sums[6 + k]));
  equations.squared_px = static_cast<double>(sum(sums[9]));
  return static_cast<int>(sum(rays));
}

// Largest angle between two of the rays, as a chord: between the ray furthest from the first one
// and the one furthest from that.
float widestChord(const SearchCold& job, const glm::vec3& point) {
  ColdSearchWorkspace& w = job.workspace;
  const ColdCameras& k = job.state.cold_cameras;
  std::size_t reference = 0;
  while (!(w.weight[reference] > 0.0f)) ++reference;
  Lanes least = all(2.0f);
  for (int pass = 0; pass < 2; ++pass) {
    const glm::vec3 ray = glm::normalize(
        point - glm::vec3(k.centre[0][reference], k.centre[1][reference], k.centre[2][reference]));
    least = all(2.0f);
    for (std::size_t c = 0; c < k.padded; c += kLanes) {
      const Lanes x = all(point.x) - load(&k.centre[0][c]),
                  y = all(point.y) - load(&k.centre[1][c]),
                  z = all(point.z) - load(&k.centre[2][c]);
      const Lanes along = x * all(ray.x) + y * all(ray.y) + z * all(ray.z);
      const Lanes squared = x * x + y * y + z * z;
      // The cosine times its size: in the order of the cosine, without a root.
      const Lanes ordered = along * (along < all(0.0f) ? -along : along) / squared;
      const Lanes counted = load(&w.weight[c]) > all(0.0f) ? ordered : all(2.0f);
      store(&w.cosine[c], counted);
      least = counted < least ? counted : least;
    }
    const float smallest = std::min(std::min(least[0], least[1]), std::min(least[2], least[3]));
    reference = 0;
    while (w.cosine[reference] > smallest) ++reference;
    least = all(smallest);
  }
  const float cosine = std::copysign(std::sqrt(std::abs(least[0])), least[0]);
  return std::sqrt(std::max(0.0f, 2.0f - 2.0f * cosine));
}

// Moves the point to where its rays meet and fills the marker; false if too little is left for it.
bool solveMarker(const SearchCold& job, glm::vec3 point, frame::Marker& marker) {
  // In sigmas of a centroid: how far a ray may pass, first, then, and where one of them spoils it.
  constexpr double kFarthestRay[3] = {6.75, 4.5, 3.0}, kLargestResidual = 2.2;
  const double sigma = job.settings.centroid_sigma_px;
  chooseBlobs(job, point);
  deriveImages(job);
  glm::dvec3 step(0.0);
  glm::dmat3 inverse;
  NormalEquations equations;
  int rays = 0;
  double squared = 0.0, residual = 0.0;
  for (int pass = 0; pass < 3; ++pass) {
    const double reach =
        std::min(kFarthestRay[pass] * sigma, 1.5 * job.settings.epipolar_tolerance_px);
    rays = sumRays(job, glm::vec3(step), static_cast<float>(reach), equations);
    if (rays < job.settings.smallest_cold_rays) return false;
    if (!solveNormalEquations(equations, step, inverse)) return false;
    point += glm::vec3(step);
    // What this step takes from the squared residuals follows from the equations.
    const glm::dvec3 gradient(equations.gradient[0], equations.gradient[1], equations.gradient[2]);
    squared = std::max(0.0, equations.squared_px - glm::dot(step, gradient));
    residual = std::sqrt(squared / rays);
    if (pass == 1 && residual < kLargestResidual * sigma) break;
  }
  if (!(residual < kLargestResidual * sigma)) return false;
  const float chord = widestChord(job, point);
  if (!(static_cast<double>(chord) > job.settings.smallest_angle)) return false;
  const double variance = sigma * sigma;
  const double excess = std::max(1.0, squared / ((2.0 * rays - 3.0) * variance));
  marker = {.position = point,
            .covariance = glm::mat3(inverse * (variance * excess)),
            .residual_px = static_cast<float>(residual),
            .rays = static_cast<std::uint16_t>(rays),
            .angle = chord};
  return true;
}

// Takes the chosen blobs for the marker, and notes its size.
void takeRays(const SearchCold& job, const frame::Marker& marker) {
  ColdSearchWorkspace& w = job.workspace;
  float size = 0.0f;
  for (std::size_t c = 0; c < job.state.cold_cameras.count; ++c) {
    if (!(w.weight[c] > 0.0f)) continue;
    const std::size_t at = w.first_blob[c] + static_cast<std::size_t>(w.chosen[c]);
    w.blobs[at].u = kGone;
    w.touched[c] = 1;
    size += w.radius_px[at] * w.at_z[c] / job.state.cold_cameras.focal_px[c];
  }
  if (w.found.size() == w.found.capacity()) return;
  w.found.push_back({marker, size / static_cast<float>(marker.rays)});
}

// Geometry of one pair of cameras.
struct PairGeometry {
  float essential[9];  // Line in the image of b = essential * (u, v, f) of a, rows.
  float focal_b = 0;
};

PairGeometry makePairGeometry(const PreparedCamera& a, const PreparedCamera& b) {
  const double *ra = a.projection.rotation, *rb = b.projection.rotation;
  const glm::dvec3 origin = toCamera(b.projection, a.centre);
  double turn[9];  // b_from_a
  for (int r = 0; r < 3; ++r) {
    for (int c = 0; c < 3; ++c)
      turn[3 * r + c] =
          rb[3 * r] * ra[3 * c] + rb[3 * r + 1] * ra[3 * c + 1] + rb[3 * r + 2] * ra[3 * c + 2];
  }
  PairGeometry pair;
  for (int c = 0; c < 3; ++c) {
    const glm::dvec3 column(turn[c], turn[3 + c], turn[6 + c]);
    const glm::dvec3 crossed = glm::cross(origin, column);
    for (int r = 0; r < 3; ++r) pair.essential[3 * r + c] = static_cast<float>(crossed[r]);
  }
  pair.focal_b = static_cast<float>(b.focal_px);
  return pair;
}

// Where two rays pass each other nearest; false behind a camera or out of range.
bool meetingPoint(const SearchCold& job, const PreparedCamera& a, const glm::dvec3& da,
                  const PreparedCamera& b, const glm::dvec3& db, glm::vec3& point) {
  const glm::dvec3 between = b.centre - a.centre;
  const double aa = glm::dot(da, da), bb = glm::dot(db, db), ab = glm::dot(da, db);
  const double determinant = aa * bb - ab * ab;
  if (determinant < 1e-4 * aa * bb) return false;  // Nearly parallel: under about half a degree.
  const double along_a = (glm::dot(da, between) * bb - glm::dot(db, between) * ab) / determinant;
  const double along_b = (glm::dot(da, between) * ab - glm::dot(db, between) * aa) / determinant;
  // The directions have depth 1, so these are depths.
  if (along_a < job.settings.nearest || along_a > job.settings.farthest) return false;
  if (along_b < job.settings.nearest || along_b > job.settings.farthest) return false;
  point = glm::vec3(0.5 * ((a.centre + along_a * da) + (b.centre + along_b * db)));
  return true;
}

// Looks for the point in views from nearly the same side as camera a's, and moves it to where all
// their rays meet; false if none of them sees anything there. The rays of a and b begin the sums.
bool isConfirmed(const SearchCold& job, std::size_t a, std::size_t b, NormalEquations& equations,
                 glm::vec3& point) {
  constexpr int kMostViews = 8, kEnough = 2;
  const ColdSearchWorkspace& w = job.workspace;
  const ColdCameras& k = job.state.cold_cameras;
  const float nearest = static_cast<float>(job.settings.nearest);
  const float reach = 1.5f * static_cast<float>(job.settings.epipolar_tolerance_px);
  const std::uint16_t* order = &k.neighbours[a * k.count];
  int views = 0, confirming = 0;
  for (std::size_t n = 1; n < k.count && views < kMostViews && confirming < kEnough; ++n) {
    const std::size_t c = order[n];
    if (c == b) continue;
    const float z = k.rotation[6][c] * point.x + k.rotation[7][c] * point.y +
                    k.rotation[8][c] * point.z + k.translation[2][c];
    if (!(z > nearest)) continue;
    const float scale = k.focal_px[c] / z;
    const float u = scale * (k.rotation[0][c] * point.x + k.rotation[1][c] * point.y +
                             k.rotation[2][c] * point.z + k.translation[0][c]);
    const float v = scale * (k.rotation[3][c] * point.x + k.rotation[4][c] * point.y +
                             k.rotation[5][c] * point.z + k.translation[1][c]);
    if (!(std::abs(u) < k.half_width_px[c] && std::abs(v) < k.half_height_px[c])) continue;
    ++views;
    const std::int32_t blob = findBlob(job, c, u, v, reach);
    if (blob < 0) continue;
    ++confirming;
    const std::size_t at = w.first_blob[c] + static_cast<std::size_t>(blob);
    addRay(job.state.cameras[c], glm::dvec3(point), static_cast<double>(w.blobs[at].u),
           static_cast<double>(w.blobs[at].v), 1.0, equations);
  }
  job.counters.cold_tests += static_cast<std::uint32_t>(views);
  if (confirming == 0) return false;
  glm::dvec3 step;
  glm::dmat3 unused;
  if (!solveNormalEquations(equations, step, unused)) return false;
  point += glm::vec3(step);
  return true;
}

// Leaves out of camera c's open blobs those that were claimed since; returns how many are left.
std::size_t keepOpen(ColdSearchWorkspace& w, std::size_t c) {
  if (!w.touched[c]) return w.open_count[c];
  w.touched[c] = 0;
  const std::size_t base = w.first_blob[c];
  std::uint32_t kept = 0;
  for (std::uint32_t i = 0; i < w.open_count[c]; ++i) {
    const std::uint16_t blob = w.open[base + i];
    w.open[base + kept] = blob;
    w.open_u[base + kept] = w.open_u[base + i];
    w.open_v[base + kept] = w.open_v[base + i];
    kept += w.blobs[base + blob].u < kGone;
  }
  w.open_count[c] = kept;
  for (std::size_t pad = 0; pad < kLanes; ++pad) w.open_u[base + kept + pad] = kGone;
  return kept;
}

// Finds open blobs of camera b on the epipolar line of a blob of camera a.
std::size_t findOnLine(const SearchCold& job, const PairGeometry& pair, const PreparedCamera& a,
                       std::size_t b, float u, float v) {
  ColdSearchWorkspace& w = job.workspace;
  const float f = static_cast<float>(a.focal_px);
  const float* e = pair.essential;
  const float lx = e[0] * u + e[1] * v + e[2] * f;
  const float ly = e[3] * u + e[4] * v + e[5] * f;
  const float lz = e[6] * u + e[7] * v + e[8] * f;
  const float squared = lx * lx + ly * ly;
  if (!(squared > 1e-12f)) return 0;
  const float inverse = 1.0f / std::sqrt(squared);
  const Lanes nx = all(lx * inverse), ny = all(ly * inverse), nz = all(lz * inverse * pair.focal_b);
  const float tolerance = static_cast<float>(job.settings.epipolar_tolerance_px);
  const Lanes limit = all(tolerance * tolerance);
  const float* open_u = &w.open_u[w.first_blob[b]];
  const float* open_v = &w.open_v[w.first_blob[b]];
  std::size_t count = 0;
  for (std::uint32_t i = 0; i < w.open_count[b]; i += kLanes) {
    const Lanes distance = nx * load(open_u + i) + ny * load(open_v + i) + nz;
    const IntLanes on = distance * distance < limit;
    if (!anyOf(on)) continue;
    for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
      if (on[lane]) w.hits[count++] = static_cast<std::uint16_t>(i + lane);
    }
  }
  job.counters.cold_tests += 1 + w.open_count[b] / 16;
  return count;
}

// True if two blobs may show one sphere at the point; a radius of 0 is unknown.
bool isOneSize(float radius_a_px, const PreparedCamera& a, float radius_b_px,
               const PreparedCamera& b, const glm::vec3& point) {
  constexpr double kMostApart =
      1.6;  // Merged and half hidden blobs differ; noise does not so much.
  const double size_a =
      static_cast<double>(radius_a_px) * toCamera(a.projection, glm::dvec3(point)).z / a.focal_px;
  const double size_b =
      static_cast<double>(radius_b_px) * toCamera(b.projection, glm::dvec3(point)).z / b.focal_px;
  if (!(size_a > 0.0 && size_b > 0.0)) return true;
  return size_a < kMostApart * size_b && size_b < kMostApart * size_a;
}

// So many rays do not meet by chance, even while nothing is claimed yet.
int sureSupport(const SearchCold& job) {
  constexpr int kFewest = 5, kShare = 6;
  return std::max(kFewest, static_cast<int>(job.state.cold_cameras.count) / kShare);
}

// Tests camera a's open blobs from `first` on against camera b's; returns the first that the budget
// did not reach, 0 if it reached all.
std::uint32_t searchPair(const SearchCold& job, std::size_t a, std::size_t b, std::uint32_t first) {
  ColdSearchWorkspace& w = job.workspace;
  constexpr std::uint32_t kTestsOfPair = 8;  // What a pair costs before its first blob.
  job.counters.cold_tests += kTestsOfPair;
  if (keepOpen(w, a) == 0 || keepOpen(w, b) == 0) return 0;
  const PreparedCamera &camera_a = job.state.cameras[a], &camera_b = job.state.cameras[b];
  const PairGeometry pair = makePairGeometry(camera_a, camera_b);
  const std::size_t base_a = w.first_blob[a], base_b = w.first_blob[b];
  const int sure = sureSupport(job);
  for (std::uint32_t i = first; i < w.open_count[a]; ++i) {
    const std::size_t from = base_a + w.open[base_a + i];
    if (!(w.blobs[from].u < kGone)) continue;
    const float u = w.open_u[base_a + i], v = w.open_v[base_a + i];
    const std::size_t hits = findOnLine(job, pair, camera_a, b, u, v);
    if (hits == 0) continue;
    const glm::dvec3 ray_a = rayWorld(camera_a, static_cast<double>(u), static_cast<double>(v));
    for (std::size_t h = 0; h < hits; ++h) {
      const std::size_t to = base_b + w.hits[h];
      if (!(w.blobs[base_b + w.open[to]].u < kGone)) continue;
      const glm::dvec3 ray_b =
          rayWorld(camera_b, static_cast<double>(w.open_u[to]), static_cast<double>(w.open_v[to]));
      glm::vec3 point;
      if (!meetingPoint(job, camera_a, ray_a, camera_b, ray_b, point)) continue;
      if (!isOneSize(w.radius_px[from], camera_a, w.radius_px[base_b + w.open[to]], camera_b,
                     point))
        continue;
      NormalEquations equations;
      addRay(camera_a, glm::dvec3(point), static_cast<double>(u), static_cast<double>(v), 1.0,
             equations);
      addRay(camera_b, glm::dvec3(point), static_cast<double>(w.open_u[to]),
             static_cast<double>(w.open_v[to]), 1.0, equations);
      if (!isConfirmed(job, a, b, equations, point)) continue;
      frame::Marker marker;
      if (!solveMarker(job, point, marker)) continue;
      if (marker.rays >= sure) {
        takeRays(job, marker);
        if (!(w.blobs[from].u < kGone)) break;
      } else if (w.candidates.size() < w.candidates.capacity()) {
        w.candidates.push_back({marker.position, marker.rays});
      }
    }
    if (job.counters.cold_tests > w.budget) return i + 1 < w.open_count[a] ? i + 1 : 0;
  }
  return 0;
}

// Takes what was put off, best support first, down to a least support; the rest is kept.
void takeCandidates(const SearchCold& job, int least_support) {
  std::vector<Candidate>& candidates = job.workspace.candidates;
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    if (a.support != b.support) return a.support > b.support;
    if (a.position.x != b.position.x) return a.position.x < b.position.x;
    if (a.position.y != b.position.y) return a.position.y < b.position.y;
    return a.position.z < b.position.z;
  });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const Candidate candidate = candidates[i];
    if (candidate.support >= least_support) {
      frame::Marker marker;
      if (!solveMarker(job, candidate.position, marker)) continue;
      if (marker.rays >= least_support) {
        takeRays(job, marker);
        continue;
      }
    }
    candidates[kept++] = candidate;
  }
  candidates.resize(kept);
}

// Unclaimed blobs of all cameras.
std::uint32_t openBlobs(const SearchCold& job) {
  std::uint32_t open = 0;
  for (std::size_t c = 0; c < job.state.cold_cameras.count; ++c)
    open += static_cast<std::uint32_t>(keepOpen(job.workspace, c));
  return open;
}

// Blobs that a whole search made nothing of are mostly the same in the next frame: while there are
// no more than before, a little work per frame goes round all pairs in turn.
bool isQuiet(const ColdSearchState& state, std::uint32_t blobs) {
  return state.searched && blobs <= state.barren_blobs + state.barren_blobs / 4 + 32;
}

void searchPairs(const SearchCold& job, std::uint32_t blobs) {
  constexpr std::uint32_t kQuietTests = 1024;
  ColdSearchWorkspace& w = job.workspace;
  ColdSearchState& state = job.state.cold;
  const ColdCameras& cameras = job.state.cold_cameras;
  const bool quiet = isQuiet(state, blobs);
  w.budget = quiet ? std::min(kQuietTests, job.settings.cold_tests) : job.settings.cold_tests;
  const std::size_t pairs = cameras.pairs.size();
  const std::size_t start = state.next_pair % pairs;
  std::size_t tried = 0;
  int least = sureSupport(job);
  std::uint32_t rest = 0;
  bool spent = false;
  while (tried < pairs && !spent) {
    const ColdCameras::Pair& pair = cameras.pairs[(start + tried) % pairs];
    rest = searchPair(job, pair.a, pair.b, tried == 0 ? state.next_blob : 0);
    spent = job.counters.cold_tests > w.budget;
    // Every camera has had its turn: what was put off has fewer rivals now.
    tried += rest == 0;  // Else the pair is gone on with in the next frame.
    if (rest != 0 || tried % cameras.count != 0 || least <= job.settings.smallest_cold_rays + 1)
      continue;
    least = std::max(least / 2, job.settings.smallest_cold_rays + 1);
    takeCandidates(job, least);
  }
  takeCandidates(job, job.settings.smallest_cold_rays);
  job.counters.cold_budget_spent = spent && !quiet;
  state.next_blob = rest;
  state.next_pair = spent ? static_cast<std::uint32_t>((start + tried) % pairs) : 0;
  // Where something is found there may be more: the next frame is searched whole again.
  if (!w.found.empty()) {
    state.searched = false;
  } else if (!spent) {
    state.searched = true;
    state.barren_blobs = openBlobs(job);
  }
}

}  // namespace

void SearchCold::run() const {
  workspace.candidates.clear();
  workspace.found.clear();
  const std::uint32_t blobs = fill(*this);
  if (static_cast<int>(blobs) < settings.smallest_cold_rays || state.cold_cameras.pairs.empty())
    return;
  searchPairs(*this, blobs);
  refuseGhosts(*this);
  noteClaims(*this);
}

}  // namespace understudy::reconstruct
