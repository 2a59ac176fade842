#include "capture/reconstruct/cold_search.h"

#include <algorithm>
#include <cmath>

#include "capture/reconstruct/lanes.h"
#include "capture/reconstruct/normal_sums.h"
#include "capture/reconstruct/reconstruct.h"
#include "capture/reconstruct/view_geometry.h"

namespace understudy::reconstruct {
namespace {

using Candidate = ColdSearchWorkspace::Candidate;
using Entry = ColdSearchWorkspace::Entry;

static_assert(kColdBlobs == kMaxCentroids);

constexpr float kReach_px = 3.5f;  // A blob stands in every cell that is this near.
constexpr float kGone = 1e9f;      // Where no line passes.
constexpr int kLongestChain = 24;  // Entries of one cell that are looked at.

std::int32_t cellRow(const ColdSearchWorkspace& w, float v, float half_height) {
  const std::int32_t row = static_cast<std::int32_t>((v + half_height) * (1.0f / kColdCell_px));
  return std::clamp(row, 0, w.cells_down - 1);
}

std::int32_t cellColumn(const ColdSearchWorkspace& w, float u, float half_width) {
  const std::int32_t column = static_cast<std::int32_t>((u + half_width) * (1.0f / kColdCell_px));
  return std::clamp(column, 0, w.cells_across - 1);
}

// Enters a blob in the map, in every cell within reach.
void stamp(const SearchCold& job, std::size_t c, std::uint16_t blob, float u, float v) {
  ColdSearchWorkspace& w = job.workspace;
  const ColdCameras& cameras = job.state.cold_cameras;
  const float half_width = cameras.half_width_px[c], half_height = cameras.half_height_px[c];
  const std::int32_t left = cellColumn(w, u - kReach_px, half_width);
  const std::int32_t right = cellColumn(w, u + kReach_px, half_width);
  const std::int32_t top = cellRow(w, v - kReach_px, half_height);
  const std::int32_t bottom = cellRow(w, v + kReach_px, half_height);
  std::uint16_t* cells = &w.cells[c * w.cells_per_camera];
  Entry* entries = &w.entries[c * kColdEntries];
  for (std::int32_t y = top; y <= bottom; ++y) {
    for (std::int32_t x = left; x <= right; ++x) {
      const std::uint32_t cell = static_cast<std::uint32_t>(y * w.cells_across + x);
      const std::uint32_t entry = ++w.entry_count[c];
      entries[entry] = {u, v, blob, cells[cell], cell};
      cells[cell] = static_cast<std::uint16_t>(entry);
    }
  }
}

// Copies the free centroids and maps them; returns how many cameras have any.
std::size_t fill(const SearchCold& job) {
  ColdSearchWorkspace& w = job.workspace;
  const ColdCameras& cameras = job.state.cold_cameras;
  std::size_t seeing = 0;
  for (std::size_t c = 0; c < cameras.count; ++c) {
    const std::size_t base = c * kColdStride;
    const std::vector<FreeCentroid>& free = job.state.free[c];
    std::uint16_t count = 0;
    w.entry_count[c] = 0;
    for (std::size_t i = 0; i < free.size() && count < kColdBlobs; ++i) {
      const float u = static_cast<float>(free[i].u), v = static_cast<float>(free[i].v);
      // Also false for what is not a number.
      const bool inside =
          std::abs(u) < cameras.half_width_px[c] && std::abs(v) < cameras.half_height_px[c];
      if (free[i].claimed || !inside) continue;
      w.radius_px[base + count] = free[i].radius_px;
      w.source[base + count] = static_cast<std::uint16_t>(i);
      w.claimed[base + count] = 0;
      w.open_u[base + count] = u;
      w.open_v[base + count] = v;
      w.open[base + count] = count;
      stamp(job, c, count, u, v);
      ++count;
    }
    w.open_count[c] = w.blob_count[c] = count;
    seeing += count > 0;
  }
  return seeing;
}

// Says in the cameras' lists what was claimed, and empties the map: cell by cell where little was
// entered, else at one go.
void finish(const SearchCold& job) {
  ColdSearchWorkspace& w = job.workspace;
  for (std::size_t c = 0; c < job.state.cold_cameras.count; ++c) {
    for (std::size_t i = 0; i < w.blob_count[c]; ++i) {
      const std::size_t at = c * kColdStride + i;
      if (w.claimed[at]) job.state.free[c][w.source[at]].claimed = true;
    }
    std::uint16_t* cells = &w.cells[c * w.cells_per_camera];
    const std::uint32_t entered = w.entry_count[c];
    if (16 * entered > w.cells_per_camera) {
      std::fill_n(cells, w.cells_per_camera, std::uint16_t{0});
      continue;
    }
    const Entry* entries = &w.entries[c * kColdEntries];
    for (std::uint32_t e = 1; e <= entered; ++e) cells[entries[e].cell] = 0;
  }
}

// The point's image in every camera, and the cell that it falls into.
void projectIntoAll(const SearchCold& job, const glm::vec3& point) {
  ColdSearchWorkspace& w = job.workspace;
  const ColdCameras& k = job.state.cold_cameras;
  const Lanes px = all(point.x), py = all(point.y), pz = all(point.z);
  const Lanes nearest = all(static_cast<float>(job.settings.nearest));
  const Lanes across = all(static_cast<float>(w.cells_across));
  const Lanes nowhere = all(static_cast<float>(w.cells_per_camera - 1));
  const Lanes zero = all(0.0f), per_px = all(1.0f / kColdCell_px);
  for (std::size_t c = 0; c < k.padded; c += kLanes) {
    const auto row = [&](int r) {
      return load(&k.rotation[3 * r][c]) * px + load(&k.rotation[3 * r + 1][c]) * py +
             load(&k.rotation[3 * r + 2][c]) * pz + load(&k.translation[r][c]);
    };
    const Lanes z = row(2);
    const Lanes scale = load(&k.focal_px[c]) / z;
    const Lanes u = row(0) * scale, v = row(1) * scale;
    store(&w.at_u[c], u);
    store(&w.at_v[c], v);
    store(&w.at_z[c], z);
    const Lanes half_width = load(&k.half_width_px[c]), half_height = load(&k.half_height_px[c]);
    const Lanes from_left = u + half_width, from_top = v + half_height;
    const auto in_view = (z > nearest) & (from_left > zero) &
                         (from_left < half_width + half_width) & (from_top > zero) &
                         (from_top < half_height + half_height);
    const IntLanes column = __builtin_convertvector(in_view ? from_left * per_px : zero, IntLanes);
    const IntLanes line = __builtin_convertvector(in_view ? from_top * per_px : zero, IntLanes);
    const Lanes cell =
        __builtin_convertvector(line, Lanes) * across + __builtin_convertvector(column, Lanes);
    store(&w.cell[c], __builtin_convertvector(in_view ? cell : nowhere, IntLanes));
    store(&w.residual_u[c], all(kGone));
    store(&w.residual_v[c], zero);
    store(&w.chosen[c], IntLanes{-1, -1, -1, -1});
  }
}

// Nearest open blob of the chain within the reach of an image position, -1 for none.
std::int32_t nearestOpen(const ColdSearchWorkspace& w, std::size_t c, std::uint32_t entry, float u,
                         float v, float squared_reach, float& residual_u, float& residual_v) {
  const Entry* entries = &w.entries[c * kColdEntries];
  std::int32_t found = -1;
  for (int step = 0; entry != 0 && step < kLongestChain; ++step) {
    const Entry& at = entries[entry];
    const float du = at.u - u, dv = at.v - v;
    const float squared = du * du + dv * dv;
    if (squared < squared_reach && !w.claimed[c * kColdStride + at.blob]) {
      squared_reach = squared;
      found = at.blob;
      residual_u = du;
      residual_v = dv;
    }
    entry = at.next;
  }
  return found;
}

// Chooses the open blob nearest to the point's image in every camera.
void chooseBlobs(const SearchCold& job, const glm::vec3& point) {
  ColdSearchWorkspace& w = job.workspace;
  projectIntoAll(job, point);
  const std::size_t cameras = job.state.cold_cameras.count;
  job.counters.cold_tests += static_cast<std::uint32_t>(cameras);
  // First the cells of all cameras, so that the memory's answers come in one go.
  std::size_t asked = 0;
  for (std::size_t c = 0; c < cameras; ++c) {
    const std::uint32_t first =
        w.cells[c * w.cells_per_camera + static_cast<std::size_t>(w.cell[c])];
    w.asked[asked] = static_cast<std::uint32_t>(c << 16) | first;
    __builtin_prefetch(&w.entries[c * kColdEntries + first]);
    asked += first != 0;
  }
  for (std::size_t i = 0; i < asked; ++i) {
    const std::size_t c = w.asked[i] >> 16;
    w.chosen[c] = nearestOpen(w, c, w.asked[i] & 0xffffu, w.at_u[c], w.at_v[c],
                              kReach_px * kReach_px, w.residual_u[c], w.residual_v[c]);
  }
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

// Largest angle between two of the rays, as a chord: the ray furthest from the first one, and the
// one furthest from that.
float widestChord(const SearchCold& job, const glm::vec3& point) {
  const ColdSearchWorkspace& w = job.workspace;
  const ColdCameras& k = job.state.cold_cameras;
  glm::vec3 reference(0.0f);
  float widest = 0.0f;
  for (int pass = 0; pass < 3; ++pass) {
    float squared = -1.0f;
    glm::vec3 furthest = reference;
    for (std::size_t c = 0; c < k.count; ++c) {
      if (!(w.weight[c] > 0.0f)) continue;
      const glm::vec3 ray =
          glm::normalize(point - glm::vec3(k.centre[0][c], k.centre[1][c], k.centre[2][c]));
      const glm::vec3 between = ray - reference;
      if (glm::dot(between, between) <= squared) continue;
      squared = glm::dot(between, between);
      furthest = ray;
      if (pass == 0) break;
    }
    if (pass > 0) widest = std::max(widest, squared);
    reference = furthest;
  }
  return std::sqrt(widest);
}

// Moves the point to where its rays meet and fills the marker; false if too little is left for it.
bool solveMarker(const SearchCold& job, glm::vec3 point, frame::Marker& marker) {
  const float tolerance = static_cast<float>(job.settings.epipolar_tolerance_px);
  chooseBlobs(job, point);
  deriveImages(job);
  glm::dvec3 step(0.0);
  glm::dmat3 inverse;
  NormalEquations equations;
  int rays = 0;
  for (int pass = 0; pass < 2; ++pass) {
    rays = sumRays(job, glm::vec3(step), pass == 0 ? 1.5f * tolerance : tolerance, equations);
    if (rays < job.settings.smallest_cold_rays) return false;
    if (!solveNormalEquations(equations, step, inverse)) return false;
    point += glm::vec3(step);
  }
  // What the last step takes from the squared residuals follows from the equations.
  const glm::dvec3 gradient(equations.gradient[0], equations.gradient[1], equations.gradient[2]);
  const double squared = std::max(0.0, equations.squared_px - glm::dot(step, gradient));
  const double residual = std::sqrt(squared / rays);
  if (!(residual < 0.8 * job.settings.epipolar_tolerance_px)) return false;
  const float chord = widestChord(job, point);
  if (!(static_cast<double>(chord) > job.settings.smallest_angle)) return false;
  const double variance = job.settings.centroid_sigma_px * job.settings.centroid_sigma_px;
  const double excess = std::max(1.0, squared / ((2.0 * rays - 3.0) * variance));
  marker = {.position = point,
            .covariance = glm::mat3(inverse * (variance * excess)),
            .residual_px = static_cast<float>(residual),
            .rays = static_cast<std::uint16_t>(rays),
            .angle = chord};
  return true;
}

// Takes the chosen blobs for the marker.
void takeRays(const SearchCold& job, const frame::Marker& marker) {
  ColdSearchWorkspace& w = job.workspace;
  for (std::size_t c = 0; c < job.state.cold_cameras.count; ++c) {
    if (w.weight[c] > 0.0f) w.claimed[c * kColdStride + static_cast<std::size_t>(w.chosen[c])] = 1;
  }
  if (job.cloud.markers.size() < job.cloud.markers.capacity()) job.cloud.markers.push_back(marker);
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

// True if a camera that looks from nearly the same side sees something there too.
bool isConfirmed(const SearchCold& job, std::size_t a, std::size_t b, const glm::vec3& point) {
  constexpr int kMostViews = 16;
  const ColdSearchWorkspace& w = job.workspace;
  const ColdCameras& k = job.state.cold_cameras;
  const float nearest = static_cast<float>(job.settings.nearest);
  const float tolerance = 1.5f * static_cast<float>(job.settings.epipolar_tolerance_px);
  const std::uint16_t* order = &k.neighbours[a * k.count];
  int views = 0;
  for (std::size_t n = 1; n < k.count && views < kMostViews; ++n) {
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
    ++job.counters.cold_tests;
    const std::int32_t cell =
        cellRow(w, v, k.half_height_px[c]) * w.cells_across + cellColumn(w, u, k.half_width_px[c]);
    const std::uint32_t first = w.cells[c * w.cells_per_camera + static_cast<std::size_t>(cell)];
    float unused_u, unused_v;
    if (nearestOpen(w, c, first, u, v, tolerance * tolerance, unused_u, unused_v) >= 0) return true;
  }
  return false;
}

// Leaves out of camera c's open blobs those that were claimed since; returns how many are left.
std::size_t keepOpen(ColdSearchWorkspace& w, std::size_t c) {
  const std::size_t base = c * kColdStride;
  std::uint32_t kept = 0;
  for (std::uint32_t i = 0; i < w.open_count[c]; ++i) {
    const std::uint16_t blob = w.open[base + i];
    w.open[base + kept] = blob;
    w.open_u[base + kept] = w.open_u[base + i];
    w.open_v[base + kept] = w.open_v[base + i];
    kept += w.claimed[base + blob] == 0;
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
  const float* open_u = &w.open_u[b * kColdStride];
  const float* open_v = &w.open_v[b * kColdStride];
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

void searchPair(const SearchCold& job, std::size_t a, std::size_t b) {
  ColdSearchWorkspace& w = job.workspace;
  if (keepOpen(w, a) == 0 || keepOpen(w, b) == 0) return;
  const PreparedCamera &camera_a = job.state.cameras[a], &camera_b = job.state.cameras[b];
  const PairGeometry pair = makePairGeometry(camera_a, camera_b);
  const std::size_t base_a = a * kColdStride, base_b = b * kColdStride;
  constexpr int kSureSupport = 5;  // So many rays do not meet by chance: taken at once.
  for (std::uint32_t i = 0; i < w.open_count[a]; ++i) {
    const std::size_t from = base_a + w.open[base_a + i];
    if (w.claimed[from]) continue;
    const float u = w.open_u[base_a + i], v = w.open_v[base_a + i];
    const std::size_t hits = findOnLine(job, pair, camera_a, b, u, v);
    if (hits == 0) continue;
    const glm::dvec3 ray_a = rayWorld(camera_a, static_cast<double>(u), static_cast<double>(v));
    for (std::size_t h = 0; h < hits; ++h) {
      const std::size_t to = base_b + w.hits[h];
      if (w.claimed[base_b + w.open[to]]) continue;
      const glm::dvec3 ray_b =
          rayWorld(camera_b, static_cast<double>(w.open_u[to]), static_cast<double>(w.open_v[to]));
      glm::vec3 point;
      if (!meetingPoint(job, camera_a, ray_a, camera_b, ray_b, point)) continue;
      if (!isConfirmed(job, a, b, point)) continue;
      frame::Marker marker;
      if (!solveMarker(job, point, marker)) continue;
      if (marker.rays >= kSureSupport) {
        takeRays(job, marker);
        if (w.claimed[from]) break;
        continue;
      }
      if (w.candidates.size() < w.candidates.capacity())
        w.candidates.push_back({marker.position, marker.rays});
    }
    if (job.counters.cold_tests > job.settings.cold_tests) return;
  }
}

void searchPairs(const SearchCold& job) {
  const std::vector<ColdCameras::Pair>& pairs = job.state.cold_cameras.pairs;
  const std::size_t start = job.state.cold.next_pair % pairs.size();
  std::size_t tried = 0;
  for (; tried < pairs.size() && !job.counters.cold_budget_spent; ++tried) {
    const ColdCameras::Pair& pair = pairs[(start + tried) % pairs.size()];
    searchPair(job, pair.a, pair.b);
    job.counters.cold_budget_spent = job.counters.cold_tests > job.settings.cold_tests;
  }
  job.state.cold.next_pair = job.counters.cold_budget_spent
                                 ? static_cast<std::uint32_t>((start + tried) % pairs.size())
                                 : 0;
}

void takeCandidates(const SearchCold& job) {
  std::vector<Candidate>& candidates = job.workspace.candidates;
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    if (a.support != b.support) return a.support > b.support;
    if (a.position.x != b.position.x) return a.position.x < b.position.x;
    if (a.position.y != b.position.y) return a.position.y < b.position.y;
    return a.position.z < b.position.z;
  });
  for (const Candidate& candidate : candidates) {
    frame::Marker marker;
    if (solveMarker(job, candidate.position, marker)) takeRays(job, marker);
  }
}

}  // namespace

void SearchCold::run() const {
  workspace.candidates.clear();
  const std::size_t seeing = fill(*this);
  if (static_cast<int>(seeing) >= settings.smallest_cold_rays) {
    searchPairs(*this);
    takeCandidates(*this);
  }
  finish(*this);
}

}  // namespace understudy::reconstruct
