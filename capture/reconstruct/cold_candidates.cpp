#include "capture/reconstruct/cold_candidates.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "capture/reconstruct/cold_search.h"
#include "capture/reconstruct/normal_sums.h"
#include "capture/reconstruct/reconstruct.h"

namespace understudy::reconstruct {
namespace {

using Solution = ColdTests::Solution;

constexpr float kReach_px = 3.5f;  // How far from a candidate's image its blob is looked for.
static_assert(kReach_px <= kMostColdReach_px);
// In sigmas of a centroid: how far a ray may pass, first, then, and where one of them spoils it.
constexpr double kFarthestRay[3] = {6.75, 4.5, 3.0}, kLargestResidual = 2.2;

std::size_t groupsOf(std::size_t count) { return (count + kColdLanes - 1) / kColdLanes; }

// Puts candidates into lanes; the last group is filled up with what no camera sees.
void setPoints(ColdTests& t, const ColdCandidate* candidates, std::size_t count) {
  for (std::size_t i = 0; i < groupsOf(count) * kColdLanes; ++i) {
    const float nowhere = std::numeric_limits<float>::quiet_NaN();
    const glm::vec3 p = i < count ? candidates[i].position : glm::vec3(nowhere);
    ColdPoints& group = t.points[i / kColdLanes];
    const std::size_t lane = i % kColdLanes;
    group.x[lane] = p.x;
    group.y[lane] = p.y;
    group.z[lane] = p.z;
  }
}

void look(const SearchCold& job, std::size_t camera, float reach_px, std::size_t groups,
          ColdSight* sights) {
  const ColdLook how{.nearest = static_cast<float>(job.settings.nearest), .reach_px = reach_px};
  ColdSearchWorkspace& w = job.workspace;
  job.kernels.look(job.state.cold_rig.cameras[camera], w.blobs.maps[camera], how,
                   w.tests.points.data(), groups, sights, w.tests.stride);
}

NormalEquations equationsOf(const ColdSums& sums, std::size_t lane) {
  NormalEquations n;
  for (int k = 0; k < 6; ++k) n.information[k] = static_cast<double>(sums.information[k][lane]);
  for (int k = 0; k < 3; ++k) n.gradient[k] = static_cast<double>(sums.gradient[k][lane]);
  n.squared_px = static_cast<double>(sums.squared_px[lane]);
  return n;
}

// The largest residual that is no surprise, RMS over the rays, px.
double largestResidual(const SearchCold& job) {
  return kLargestResidual * job.settings.centroid_sigma_px;
}

bool isLoose(const SearchCold& job, const Solution& solution) {
  const double largest = largestResidual(job);
  return static_cast<double>(solution.squared_px) >= largest * largest * solution.rays;
}

// One step of each lane to where its rays meet; lanes of `solutions` without rays are left out.
void stepLanes(const SearchCold& job, const ColdSums& sums, std::size_t lanes, float* step,
               Solution* solutions) {
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    Solution& solution = solutions[lane];
    if (solution.rays == 0) continue;
    solution.rays = 0;
    const int rays = static_cast<int>(sums.rays[lane]);
    if (rays < job.settings.smallest_cold_rays) continue;
    const NormalEquations equations = equationsOf(sums, lane);
    glm::dvec3 move;
    glm::dmat3 inverse;
    if (!solveNormalEquations(equations, move, inverse)) continue;
    for (int axis = 0; axis < 3; ++axis) {
      step[static_cast<std::size_t>(axis) * kColdLanes + lane] = static_cast<float>(move[axis]);
    }
    solution.position += glm::vec3(move);
    constexpr float kFarthest = 1e4f;
    if (!(glm::length(solution.position) < kFarthest)) continue;
    int k = 0;
    for (int r = 0; r < 3; ++r) {
      for (int c = r; c < 3; ++c) solution.inverse[k++] = static_cast<float>(inverse[r][c]);
    }
    // What this step takes from the squared residuals follows from the equations.
    const glm::dvec3 gradient(equations.gradient[0], equations.gradient[1], equations.gradient[2]);
    solution.squared_px =
        static_cast<float>(std::max(0.0, equations.squared_px - glm::dot(move, gradient)));
    solution.rays = static_cast<std::uint16_t>(rays);
  }
}

// Moves one group's candidates to where their rays meet.
void solveGroup(const SearchCold& job, std::size_t group, std::size_t lanes) {
  ColdTests& t = job.workspace.tests;
  const std::vector<ColdCamera>& cameras = job.state.cold_rig.cameras;
  const ColdPoints& points = t.points[group];
  ColdSight* sights = &t.sights[group * t.stride];
  std::int16_t* taken = &t.taken[group * t.stride * kColdLanes];
  Solution* solutions = &t.solutions[group * kColdLanes];
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    solutions[lane] = {.position = {points.x[lane], points.y[lane], points.z[lane]}, .rays = 1};
  }
  const auto reach = [&](std::size_t pass) {
    return static_cast<float>(std::min(kFarthestRay[pass] * job.settings.centroid_sigma_px,
                                       1.5 * job.settings.epipolar_tolerance_px));
  };
  float step[3 * kColdLanes] = {};
  ColdSums sums;
  for (std::size_t pass = 0; pass < 2; ++pass) {
    job.kernels.sumRays(cameras.data(), cameras.size(), points, step, reach(pass), sights, taken,
                        sums);
    std::fill(std::begin(step), std::end(step), 0.0f);
    stepLanes(job, sums, lanes, step, solutions);
  }
  Solution tighter[kColdLanes];
  bool any = false;
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    if (solutions[lane].rays == 0 || !isLoose(job, solutions[lane])) continue;
    tighter[lane] = solutions[lane];
    any = true;
  }
  if (!any) return;
  job.kernels.sumRays(cameras.data(), cameras.size(), points, step, reach(2), sights,
                      t.retaken.data(), sums);
  stepLanes(job, sums, lanes, step, tighter);
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    if (solutions[lane].rays == 0 || !isLoose(job, solutions[lane])) continue;
    solutions[lane] = tighter[lane];
    if (isLoose(job, solutions[lane])) solutions[lane].rays = 0;
    for (std::size_t c = 0; c < cameras.size(); ++c)
      taken[c * kColdLanes + lane] = t.retaken[c * kColdLanes + lane];
  }
}

// Lists the open blobs of a candidate of the batch; returns how many of its blobs others have
// claimed. Which cameras see it is hard to foresee: no branch depends on it.
std::size_t listRays(const SearchCold& job, std::size_t i) {
  ColdTests& t = job.workspace.tests;
  const ColdBlobs& blobs = job.workspace.blobs;
  const std::size_t cameras = job.state.cold_rig.cameras.size();
  const std::int16_t* taken = &t.taken[i / kColdLanes * t.stride * kColdLanes + i % kColdLanes];
  t.rays.resize(cameras);
  std::size_t count = 0, lost = 0;
  for (std::size_t c = 0; c < cameras; ++c) {
    const std::int16_t blob = taken[c * kColdLanes];
    const bool is_ray = blob >= 0;
    const std::size_t index = static_cast<std::size_t>(is_ray ? blob : 0);
    t.rays[count] = {static_cast<std::uint16_t>(c), static_cast<std::uint16_t>(index)};
    const bool is_open = isOpen(blobs, c, index);
    count += static_cast<std::size_t>(is_ray) & static_cast<std::size_t>(is_open);
    lost += static_cast<std::size_t>(is_ray) & static_cast<std::size_t>(!is_open);
  }
  t.rays.resize(count);
  return lost;
}

// Some of the listed rays stand for all where they are many.
std::size_t strideOver(const std::vector<ColdTests::TakenBlob>& rays) {
  constexpr std::size_t kEnough = 8;
  return (rays.size() + kEnough - 1) / kEnough;
}

// Largest angle between two of the listed rays, as a chord: between the ray furthest from the first
// one and the one furthest from that.
float widestChord(const SearchCold& job, const glm::vec3& point) {
  const ColdTests& t = job.workspace.tests;
  const auto rayOf = [&](std::size_t k) {
    const float* centre = job.state.cold_rig.cameras[t.rays[k].camera].centre;
    return glm::normalize(point - glm::vec3(centre[0], centre[1], centre[2]));
  };
  const std::size_t stride = strideOver(t.rays);
  glm::vec3 from = rayOf(0);
  float widest = 0.0f;
  for (int pass = 0; pass < 2; ++pass) {
    glm::vec3 furthest = from;
    float smallest = 2.0f;
    for (std::size_t k = 0; k < t.rays.size(); k += stride) {
      const glm::vec3 ray = rayOf(k);
      const float cosine = glm::dot(from, ray);
      if (!(cosine < smallest)) continue;
      smallest = cosine;
      furthest = ray;
    }
    widest = glm::length(furthest - from);
    from = furthest;
  }
  return widest;
}

// Mean radius that the listed blobs show at the place, metres.
float sizeAt(const SearchCold& job, const glm::vec3& point) {
  const ColdTests& t = job.workspace.tests;
  const ColdBlobs& blobs = job.workspace.blobs;
  const std::size_t stride = strideOver(t.rays);
  float sum = 0.0f, count = 0.0f;
  for (std::size_t k = 0; k < t.rays.size(); k += stride) {
    const ColdCamera& camera = job.state.cold_rig.cameras[t.rays[k].camera];
    const float* r = camera.rotation;
    const float depth = r[6] * point.x + r[7] * point.y + r[8] * point.z + camera.translation[2];
    sum +=
        blobs.radius_px[blobs.first[t.rays[k].camera] + t.rays[k].blob] * depth / camera.focal_px;
    count += 1.0f;
  }
  return sum / count;
}

// `left`: rays of the solution that were not another's.
frame::Marker markerOf(const SearchCold& job, const Solution& solution, std::size_t left,
                       float chord) {
  const double variance = job.settings.centroid_sigma_px * job.settings.centroid_sigma_px;
  const double squared = static_cast<double>(solution.squared_px);
  const double excess = std::max(1.0, squared / ((2.0 * solution.rays - 3.0) * variance));
  const float* i = solution.inverse;
  const glm::mat3 inverse(i[0], i[1], i[2], i[1], i[3], i[4], i[2], i[4], i[5]);
  return {.position = solution.position,
          .covariance = inverse * static_cast<float>(variance * excess * solution.rays /
                                                     static_cast<double>(left)),
          .residual_px = static_cast<float>(std::sqrt(squared / solution.rays)),
          .rays = static_cast<std::uint16_t>(left),
          .angle = chord};
}

// Decides over one candidate of the batch.
void settle(const SearchCold& job, std::size_t i, int least_rays) {
  ColdSearchWorkspace& w = job.workspace;
  ColdTests& t = w.tests;
  const Solution& solution = t.solutions[i];
  const std::size_t lost = listRays(job, i), left = t.rays.size();
  // Few of many rays that were another's, of a merged blob as a rule, do not move it.
  constexpr std::size_t kFew = 8;
  if (lost * kFew > left) {
    if (static_cast<int>(left) < job.settings.smallest_cold_rays) return;
    if (t.again.size() < t.again.capacity())
      t.again.push_back({solution.position, static_cast<std::uint16_t>(left)});
    return;
  }
  if (static_cast<int>(left) < least_rays) {
    if (t.put_off.size() < t.put_off.capacity())
      t.put_off.push_back({solution.position, static_cast<std::uint16_t>(left)});
    return;
  }
  const float chord = widestChord(job, solution.position);
  if (!(static_cast<double>(chord) > job.settings.smallest_angle)) return;
  const float size = sizeAt(job, solution.position);
  for (const ColdTests::TakenBlob& ray : t.rays) claimBlob(w.blobs, ray.camera, ray.blob);
  if (w.found.size() < w.found.capacity())
    w.found.push_back({markerOf(job, solution, left, chord), size});
}

bool isAlive(const SearchCold& job, const ColdCandidate& candidate) {
  const ColdBlobs& blobs = job.workspace.blobs;
  return !candidate.has_pair || (isOpen(blobs, candidate.a, candidate.blob_a) &&
                                 isOpen(blobs, candidate.b, candidate.blob_b));
}

// Notes the candidate's blobs for the batch; false if a better candidate of the batch has one.
bool isFirstOfBlobs(const SearchCold& job, const ColdCandidate& candidate) {
  if (!candidate.has_pair) return true;
  ColdTests& t = job.workspace.tests;
  const std::vector<std::uint32_t>& first = job.workspace.blobs.first;
  std::uint32_t& of_a = t.batch_of[first[candidate.a] + candidate.blob_a];
  std::uint32_t& of_b = t.batch_of[first[candidate.b] + candidate.blob_b];
  if (of_a == t.batch || of_b == t.batch) return false;
  of_a = of_b = t.batch;
  return true;
}

// Best support first; places are all finite.
bool comesBefore(const ColdCandidate& x, const ColdCandidate& y) {
  if (x.support != y.support) return x.support > y.support;
  if (x.position.x != y.position.x) return x.position.x < y.position.x;
  if (x.position.y != y.position.y) return x.position.y < y.position.y;
  return x.position.z < y.position.z;
}

void testBatch(const SearchCold& job, const ColdCandidate* candidates, std::size_t count,
               int least_rays) {
  ColdTests& t = job.workspace.tests;
  const std::size_t cameras = job.state.cold_rig.cameras.size();
  job.counters.cold_tests += static_cast<std::uint32_t>(count * cameras);
  setPoints(t, candidates, count);
  for (std::size_t c = 0; c < cameras; ++c) look(job, c, kReach_px, groupsOf(count), &t.sights[c]);
  t.order.clear();
  for (std::size_t g = 0; g < groupsOf(count); ++g)
    solveGroup(job, g, std::min(kColdLanes, count - g * kColdLanes));
  for (std::size_t i = 0; i < count; ++i) {
    if (t.solutions[i].rays > 0) t.order.push_back(static_cast<std::uint16_t>(i));
  }
  std::sort(t.order.begin(), t.order.end(), [&](std::uint16_t x, std::uint16_t y) {
    const std::uint16_t of_x = t.solutions[x].rays, of_y = t.solutions[y].rays;
    return of_x != of_y ? of_x > of_y : x < y;
  });
  for (const std::uint16_t i : t.order) settle(job, i, least_rays);
}

}  // namespace

ColdTests makeColdTests(std::size_t cameras, std::size_t blobs) {
  ColdTests t;
  constexpr std::size_t kMostPending = 16384, kGroups = kColdBatch / kColdLanes;
  t.fresh.reserve(kColdBatch);
  t.pending.reserve(kMostPending);
  t.again.reserve(kMostPending);
  t.put_off.reserve(kMostPending);
  t.points.resize(kGroups);
  t.stride = cameras + 1;  // Odd, as a rule: groups do not crowd the same lines of the cache.
  t.sights.resize(kGroups * t.stride);
  t.taken.resize(kGroups * t.stride * kColdLanes);
  t.retaken.resize(t.stride * kColdLanes);
  t.batch_of.resize(blobs);
  t.confirming.resize(kColdBatch);
  t.solutions.resize(kColdBatch);
  t.order.reserve(kColdBatch);
  t.rays.reserve(cameras);
  return t;
}

void screenCandidates(const SearchCold& job, std::size_t a, std::size_t views) {
  ColdTests& t = job.workspace.tests;
  const std::size_t count = t.fresh.size();
  if (count == 0) return;
  const ColdRig& rig = job.state.cold_rig;
  const float reach = 1.5f * static_cast<float>(job.settings.epipolar_tolerance_px);
  setPoints(t, t.fresh.data(), count);
  std::fill_n(t.confirming.begin(), count, std::uint8_t{0});
  for (std::size_t n = 0; n < std::min(views, rig.near_count); ++n) {
    const std::size_t c = rig.near[a * rig.near_count + n];
    if (c == t.fresh[0].b) continue;
    job.counters.cold_tests += static_cast<std::uint32_t>(count);
    look(job, c, reach, groupsOf(count), t.sights.data());
    for (std::size_t i = 0; i < count; ++i)
      t.confirming[i] += t.sights[i / kColdLanes * t.stride].blob[i % kColdLanes] >= 0;
  }
  for (std::size_t i = 0; i < count && t.pending.size() < t.pending.capacity(); ++i) {
    if (t.confirming[i] == 0) continue;
    t.pending.push_back(t.fresh[i]);
    t.pending.back().support = static_cast<std::uint16_t>(2 + t.confirming[i]);
  }
  t.fresh.clear();
}

void takeCandidates(const SearchCold& job, int least_rays) {
  ColdTests& t = job.workspace.tests;
  while (!t.pending.empty()) {
    std::sort(t.pending.begin(), t.pending.end(), comesBefore);
    t.again.clear();
    for (std::size_t next = 0; next < t.pending.size();) {
      std::size_t count = 0;
      ++t.batch;
      for (; next < t.pending.size() && count < kColdBatch; ++next) {
        const ColdCandidate candidate = t.pending[next];
        if (!isAlive(job, candidate)) continue;
        if (isFirstOfBlobs(job, candidate)) {
          t.pending[count++] = candidate;
        } else if (t.again.size() < t.again.capacity()) {
          t.again.push_back(candidate);
        }
      }
      if (count > 0) testBatch(job, t.pending.data(), count, least_rays);
    }
    std::swap(t.pending, t.again);
  }
}

}  // namespace understudy::reconstruct
