#include "capture/reconstruct/solve_predicted.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "capture/reconstruct/buffers.h"
#include "capture/reconstruct/normal_sums.h"
#include "capture/reconstruct/view_geometry.h"

namespace understudy::reconstruct {
namespace {

constexpr double kReferenceVariance =
    static_cast<double>(kReferenceSigma_px) * static_cast<double>(kReferenceSigma_px);
// Beyond this step the image is not straight enough for one step, metres.
constexpr float kLongStep = 0.008f;
// How much more a ray tells across than along its image's radius, at the edge of a wide lens.
constexpr float kObliqueness = 2.0f;

// Squared residuals that so many degrees of freedom exceed once in some 30000 times, at variance 1:
// Wilson and Hilferty, "The distribution of chi-square" (1931).
double surpriseLimit(double freedoms) {
  constexpr double kSigmas = 4.0;
  const double spread = 2.0 / (9.0 * freedoms);
  const double root = 1.0 - spread + kSigmas * std::sqrt(spread);
  return freedoms * root * root * root;
}

constexpr std::size_t kMostCameras = 256;

// The limits by number of rays, in squared px at weight 1.
const std::array<float, kMostCameras + 1>& residualLimits() {
  static const std::array<float, kMostCameras + 1> limits = [] {
    std::array<float, kMostCameras + 1> made{};
    for (std::size_t rays = 2; rays <= kMostCameras; ++rays) {
      made[rays] = static_cast<float>(kReferenceVariance *
                                      surpriseLimit(2.0 * static_cast<double>(rays) - 3.0));
    }
    return made;
  }();
  return limits;
}

// The marker's share in what its solution says; `inverse` is of the information at weight 1.
void fill(const glm::vec3& position, const std::array<float, 6>& inverse, float squared_px,
          std::size_t rays, frame::Marker& marker) {
  // Residuals beyond what noise explains widen the covariance; ordinary ones leave it alone.
  const float limit = residualLimits()[std::min(rays, kMostCameras)];
  const float excess = squared_px > limit ? squared_px / limit : 1.0f;
  const float variance = static_cast<float>(kReferenceVariance) * excess;
  marker.position = position;
  const float xx = inverse[0] * variance, xy = inverse[1] * variance, xz = inverse[2] * variance;
  const float yy = inverse[3] * variance, yz = inverse[4] * variance, zz = inverse[5] * variance;
  marker.covariance = glm::mat3(xx, xy, xz, xy, yy, yz, xz, yz, zz);
  marker.rays = static_cast<std::uint16_t>(rays);
}

// ---- Ray by ray ----

struct ExactSolution {
  glm::dvec3 position{0.0};
  glm::dmat3 inverse{0.0};
  NormalEquations equations;
  double weights = 0;
  std::size_t rays = 0;
};

void sumRays(ReconstructState& state, std::size_t prediction, ExactSolution& solution) {
  solution.equations = {};
  solution.weights = 0;
  solution.rays = 0;
  for (std::size_t c = 0; c < state.cameras.size(); ++c) {
    const Ray* ray = rayOf(state, c, prediction);
    if (ray == nullptr) continue;
    const double weight = static_cast<double>(ray->weight);
    addRay(state.cameras[c], solution.position, static_cast<double>(ray->u),
           static_cast<double>(ray->v), weight, solution.equations);
    solution.weights += weight;
    ++solution.rays;
  }
}

// Two steps from where it stands; the sums and inverse are of the solution. False if singular.
bool refine(ReconstructState& state, std::size_t prediction, ExactSolution& solution) {
  glm::dvec3 step;
  for (int pass = 0; pass < 2; ++pass) {
    sumRays(state, prediction, solution);
    if (solution.rays < 2) return false;
    if (!solveNormalEquations(solution.equations, step, solution.inverse)) return false;
    solution.position += step;
  }
  sumRays(state, prediction, solution);
  return solveNormalEquations(solution.equations, step, solution.inverse);
}

// Gives a ray's centroid back, unless another prediction has its share in it.
void release(const FinishFrame& job, std::size_t camera, Ray& ray) {
  ray.weight = 0.0f;
  ++job.counters.dropped_rays;
  const std::vector<Ray>& rays = job.state.rays[camera];
  const std::size_t whole = job.state.centroids[camera] + 1;
  const bool shared = std::any_of(
      rays.begin() + static_cast<std::ptrdiff_t>(whole), rays.end(),
      [&](const Ray& other) { return other.weight > 0.0f && other.centroid == ray.centroid; });
  std::vector<FreeCentroid>& free = job.state.free[camera];
  if (shared || free.size() == free.capacity()) return;
  free.push_back({ray.u, ray.v, 0.0f, static_cast<std::int32_t>(ray.centroid)});
}

// Drops the ray that fits worst to where the others see the marker: beyond the residual gate, or,
// of four rays or more, beyond what noise explains. True if one was dropped.
bool dropWorst(const FinishFrame& job, std::size_t prediction, const ExactSolution& solution) {
  ReconstructState& state = job.state;
  constexpr double kMostSurprise = 20.0;  // Of two degrees of freedom: once in 20000 times.
  constexpr std::size_t kEnoughRays = 4;
  const double gate = job.settings.largest_residual_px * job.settings.largest_residual_px;
  double worst = 1.0;
  Ray* worst_ray = nullptr;
  std::size_t worst_camera = 0;
  for (std::size_t c = 0; c < state.cameras.size(); ++c) {
    Ray* ray = rayOf(state, c, prediction);
    if (ray == nullptr) continue;
    NormalEquations own;
    const double weight = static_cast<double>(ray->weight);
    const double squared = addRay(state.cameras[c], solution.position, static_cast<double>(ray->u),
                                  static_cast<double>(ray->v), weight, own);
    // Its share in the marker: the trace of J C J^T w is between 0 and 2.
    const glm::dmat3& i = solution.inverse;
    const double share = own.information[0] * i[0][0] + own.information[3] * i[1][1] +
                         own.information[5] * i[2][2] +
                         2.0 * (own.information[1] * i[0][1] + own.information[2] * i[0][2] +
                                own.information[4] * i[1][2]);
    const double left = std::max(0.1, 1.0 - 0.5 * share);
    double badness = squared / gate;
    if (solution.rays >= kEnoughRays) {
      badness = std::max(badness, weight * squared / (left * kReferenceVariance * kMostSurprise));
    }
    if (badness > worst) {
      worst = badness;
      worst_ray = ray;
      worst_camera = c;
    }
  }
  if (worst_ray == nullptr) return false;
  release(job, worst_camera, *worst_ray);
  return true;
}

// Smallest cosine between any two of the prediction's rays.
double smallestCosine(const FinishFrame& job, std::size_t prediction, const glm::dvec3& position) {
  std::vector<glm::dvec3>& directions = job.workspace.directions;
  directions.clear();
  for (std::size_t c = 0; c < job.state.cameras.size(); ++c) {
    if (rayOf(job.state, c, prediction) == nullptr) continue;
    directions.push_back(glm::normalize(position - job.state.cameras[c].centre));
  }
  double smallest = 1.0;
  for (std::size_t i = 0; i < directions.size(); ++i) {
    for (std::size_t j = i + 1; j < directions.size(); ++j) {
      smallest = std::min(smallest, glm::dot(directions[i], directions[j]));
    }
  }
  return smallest;
}

void keepSolution(ReconstructState& state, std::size_t p, const glm::dvec3& predicted,
                  const ExactSolution& solution, std::array<float, 6>& inverse) {
  const glm::dmat3& i = solution.inverse;
  inverse = {static_cast<float>(i[0][0]), static_cast<float>(i[0][1]), static_cast<float>(i[0][2]),
             static_cast<float>(i[1][1]), static_cast<float>(i[1][2]), static_cast<float>(i[2][2])};
  const PredictedSolutions s = solutionsOf(state);
  for (int k = 0; k < 3; ++k) {
    s.step[k][p] = static_cast<float>(solution.position[k] - predicted[k]);
  }
  for (std::size_t k = 0; k < 6; ++k) s.inverse[k][p] = inverse[k];
}

bool solveExactly(const FinishFrame& job, std::size_t p, frame::Marker& marker) {
  ReconstructState& state = job.state;
  ++job.counters.checked;
  constexpr int kMostDrops = 4;
  const glm::dvec3 predicted(state.x[p], state.y[p], state.z[p]);
  const PredictedSolutions s = solutionsOf(state);
  ExactSolution solution;
  solution.position = predicted + glm::dvec3(s.step[0][p], s.step[1][p], s.step[2][p]);
  for (int drops = 0;; ++drops) {
    if (!refine(state, p, solution)) return false;
    if (drops == kMostDrops || !dropWorst(job, p, solution)) break;
  }
  const double cosine = smallestCosine(job, p, solution.position);
  if (cosine > 1.0 - 0.5 * job.settings.smallest_angle * job.settings.smallest_angle) return false;
  std::array<float, 6> inverse;
  keepSolution(state, p, predicted, solution, inverse);
  fill(glm::vec3(solution.position), inverse, static_cast<float>(solution.equations.squared_px),
       solution.rays, marker);
  marker.angle = static_cast<float>(std::sqrt(std::max(0.0, 2.0 * (1.0 - cosine))));
  return true;
}

}  // namespace

void solvePredicted(const FinishFrame& job) {
  ReconstructState& state = job.state;
  if (state.predictions == 0) return;
  const PredictedSolutions s = solutionsOf(state);
  const std::size_t padded = roundUp(state.predictions);
  flush(state, state.sums, state.sums);
  state.kernels->solve(state.sums.all.data(), padded, s);
  const std::array<float, kMostCameras + 1>& limits = residualLimits();
  const float half_sine = static_cast<float>(0.5 * job.settings.smallest_angle);
  const float smallest_spread = kObliqueness * half_sine * half_sine;
  const float per_root_spread = 2.0f / std::sqrt(kObliqueness);
  const float largest_residual = static_cast<float>(job.settings.largest_residual_px);
  for (std::size_t p = 0; p < state.predictions; ++p) {
    const std::size_t rays = static_cast<std::size_t>(s.rays[p]);
    if (rays < 2) continue;
    if (job.cloud.markers.size() == job.cloud.markers.capacity()) return;
    const glm::vec3 step(s.step[0][p], s.step[1][p], s.step[2][p]);
    frame::Marker marker;
    if (s.spread[p] >= smallest_spread && s.squared_px[p] <= limits[std::min(rays, kMostCameras)] &&
        glm::dot(step, step) < kLongStep * kLongStep) {
      const std::array<float, 6> inverse{s.inverse[0][p], s.inverse[1][p], s.inverse[2][p],
                                         s.inverse[3][p], s.inverse[4][p], s.inverse[5][p]};
      fill(glm::vec3(state.x[p], state.y[p], state.z[p]) + step, inverse, s.squared_px[p], rays,
           marker);
      marker.residual_px = s.residual_px[p];
      marker.angle = std::min(2.0f, per_root_spread * s.root_spread[p]);
    } else if (!solveExactly(job, p, marker)) {
      continue;
    }
    if (!(marker.residual_px <= largest_residual)) continue;
    marker.prediction = static_cast<std::int32_t>(p);
    state.sound[p] = 1;
    job.cloud.markers.push_back(marker);
  }
}

}  // namespace understudy::reconstruct
