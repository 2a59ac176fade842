#include <algorithm>
#include <cmath>

#include "capture/reconstruct/normal_sums.h"
#include "capture/reconstruct/reconstruct.h"
#include "capture/reconstruct/solve_predicted.h"
#include "capture/reconstruct/view_geometry.h"

namespace understudy::reconstruct {
namespace {

using Candidate = ReconstructWorkspace::Candidate;

// Smallest cosine between any two of the marker's rays.
double smallestCosine(const std::vector<glm::dvec3>& directions) {
  double smallest = 1.0;
  for (std::size_t i = 0; i < directions.size(); ++i) {
    for (std::size_t j = i + 1; j < directions.size(); ++j) {
      smallest = std::min(smallest, glm::dot(directions[i], directions[j]));
    }
  }
  return smallest;
}

glm::dvec3 directionTo(const PreparedCamera& camera, const glm::dvec3& point) {
  return glm::normalize(point - camera.centre);
}

// Fills the marker from the solved equations; false where its rays are too parallel.
bool makeMarker(const FinishFrame& job, const glm::dvec3& position,
                const NormalEquations& equations, const glm::dmat3& inverse, std::size_t rays,
                frame::Marker& marker) {
  const double cosine = smallestCosine(job.workspace.directions);
  if (cosine > 1.0 - 0.5 * job.settings.smallest_angle * job.settings.smallest_angle) return false;
  const double variance = job.settings.centroid_sigma_px * job.settings.centroid_sigma_px;
  const double freedoms = 2.0 * static_cast<double>(rays) - 3.0;
  const double excess = std::max(1.0, equations.squared_px / (freedoms * variance));
  marker.position = glm::vec3(position);
  marker.covariance = glm::mat3(inverse * (variance * excess));
  marker.residual_px =
      static_cast<float>(std::sqrt(equations.squared_px / static_cast<double>(rays)));
  marker.rays = static_cast<std::uint16_t>(rays);
  // The angle is for people and gates: the chord's length is close enough and the same on every
  // machine.
  marker.angle = static_cast<float>(std::sqrt(std::max(0.0, 2.0 * (1.0 - cosine))));
  return true;
}

// ---- The cold search of what no prediction explains ----

bool before(const FreeCentroid& a, const FreeCentroid& b) {
  return a.u != b.u ? a.u < b.u : a.index < b.index;
}

// Nearest unclaimed centroid to an ideal image position within the tolerance, or -1. `free` is
// sorted by u.
std::int32_t nearestFree(const std::vector<FreeCentroid>& free, double u, double v,
                         double tolerance) {
  auto at = std::lower_bound(free.begin(), free.end(), u - tolerance,
                             [](const FreeCentroid& c, double value) { return c.u < value; });
  double best = tolerance * tolerance;
  std::int32_t found = -1;
  for (; at != free.end() && at->u <= u + tolerance; ++at) {
    if (at->claimed) continue;
    const double distance = (at->u - u) * (at->u - u) + (at->v - v) * (at->v - v);
    if (distance < best) {
      best = distance;
      found = static_cast<std::int32_t>(at - free.begin());
    }
  }
  return found;
}

// Collects one unclaimed centroid per camera near the point's image; returns how many cameras
// agree.
int collectRays(const FinishFrame& job, const glm::dvec3& point, double tolerance) {
  ReconstructState& state = job.state;
  int support = 0;
  for (std::size_t c = 0; c < state.cameras.size(); ++c) {
    std::int32_t& chosen = job.workspace.ray_centroid[c];
    chosen = -1;
    if (state.free[c].empty()) continue;
    const PreparedCamera& camera = state.cameras[c];
    const glm::dvec3 p = toCamera(camera.projection, point);
    if (p.z < job.settings.nearest) continue;
    const double scale = camera.focal_px / p.z;
    chosen = nearestFree(state.free[c], p.x * scale, p.y * scale, tolerance);
    support += chosen >= 0;
  }
  return support;
}

// Moves the point to where the collected rays meet; returns the sums at the new place, or false.
bool refine(const FinishFrame& job, glm::dvec3& point, NormalEquations& equations,
            glm::dmat3& inverse) {
  const ReconstructState& state = job.state;
  for (int pass = 0; pass < 3; ++pass) {
    equations = {};
    for (std::size_t c = 0; c < state.cameras.size(); ++c) {
      const std::int32_t chosen = job.workspace.ray_centroid[c];
      if (chosen < 0) continue;
      const FreeCentroid& free = state.free[c][static_cast<std::size_t>(chosen)];
      addRay(state.cameras[c], point, free.u, free.v, 1.0, equations);
    }
    glm::dvec3 step;
    if (!solveNormalEquations(equations, step, inverse)) return false;
    if (pass < 2) point += step;
  }
  return true;
}

// Where two rays pass each other nearest; false behind a camera or out of range.
bool meetingPoint(const FinishFrame& job, const PreparedCamera& a, const FreeCentroid& in_a,
                  const PreparedCamera& b, const FreeCentroid& in_b, glm::dvec3& point) {
  const glm::dvec3 da = rayWorld(a, in_a.u, in_a.v), db = rayWorld(b, in_b.u, in_b.v);
  const glm::dvec3 between = b.centre - a.centre;
  const double aa = glm::dot(da, da), bb = glm::dot(db, db), ab = glm::dot(da, db);
  const double determinant = aa * bb - ab * ab;
  if (determinant < 1e-4 * aa * bb) return false;  // Nearly parallel: under about half a degree.
  const double along_a = (glm::dot(da, between) * bb - glm::dot(db, between) * ab) / determinant;
  const double along_b = (glm::dot(da, between) * ab - glm::dot(db, between) * aa) / determinant;
  // The directions have depth 1, so these are depths.
  if (along_a < job.settings.nearest || along_a > job.settings.farthest) return false;
  if (along_b < job.settings.nearest || along_b > job.settings.farthest) return false;
  point = 0.5 * ((a.centre + along_a * da) + (b.centre + along_b * db));
  return true;
}

// Claims the rays of a point and adds its marker; false if too little is left for it.
bool claim(const FinishFrame& job, const glm::dvec3& start) {
  ReconstructState& state = job.state;
  const double tolerance = job.settings.epipolar_tolerance_px;
  glm::dvec3 point = start;
  NormalEquations equations;
  glm::dmat3 inverse;
  for (int pass = 0; pass < 2; ++pass) {
    if (collectRays(job, point, pass == 0 ? 1.5 * tolerance : tolerance) <
        job.settings.smallest_cold_rays)
      return false;
    if (!refine(job, point, equations, inverse)) return false;
  }
  job.workspace.directions.clear();
  for (std::size_t c = 0; c < state.cameras.size(); ++c) {
    if (job.workspace.ray_centroid[c] >= 0)
      job.workspace.directions.push_back(directionTo(state.cameras[c], point));
  }
  frame::Marker marker;
  const std::size_t rays = job.workspace.directions.size();
  if (!makeMarker(job, point, equations, inverse, rays, marker)) return false;
  if (static_cast<double>(marker.residual_px) > 0.8 * tolerance) return false;
  for (std::size_t c = 0; c < state.cameras.size(); ++c) {
    const std::int32_t chosen = job.workspace.ray_centroid[c];
    if (chosen >= 0) state.free[c][static_cast<std::size_t>(chosen)].claimed = true;
  }
  if (job.cloud.markers.size() < job.cloud.markers.capacity()) job.cloud.markers.push_back(marker);
  return true;
}

// Tests every free centroid of camera b against the epipolar lines of those of camera a.
void searchPair(const FinishFrame& job, std::size_t a, std::size_t b) {
  ReconstructState& state = job.state;
  ReconstructWorkspace& w = job.workspace;
  const PreparedCamera& camera_a = state.cameras[a];
  const PreparedCamera& camera_b = state.cameras[b];
  const glm::dvec3 origin = toCamera(camera_b.projection, camera_a.centre);
  const double tolerance = job.settings.epipolar_tolerance_px;
  constexpr int kSureSupport = 5;  // So many rays do not meet by chance: taken at once.
  for (FreeCentroid& from : state.free[a]) {
    if (from.claimed) continue;
    const glm::dvec3 tip =
        toCamera(camera_b.projection, camera_a.centre + rayWorld(camera_a, from.u, from.v));
    const glm::dvec3 normal = glm::cross(origin, tip - origin);
    const double length = std::sqrt(normal.x * normal.x + normal.y * normal.y);
    if (length < 1e-12) continue;
    const glm::dvec3 line = normal / length;
    for (std::size_t k = 0; k < state.free[b].size(); ++k) {
      const FreeCentroid& to = state.free[b][k];
      if (to.claimed) continue;
      ++job.counters.cold_tests;
      if (std::abs(line.x * to.u + line.y * to.v + line.z * camera_b.focal_px) > tolerance)
        continue;
      Candidate candidate;
      if (!meetingPoint(job, camera_a, from, camera_b, to, candidate.position)) continue;
      job.counters.cold_tests += static_cast<std::uint32_t>(state.cameras.size());
      candidate.support = collectRays(job, candidate.position, 1.5 * tolerance);
      if (candidate.support < job.settings.smallest_cold_rays) continue;
      if (candidate.support >= kSureSupport && claim(job, candidate.position)) {
        if (from.claimed) break;
        continue;
      }
      if (w.candidates.size() < w.candidates.capacity()) w.candidates.push_back(candidate);
    }
    if (job.counters.cold_tests > job.settings.cold_tests) return;
  }
}

void searchCold(const FinishFrame& job) {
  ReconstructState& state = job.state;
  ReconstructWorkspace& w = job.workspace;
  const std::size_t cameras = state.cameras.size();
  std::size_t seeing = 0;
  for (std::vector<FreeCentroid>& free : state.free) {
    std::sort(free.begin(), free.end(), before);
    seeing += !free.empty();
  }
  w.candidates.clear();
  if (static_cast<int>(seeing) < job.settings.smallest_cold_rays) return;
  const std::size_t pairs = cameras * (cameras - 1) / 2;
  // Cameras that stand further round the ring first: pair k joins a and a + gap.
  std::size_t tested = 0;
  for (; tested < pairs; ++tested) {
    if (job.counters.cold_tests > job.settings.cold_tests) {
      job.counters.cold_budget_spent = true;
      break;
    }
    const std::size_t pair = (state.cold_start_pair + tested) % pairs;
    // Row-major index of the strict upper triangle, turned into a gap and a start.
    std::size_t gap = 1, rest = pair;
    while (rest >= cameras - gap) rest -= cameras - gap++;
    searchPair(job, rest, rest + gap);
  }
  state.cold_start_pair = job.counters.cold_budget_spent
                              ? static_cast<std::uint32_t>((state.cold_start_pair + tested) % pairs)
                              : 0;
  std::sort(w.candidates.begin(), w.candidates.end(), [](const Candidate& a, const Candidate& b) {
    if (a.support != b.support) return a.support > b.support;
    if (a.position.x != b.position.x) return a.position.x < b.position.x;
    return a.position.z < b.position.z;
  });
  for (const Candidate& candidate : w.candidates) claim(job, candidate.position);
}

}  // namespace

void FinishFrame::run() const {
  cloud.stamp = stamp;
  cloud.markers.clear();
  solvePredicted(*this);
  searchCold(*this);
}

}  // namespace understudy::reconstruct
