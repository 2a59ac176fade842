#include "capture/reconstruct/cold_search.h"

#include <algorithm>
#include <cmath>

#include "capture/reconstruct/normal_sums.h"
#include "capture/reconstruct/reconstruct.h"
#include "capture/reconstruct/view_geometry.h"

namespace understudy::reconstruct {
namespace {

using Candidate = ColdSearchWorkspace::Candidate;
using Entry = ColdSearchWorkspace::Entry;

constexpr float kGone = 1e9f;       // Where claimed blobs are moved to.
constexpr float kReach_px = 3.5f;   // A blob stands in every cell that is this near.
constexpr int kLongestChain = 24;   // Entries of one cell that are looked at.

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
      entries[entry] = {blob, cells[cell], cell};
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
    const std::size_t base = c * kMaxCentroids;
    const std::vector<FreeCentroid>& free = job.state.free[c];
    std::uint16_t count = 0;
    w.entry_count[c] = 0;
    for (std::size_t i = 0; i < free.size() && count < kMaxCentroids; ++i) {
      const float u = static_cast<float>(free[i].u), v = static_cast<float>(free[i].v);
      // Also false for what is not a number.
      const bool inside = std::abs(u) < cameras.half_width_px[c] && std::abs(v) < cameras.half_height_px[c];
      if (free[i].claimed || !inside) continue;
      w.u[base + count] = u;
      w.v[base + count] = v;
      w.radius_px[base + count] = free[i].radius_px;
      w.source[base + count] = static_cast<std::uint16_t>(i);
      w.explained[base + count] = 0;
      w.open[base + count] = count;
      stamp(job, c, count, u, v);
      ++count;
    }
    w.open_count[c] = count;
    seeing += count > 0;
  }
  return seeing;
}

// Empties the map: cell by cell where little was entered, else at one go.
void clearMap(const SearchCold& job) {
  ColdSearchWorkspace& w = job.workspace;
  for (std::size_t c = 0; c < job.state.cold_cameras.count; ++c) {
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
  const float nearest = static_cast<float>(job.settings.nearest);
  const float* __restrict r0 = k.rotation[0].data();
  const float* __restrict r1 = k.rotation[1].data();
  const float* __restrict r2 = k.rotation[2].data();
  const float* __restrict r3 = k.rotation[3].data();
  const float* __restrict r4 = k.rotation[4].data();
  const float* __restrict r5 = k.rotation[5].data();
  const float* __restrict r6 = k.rotation[6].data();
  const float* __restrict r7 = k.rotation[7].data();
  const float* __restrict r8 = k.rotation[8].data();
  const float* __restrict t0 = k.translation[0].data();
  const float* __restrict t1 = k.translation[1].data();
  const float* __restrict t2 = k.translation[2].data();
  const float* __restrict focal = k.focal_px.data();
  const float* __restrict half_width = k.half_width_px.data();
  const float* __restrict half_height = k.half_height_px.data();
  float* __restrict at_u = w.at_u.data();
  float* __restrict at_v = w.at_v.data();
  float* __restrict at_z = w.at_z.data();
  std::int32_t* __restrict cell = w.cell.data();
  const std::int32_t across = w.cells_across;
  for (std::size_t c = 0; c < k.padded; ++c) {
    const float x = r0[c] * point.x + r1[c] * point.y + r2[c] * point.z + t0[c];
    const float y = r3[c] * point.x + r4[c] * point.y + r5[c] * point.z + t1[c];
    const float z = r6[c] * point.x + r7[c] * point.y + r8[c] * point.z + t2[c];
    const float scale = focal[c] / z;
    const float u = x * scale, v = y * scale;
    at_u[c] = u;
    at_v[c] = v;
    at_z[c] = z;
    const bool in_view = (z > nearest) & (u > -half_width[c]) & (u < half_width[c]) &
                         (v > -half_height[c]) & (v < half_height[c]);
    const float in_u = in_view ? u + half_width[c] : 0.0f;
    const float in_v = in_view ? v + half_height[c] : 0.0f;
    const std::int32_t at = static_cast<std::int32_t>(in_v * (1.0f / kColdCell_px)) * across +
                            static_cast<std::int32_t>(in_u * (1.0f / kColdCell_px));
    cell[c] = in_view ? at : -1;
  }
}

// Nearest open blob within the tolerance of an image position, -1 for none.
std::int32_t nearestOpen(const ColdSearchWorkspace& w, std::size_t c, std::int32_t cell, float u,
                         float v, float squared_tolerance) {
  std::uint32_t at = w.cells[c * w.cells_per_camera + static_cast<std::size_t>(cell)];
  const Entry* entries = &w.entries[c * kColdEntries];
  const std::size_t base = c * kMaxCentroids;
  std::int32_t found = -1;
  for (int step = 0; at != 0 && step < kLongestChain; ++step) {
    const Entry& entry = entries[at];
    const float du = w.u[base + entry.blob] - u, dv = w.v[base + entry.blob] - v;
    const float squared = du * du + dv * dv;
    if (squared < squared_tolerance) {
      squared_tolerance = squared;
      found = entry.blob;
    }
    at = entry.next;
  }
  return found;
}

// Chooses one open blob per camera near the point's image; returns how many cameras agree.
int collectRays(const SearchCold& job, const glm::vec3& point, float tolerance) {
  ColdSearchWorkspace& w = job.workspace;
  projectIntoAll(job, point);
  job.counters.cold_tests += static_cast<std::uint32_t>(job.state.cold_cameras.count);
  int support = 0;
  for (std::size_t c = 0; c < job.state.cold_cameras.count; ++c) {
    std::int32_t blob = -1;
    if (w.cell[c] >= 0)
      blob = nearestOpen(w, c, w.cell[c], w.at_u[c], w.at_v[c], tolerance * tolerance);
    w.chosen[c] = blob;
    const std::size_t at = c * kMaxCentroids + static_cast<std::size_t>(std::max(blob, 0));
    w.weight[c] = blob >= 0 ? 1.0f : 0.0f;
    w.residual_u[c] = blob >= 0 ? w.u[at] - w.at_u[c] : 0.0f;
    w.residual_v[c] = blob >= 0 ? w.v[at] - w.at_v[c] : 0.0f;
    support += blob >= 0;
  }
  return support;
}

// Normal equations of the chosen rays about the point that was projected last.
NormalEquations sumRays(const SearchCold& job) {
  const ColdSearchWorkspace& w = job.workspace;
  const ColdCameras& k = job.state.cold_cameras;
  float sums[kSumsPerMarker][kColdLanes] = {};
  for (std::size_t first = 0; first < k.padded; first += kColdLanes) {
    for (std::size_t lane = 0; lane < kColdLanes; ++lane) {
      const std::size_t c = first + lane;
      const float weight = w.weight[c];
      const float scale = k.focal_px[c] / w.at_z[c];
      const float x = w.at_u[c] / k.focal_px[c], y = w.at_v[c] / k.focal_px[c];
      const float s = weight > 0.0f ? scale : 0.0f;  // Behind the camera nothing has a meaning.
      const float ux = s * (k.rotation[0][c] - x * k.rotation[6][c]);
      const float uy = s * (k.rotation[1][c] - x * k.rotation[7][c]);
      const float uz = s * (k.rotation[2][c] - x * k.rotation[8][c]);
      const float vx = s * (k.rotation[3][c] - y * k.rotation[6][c]);
      const float vy = s * (k.rotation[4][c] - y * k.rotation[7][c]);
      const float vz = s * (k.rotation[5][c] - y * k.rotation[8][c]);
      const float ru = w.residual_u[c], rv = w.residual_v[c];
      sums[0][lane] += ux * ux + vx * vx;
      sums[1][lane] += ux * uy + vx * vy;
      sums[2][lane] += ux * uz + vx * vz;
      sums[3][lane] += uy * uy + vy * vy;
      sums[4][lane] += uy * uz + vy * vz;
      sums[5][lane] += uz * uz + vz * vz;
      sums[6][lane] += ux * ru + vx * rv;
      sums[7][lane] += uy * ru + vy * rv;
      sums[8][lane] += uz * ru + vz * rv;
      sums[9][lane] += ru * ru + rv * rv;
    }
  }
  double total[kSumsPerMarker];
  for (std::size_t n = 0; n < kSumsPerMarker; ++n) {
    const float* s = sums[n];
    total[n] = static_cast<double>(((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7])));
  }
  NormalEquations equations;
  std::copy_n(total, 6, equations.information);
  std::copy_n(total + 6, 3, equations.gradient);
  equations.squared_px = total[9];
  return equations;
}

// Largest angle between rays as a chord, from the cameras chosen.
float widestChord(const SearchCold& job, const glm::vec3& point) {
  const ColdSearchWorkspace& w = job.workspace;
  // The two rays furthest from the first one and from that one: short of the widest at most a little.
  glm::vec3 reference(0.0f);
  float widest = 0.0f;
  for (int pass = 0; pass < 2; ++pass) {
    glm::vec3 furthest = reference;
    float squared = 0.0f;
    for (std::size_t c = 0; c < job.state.cold_cameras.count; ++c) {
      if (w.chosen[c] < 0) continue;
      const glm::vec3 ray = glm::normalize(point - glm::vec3(job.state.cameras[c].centre));
      if (reference == glm::vec3(0.0f)) reference = furthest = ray;
      const glm::vec3 between = ray - reference;
      if (glm::dot(between, between) > squared) {
        squared = glm::dot(between, between);
        furthest = ray;
      }
    }
    widest = std::max(widest, squared);
    reference = furthest;
  }
  return std::sqrt(widest);
}

// Moves the point to where its rays meet and fills the marker; false if too little is left for it.
bool solveMarker(const SearchCold& job, glm::vec3 point, frame::Marker& marker) {
  const float tolerance = static_cast<float>(job.settings.epipolar_tolerance_px);
  glm::dvec3 step;
  glm::dmat3 inverse;
  NormalEquations equations;
  int rays = 0;
  for (int pass = 0; pass < 2; ++pass) {
    rays = collectRays(job, point, pass == 0 ? 1.5f * tolerance : tolerance);
    if (rays < job.settings.smallest_cold_rays) return false;
    equations = sumRays(job);
    if (!solveNormalEquations(equations, step, inverse)) return false;
    point += glm::vec3(step);
  }
  // What the last step takes from the squared residuals follows from the equations.
  const double squared = std::max(
      0.0, equations.squared_px - glm::dot(step, glm::dvec3(equations.gradient[0], equations.gradient[1],
                                                            equations.gradient[2])));
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
    if (w.chosen[c] < 0) continue;
    const std::size_t at = c * kMaxCentroids + static_cast<std::size_t>(w.chosen[c]);
    w.u[at] = kGone;
    job.state.free[c][w.source[at]].claimed = true;
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
      turn[3 * r + c] = rb[3 * r] * ra[3 * c] + rb[3 * r + 1] * ra[3 * c + 1] + rb[3 * r + 2] * ra[3 * c + 2];
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
    const std::int32_t cell = cellRow(w, v, k.half_height_px[c]) * w.cells_across +
                              cellColumn(w, u, k.half_width_px[c]);
    if (nearestOpen(w, c, cell, u, v, tolerance * tolerance) >= 0) return true;
  }
  return false;
}

// The open blobs of camera c, those that were claimed left out.
std::size_t keepOpen(ColdSearchWorkspace& w, std::size_t c) {
  const std::size_t base = c * kMaxCentroids;
  std::uint32_t kept = 0;
  for (std::uint32_t i = 0; i < w.open_count[c]; ++i) {
    const std::uint16_t blob = w.open[base + i];
    if (w.u[base + blob] < kGone) w.open[base + kept++] = blob;
  }
  w.open_count[c] = kept;
  return kept;
}

// Open blobs of camera b on the epipolar line of a blob of camera a.
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
  const float nx = lx * inverse, ny = ly * inverse, nz = lz * inverse * pair.focal_b;
  const float tolerance = static_cast<float>(job.settings.epipolar_tolerance_px);
  const std::size_t base = b * kMaxCentroids;
  std::size_t count = 0;
  for (std::uint32_t i = 0; i < w.open_count[b]; ++i) {
    const std::uint16_t blob = w.open[base + i];
    const float distance = nx * w.u[base + blob] + ny * w.v[base + blob] + nz;
    w.hits[count] = blob;
    count += std::abs(distance) < tolerance;
  }
  job.counters.cold_tests += 1 + w.open_count[b] / 16;
  return count;
}

void searchPair(const SearchCold& job, std::size_t a, std::size_t b) {
  ColdSearchWorkspace& w = job.workspace;
  if (keepOpen(w, a) == 0 || keepOpen(w, b) == 0) return;
  const PreparedCamera &camera_a = job.state.cameras[a], &camera_b = job.state.cameras[b];
  const PairGeometry pair = makePairGeometry(camera_a, camera_b);
  const std::size_t base_a = a * kMaxCentroids, base_b = b * kMaxCentroids;
  constexpr int kSureSupport = 5;  // So many rays do not meet by chance: taken at once.
  for (std::uint32_t i = 0; i < w.open_count[a]; ++i) {
    const std::size_t from = base_a + w.open[base_a + i];
    if (!(w.u[from] < kGone)) continue;
    const std::size_t hits = findOnLine(job, pair, camera_a, b, w.u[from], w.v[from]);
    if (hits == 0) continue;
    const glm::dvec3 ray_a =
        rayWorld(camera_a, static_cast<double>(w.u[from]), static_cast<double>(w.v[from]));
    for (std::size_t h = 0; h < hits; ++h) {
      const std::size_t to = base_b + w.hits[h];
      if (!(w.u[to] < kGone)) continue;
      const glm::dvec3 ray_b =
          rayWorld(camera_b, static_cast<double>(w.u[to]), static_cast<double>(w.v[to]));
      glm::vec3 point;
      if (!meetingPoint(job, camera_a, ray_a, camera_b, ray_b, point)) continue;
      if (!isConfirmed(job, a, b, point)) continue;
      frame::Marker marker;
      if (!solveMarker(job, point, marker)) continue;
      if (marker.rays >= kSureSupport) {
        takeRays(job, marker);
        if (!(w.u[from] < kGone)) break;
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
  clearMap(*this);
}

}  // namespace understudy::reconstruct
