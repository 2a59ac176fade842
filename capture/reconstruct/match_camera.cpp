#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>

#include "capture/reconstruct/matching.h"
#include "capture/reconstruct/raster_order.h"

namespace understudy::reconstruct {
namespace {

static_assert(sizeof(frame::Centroid) == 4 * sizeof(float));
static_assert(sizeof(Ray) == 4 * sizeof(float));

// A lens that the kernel's polynomial cannot follow: one centroid after the other.
void undistortExactly(const Matching& m) {
  const UndistortedCentroids& out = m.centroids;
  const PreparedCamera& camera = m.camera;
  const ViewCamera& view = camera.view;
  for (std::size_t i = 0; i < m.count; ++i) {
    const frame::Centroid& centroid = m.job.centroids[i];
    out.rays[i].weight = 0.0f;
    out.slack[i] = 0.0f;
    out.place[i] = kNoPlace;
    if (!(centroid.x_px >= 0.0f && centroid.x_px <= view.width_px && centroid.y_px >= 0.0f &&
          centroid.y_px <= view.height_px)) {
      continue;
    }
    const glm::dvec2 ideal =
        camera.focal_px *
        camera::normalisedFromPixel(camera.camera, {static_cast<double>(centroid.x_px),
                                                    static_cast<double>(centroid.y_px)});
    const float u = static_cast<float>(ideal.x), v = static_cast<float>(ideal.y);
    if (!(u > view.least_u && u < view.most_u && v > view.least_v && v < view.most_v)) continue;
    out.rays[i].u = u;
    out.rays[i].v = v;
    out.rays[i].weight = weightOf(m.noise, centroid.radius_px, 0.0f);
    const bool is_long = centroid.elongation > kLongBlob;
    out.slack[i] = is_long ? 0.75f * clampRadius(centroid.radius_px) : 0.0f;
    if (!is_long) out.place[i] = placeOf(m.grid, u, v);
  }
}

void undistortCentroids(const Matching& m) {
  const ProjectionKernels& kernels = *m.state.kernels;
  const std::size_t whole = m.count / 8 * 8;
  if (whole > 0) {
    kernels.undistort(m.camera.view, m.grid, m.noise, &m.job.centroids[0].x_px, 0, whole,
                      m.centroids);
  }
  if (whole < m.count) {
    std::vector<frame::Centroid>& padded = m.w.padded;
    std::fill(padded.begin(), padded.end(), frame::Centroid{.x_px = -1.0f});
    std::copy(m.job.centroids.begin() + static_cast<std::ptrdiff_t>(whole),
              m.job.centroids.begin() + static_cast<std::ptrdiff_t>(m.count), padded.begin());
    kernels.undistort(m.camera.view, m.grid, m.noise, &padded[0].x_px, whole, 8, m.centroids);
  }
  if (m.camera.exact_lens) undistortExactly(m);
}

// Those seen in the frame before are followed, if the packet's order is much the same.
void followOrder(const Matching& m, const Claims& claims) {
  ReconstructWorkspace& w = m.w;
  CameraOrder& order = m.state.orders[m.job.camera];
  const Follow follow =
      m.state.kernels->follow({.owners = order.owners.data(),
                               .count = order.owners.size(),
                               .predictions = m.state.predictions,
                               .contender = order.contender.data(),
                               .contended = order.contended.data(),
                               .contenders = order.contender.size(),
                               .turn = (m.state.frames + m.job.camera) % kTurns,
                               .doubtful = w.doubtful.data(),
                               .doubtful_from = w.doubtful_from.data()},
                              m.views, m.centroids.place, roundUp(m.count), claims);
  w.queued = follow.queued;
  if (!follow.in_order) order.is_raster = false;
}

// Centroids that nobody followed are looked up among all predictions; returns how many are left.
std::size_t lookUpOthers(const Matching& m, const Claims& claims) {
  ReconstructWorkspace& w = m.w;
  const ProjectionKernels& kernels = *m.state.kernels;
  const std::size_t listed =
      kernels.listUnclaimed(m.centroids.place, roundUp(m.count), w.owner.data(), w.unclaimed.data(),
                            w.unclaimed_place.data());
  const Claims behind{.of_prediction = claims.of_prediction,
                      .of_centroid = claims.of_centroid,
                      .queue = claims.queue + w.queued};
  const Seen seen = kernels.lookUp(m.views, roundUp(m.state.predictions),
                                   {.list = w.unclaimed.data(),
                                    .place = w.unclaimed_place.data(),
                                    .count = listed,
                                    .near = w.near.data()},
                                   behind, w.left.data());
  w.queued += seen.queued;
  return seen.left;
}

// Returns the number of centroids that are left.
std::size_t matchCentroids(const Matching& m) {
  ReconstructWorkspace& w = m.w;
  const std::size_t padded = roundUp(m.count);
  std::fill_n(m.claims, roundUp(m.state.predictions), std::uint16_t{0});
  w.owner.assign(padded, 0);
  std::fill_n(m.centroids.place + m.count, 4 * kPlacesInSight, kNoPlace);
  const Claims claims{
      .of_prediction = m.claims, .of_centroid = w.owner.data(), .queue = w.queue.data()};
  followOrder(m, claims);
  w.queued += m.state.kernels->listLong(m.centroids, padded, w.queue.data() + w.queued);
  const std::size_t left = settleDisputes(m, lookUpOthers(m, claims));
  m.state.orders[m.job.camera].owners.swap(w.owner);
  return left;
}

void setFree(const Matching& m, std::size_t left) {
  std::vector<FreeCentroid>& free = m.state.free[m.job.camera];
  for (std::size_t k = 0; k < left; ++k) {
    const std::size_t i = m.w.left[k];
    const Ray& ray = m.centroids.rays[i];
    if (!(ray.weight > 0.0f)) continue;
    free.push_back({ray.u, ray.v, m.job.centroids[ray.centroid].radius_px,
                    static_cast<std::int32_t>(ray.centroid)});
  }
}

void addSums(const Matching& m) {
  const std::size_t padded = roundUp(m.state.predictions);
  RaySums& sums = m.job.sums;
  const std::size_t rays = m.state.kernels->accumulate(m.camera.view, m.rays.data(), m.claims,
                                                       padded, m.views, sums.fresh.data());
  m.job.counters.rays += static_cast<std::uint32_t>(rays);
  if (++sums.unflushed == kCamerasPerFlush) flush(m.state, sums, sums);
}

// Has a packet and what belongs to its camera fetched while the predictions are projected: other
// cameras' packets have been read since it was touched.
void prefetch(const Matching& m) {
  constexpr std::size_t kLine = 64;
  const auto fetch = [](const auto& values, std::size_t count) {
    const char* first = reinterpret_cast<const char*>(values.data());
    for (std::size_t at = 0; at < count * sizeof(values[0]); at += kLine) {
      __builtin_prefetch(first + at);
    }
  };
  fetch(m.job.centroids, m.count);
  fetch(m.state.orders[m.job.camera].owners, m.count);
  fetch(m.rays, m.count);
}

}  // namespace

void MatchCamera::run() const {
  assert(camera < state.cameras.size() && state.kernels != nullptr);
  if (state.received[camera] != 0) return;
  state.received[camera] = 1;
  const PreparedCamera& prepared = state.cameras[camera];
  const std::size_t count = std::min(centroids.size(), kMaxCentroids);
  state.centroids[camera] = roundUp(count);
  state.rays[camera].resize(1 + roundUp(count));
  const double sigma = state.health[camera].sigma_px / static_cast<double>(kReferenceSigma_px);
  const PlaceGrid grid = makePlaceGrid(prepared.view);
  Matching m{.job = *this,
             .camera = prepared,
             .state = state,
             .w = workspace,
             .views = viewsOf(workspace, grid),
             .centroids = centroidsOf(state, workspace, camera),
             .grid = grid,
             .rays = state.rays[camera],
             .claims = &state.ray_of[camera * raysPerCamera(state)],
             .count = count,
             .noise = static_cast<float>(sigma * sigma)};
  const ViewGates gates{.smallest_px = static_cast<float>(settings.smallest_gate_px),
                        .largest_px = static_cast<float>(settings.largest_gate_px),
                        .nearest = static_cast<float>(settings.nearest)};
  prefetch(m);
  m.widest = state.kernels->project(prepared.view, gates, m.grid, state.x.data(), state.y.data(),
                                    state.z.data(), state.reach.data(), roundUp(state.predictions),
                                    m.views);
  undistortCentroids(m);
  restoreRasterOrder(m);
  if (state.predictions == 0) {  // A cold start.
    std::iota(workspace.left.begin(), workspace.left.begin() + static_cast<std::ptrdiff_t>(m.count),
              std::uint16_t{0});
    setFree(m, m.count);
    return;
  }
  setFree(m, matchCentroids(m));
  addSums(m);
}

}  // namespace understudy::reconstruct
