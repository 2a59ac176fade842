#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstring>
#include <numeric>

#include "capture/reconstruct/buffers.h"
#include "capture/reconstruct/reconstruct.h"

namespace understudy::reconstruct {
namespace {

constexpr std::uint64_t kNobody = ~std::uint64_t{0};

static_assert(sizeof(frame::Centroid) == 4 * sizeof(float));
static_assert(sizeof(Ray) == 4 * sizeof(float));

// The job with its arrays at hand.
struct Match {
  const MatchCamera& job;
  const PreparedCamera& camera;
  ReconstructState& state;
  ReconstructWorkspace& w;
  PredictedViews views;
  UndistortedCentroids centroids;
  std::vector<Ray>& rays;
  std::uint16_t* claims;  // The camera's row of ray_of.
  StripGrid grid;
  std::size_t count;  // Of centroids.
  float noise;        // The camera's centroid variance over the reference's.
};

// A pair's squared distance and the index of one of the two, ordered by distance, then index.
std::uint64_t keyOf(float squared, std::size_t index) {
  return std::uint64_t{std::bit_cast<std::uint32_t>(squared)} << 32 | index;
}
std::size_t indexOf(std::uint64_t key) { return key & 0xffffffffu; }
float squaredOf(std::uint64_t key) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(key >> 32));
}

std::size_t roundUp(std::size_t count) { return (count + 7) / 8 * 8; }

float clampRadius(float radius_px) {  // Also of no number.
  return std::min(radius_px > 0.5f ? radius_px : 0.5f, 6.0f);
}

// One over the variance of a disc's middle that may also be off by a bias; the rim that places it
// grows with the radius.
float weightOf(float noise, float radius_px, float bias_px) {
  constexpr float kReferenceRadius_px = 2.0f;
  const float extra = bias_px / kReferenceSigma_px;
  return 1.0f / (noise * kReferenceRadius_px / clampRadius(radius_px) + extra * extra);
}

// A position of the ideal plane in quanta.
struct Quanta {
  std::int32_t u, v;

  std::int32_t place() const { return u | v << 16; }
};

Quanta quantaOf(const StripGrid& grid, float u, float v) {
  return {static_cast<std::int32_t>((u - grid.least_u) * grid.quanta_per_px),
          static_cast<std::int32_t>((v - grid.least_v) * grid.quanta_per_px)};
}

// A lens that the kernel's polynomial cannot follow: one centroid after the other.
void undistortExactly(const Match& m) {
  const UndistortedCentroids& out = m.centroids;
  const PreparedCamera& camera = m.camera;
  const ViewCamera& view = camera.view;
  for (std::size_t i = 0; i < m.count; ++i) {
    const frame::Centroid& centroid = m.job.centroids[i];
    out.rays[i].weight = 0.0f;
    out.strip[i] = m.grid.strips;
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
    const Quanta at = quantaOf(m.grid, u, v);
    if (is_long) continue;
    out.strip[i] = at.v >> m.grid.shift;
    out.place[i] = at.place();
  }
}

void undistortCentroids(const Match& m) {
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

// Turns numbers per strip in `start` into each strip's first place; the rank within is known.
void sumUp(const Match& m) {
  std::uint32_t sum = 0;
  for (std::size_t s = 0; s < startsOf(m.grid); ++s) {
    const std::uint32_t number = m.w.start[s];
    m.w.start[s] = static_cast<std::uint16_t>(sum);
    sum += number;
  }
}

// Centroids in the order of their strips: counted, then put in place. Addresses never wait for what
// was stored just before, as they would with one pass.
void sortCentroids(const Match& m) {
  std::uint16_t* start = m.w.start.data();
  std::uint16_t* rank = m.w.rank.data();
  const std::int32_t* strip = m.centroids.strip;
  std::fill_n(start, startsOf(m.grid), std::uint16_t{0});
  for (std::size_t i = 0; i < m.count; ++i) rank[i] = start[strip[i]]++;
  sumUp(m);
  std::int32_t* place = m.w.sorted_place.data();
  std::uint16_t* index = m.w.sorted_index.data();
  for (std::size_t i = 0; i < m.count; ++i) {
    const std::size_t at = static_cast<std::size_t>(start[strip[i]]) + rank[i];
    place[at] = m.centroids.place[i];
    index[at] = static_cast<std::uint16_t>(i);
  }
  std::fill_n(place + m.count, kPlacesBehind, kNoPlace);
}

// The two nearest predictions of a centroid, so far.
void offer(const Match& m, std::size_t prediction, std::size_t centroid, float squared) {
  ReconstructWorkspace& w = m.w;
  const std::uint64_t key = keyOf(squared, prediction);
  std::uint64_t &first = w.nearest[centroid], &second = w.second[centroid];
  if (first == kNobody) w.chosen.push_back(static_cast<std::uint16_t>(centroid));
  second = std::min(second, std::max(first, key));
  first = std::min(first, key);
  w.nearest_centroid[prediction] =
      std::min(w.nearest_centroid[prediction], keyOf(squared, centroid));
}

bool offerIfNear(const Match& m, std::size_t prediction, std::size_t centroid) {
  const Ray& ray = m.centroids.rays[centroid];
  const float du = ray.u - m.views.u[prediction], dv = ray.v - m.views.v[prediction];
  const float squared = du * du + dv * dv;
  const float reach = m.views.gate_px[prediction] + m.centroids.slack[centroid];
  if (!(squared <= reach * reach)) return false;
  offer(m, prediction, centroid, squared);
  return true;
}

void forgetOffers(const Match& m) {
  ReconstructWorkspace& w = m.w;
  w.chosen.clear();
  std::fill_n(w.nearest.begin(), m.count, kNobody);
  std::fill_n(w.second.begin(), m.count, kNobody);
  std::fill_n(w.nearest_centroid.begin(), m.state.predictions, kNobody);
}

// Takes a ray back: its prediction has a choice.
void takeBack(const Match& m, std::size_t prediction) {
  if (m.claims[prediction] == 0) return;
  m.claims[prediction] = 0;
  m.w.queue.push_back(static_cast<std::uint16_t>(prediction));
}

// Gives centroids to the predictions that find them alone, and nobody else does; others are queued.
void claimSingles(const Match& m) {
  ReconstructWorkspace& w = m.w;
  const std::size_t predictions = m.state.predictions;
  std::fill_n(w.owner.begin(), m.count + kOwnersBehind, std::uint16_t{0});
  std::fill_n(m.claims, roundUp(predictions), std::uint16_t{0});
  w.queue.resize(predictions + 1);
  w.queue.resize(m.state.kernels->claim(sortedOf(w), m.count, m.views, predictions,
                                        {.of_prediction = m.claims,
                                         .of_centroid = w.owner.data(),
                                         .queue = w.queue.data(),
                                         .scratch = w.found.data()}));
}

// Long blobs may be two markers in one, and are further from both.
void offerLong(const Match& m) {
  ReconstructWorkspace& w = m.w;
  const std::size_t behind = static_cast<std::size_t>(m.grid.strips);
  for (std::size_t k = w.start[behind]; k < m.count; ++k) {
    const std::size_t i = w.sorted_index[k];
    const Ray& ray = m.centroids.rays[i];
    if (!(ray.weight > 0.0f)) continue;
    const std::size_t near = m.state.kernels->gatherPredictions(
        m.views, roundUp(m.state.predictions), ray.u, ray.v, m.centroids.slack[i], w.near.data());
    for (std::size_t n = 0; n < near; ++n) {
      if (offerIfNear(m, w.near[n], i)) takeBack(m, w.near[n]);
    }
  }
}

// Offers all centroids in their gates to the predictions that have a choice, and so to those that
// have one of these, until none is left.
void offerQueued(const Match& m) {
  ReconstructWorkspace& w = m.w;
  for (std::size_t k = 0; k < w.queue.size(); ++k) {
    const std::size_t p = w.queue[k];
    const std::int32_t strips = m.views.strips[p];
    const std::size_t near =
        m.state.kernels->gather(sortedOf(w), w.start[static_cast<std::size_t>(strips & 0xffff)],
                                w.start[static_cast<std::size_t>(strips >> 16) + 1],
                                m.views.place[p], m.views.reach[p], w.near.data());
    for (std::size_t n = 0; n < near; ++n) {
      const std::size_t i = w.near[n], owner = w.owner[i + 1];
      if (offerIfNear(m, p, i) && owner != 0) takeBack(m, owner - 1);
    }
  }
}

void addRay(const Match& m, std::size_t prediction, std::size_t centroid, float u, float v,
            float weight) {
  if (m.rays.size() == m.rays.capacity()) return;
  m.claims[prediction] = static_cast<std::uint16_t>(m.rays.size());
  m.rays.push_back(
      {.u = u, .v = v, .weight = weight, .centroid = static_cast<std::uint32_t>(centroid)});
}

// One blob, two predictions, and no other blob for either.
struct Shared {
  std::size_t centroid, near, far;  // `near` is the prediction that is nearer.
};

// Splits a blob of two discs along the line between the two predictions: its middle is that of both
// areas, and their distance follows from second moments as well as from the predictions.
void split(const Match& m, const Shared& shared, float radius, float elongation) {
  const PredictedViews& views = m.views;
  const float du = views.u[shared.far] - views.u[shared.near];
  const float dv = views.v[shared.far] - views.v[shared.near];
  const float predicted = std::sqrt(du * du + dv * dv);
  // Two equal discs whose areas sum up to the blob's, e^2 = 1 + 2 (d / r)^2.
  const float measured = radius * std::sqrt(0.5f * (elongation * elongation - 1.0f));
  const float apart = 0.5f * (predicted + std::clamp(measured, 0.5f * predicted, 2.0f * predicted));
  const float area_near = views.scale[shared.near] * views.scale[shared.near];
  const float area_far = views.scale[shared.far] * views.scale[shared.far];
  const float share_far = area_far / (area_near + area_far);
  const float weight =
      weightOf(m.noise, radius, 0.1f * radius + 0.25f * std::abs(measured - predicted));
  const float u = m.centroids.rays[shared.centroid].u;
  const float v = m.centroids.rays[shared.centroid].v;
  const float to_near = -share_far * apart / predicted, to_far = to_near + apart / predicted;
  addRay(m, shared.near, shared.centroid, u + to_near * du, v + to_near * dv, weight);
  addRay(m, shared.far, shared.centroid, u + to_far * du, v + to_far * dv, weight);
  ++m.job.counters.merged;
}

// Decides by the blob's shape whether it is both markers in one, or one while the other is hidden.
void share(const Match& m, const Shared& shared) {
  const frame::Centroid& blob = m.job.centroids[shared.centroid];
  const float radius = std::clamp(blob.radius_px, 0.5f, 50.0f);
  const float elongation = std::clamp(blob.elongation, 1.0f, 5.0f);
  const float du = m.views.u[shared.far] - m.views.u[shared.near];
  const float dv = m.views.v[shared.far] - m.views.v[shared.near];
  const float apart = std::sqrt(du * du + dv * dv);
  const Ray whole = m.centroids.rays[shared.centroid];
  // Discs that touch are 1.4 radii of the whole apart; the predictions may be wrong by a little.
  const bool can_touch = apart < 1.5f * radius + 1.0f;
  const float expected = std::sqrt(1.0f + 2.0f * apart * apart / (radius * radius));
  if (can_touch && elongation > kLongBlob && elongation > 0.5f * (1.0f + expected) &&
      elongation < 1.4f * expected + 0.2f) {
    split(m, shared, radius, elongation);
    return;
  }
  if (can_touch && expected < 1.4f) {
    // So near to each other that the shape says little: it may be off by half their distance.
    addRay(m, shared.near, shared.centroid, whole.u, whole.v,
           weightOf(m.noise, radius, 0.5f * apart));
    return;
  }
  const float squared_near = squaredOf(m.w.nearest[shared.centroid]);
  const float squared_far = squaredOf(m.w.second[shared.centroid]);
  constexpr float kSquaredDoubt_px = 0.25f;
  if (squared_far < 4.0f * squared_near + kSquaredDoubt_px) {
    ++m.job.counters.ambiguous;  // Whose it is nobody knows; it is no third marker's either.
    return;
  }
  m.claims[shared.near] = static_cast<std::uint16_t>(shared.centroid + 1);
}

// Mutual nearest pairs become rays; others are left.
void takeMutual(const Match& m, std::size_t i, std::size_t& left) {
  const ReconstructWorkspace& w = m.w;
  const std::size_t p = indexOf(w.nearest[i]);
  if (w.nearest[i] == kNobody || indexOf(w.nearest_centroid[p]) != i) {
    m.w.left[left++] = static_cast<std::uint16_t>(i);
    return;
  }
  const std::size_t q = indexOf(w.second[i]);
  if (w.second[i] != kNobody && indexOf(w.nearest_centroid[q]) == i) {
    share(m, {.centroid = i, .near = p, .far = q});
    return;
  }
  m.claims[p] = static_cast<std::uint16_t>(i + 1);
}

// Lists the centroids that nobody has found.
std::size_t listLeft(const Match& m) {
  const ReconstructWorkspace& w = m.w;
  std::uint16_t* left = m.w.left.data();
  std::size_t count = 0;
  for (std::size_t i = 0; i < m.count; ++i) {
    left[count] = static_cast<std::uint16_t>(i);
    count +=
        (w.owner[i + 1] == 0) & (w.nearest[i] == kNobody) & (m.centroids.rays[i].weight > 0.0f);
  }
  return count;
}

// Returns the number of centroids that are left.
std::size_t matchCentroids(const Match& m) {
  sortCentroids(m);
  claimSingles(m);
  forgetOffers(m);
  offerLong(m);
  offerQueued(m);
  std::size_t left = listLeft(m);
  for (const std::uint16_t i : m.w.chosen) takeMutual(m, i, left);
  return left;
}

void setFree(const Match& m, std::size_t left) {
  std::vector<FreeCentroid>& free = m.state.free[m.job.camera];
  for (std::size_t k = 0; k < left; ++k) {
    const std::size_t i = m.w.left[k];
    const Ray& ray = m.centroids.rays[i];
    if (!(ray.weight > 0.0f)) continue;
    free.push_back({ray.u, ray.v, m.job.centroids[i].radius_px, static_cast<std::int32_t>(i)});
  }
}

void addSums(const Match& m) {
  ReconstructState& state = m.state;
  const std::size_t padded = roundUp(state.predictions);
  const std::size_t rays = state.kernels->accumulate(m.camera.view, m.rays.data(), m.claims, padded,
                                                     m.views, state.new_sums.data());
  m.job.counters.rays += static_cast<std::uint32_t>(rays);
  if (++state.unflushed < kCamerasPerFlush) return;
  state.unflushed = 0;
  state.kernels->flush(state.new_sums.data(), padded, state.sums.data());
}

}  // namespace

void MatchCamera::run() const {
  assert(camera < state.cameras.size() && state.kernels != nullptr);
  if (state.received[camera]) return;
  state.received[camera] = true;
  const PreparedCamera& prepared = state.cameras[camera];
  const std::size_t count = std::min(centroids.size(), kMaxCentroids);
  state.centroids[camera] = roundUp(count);
  state.rays[camera].resize(1 + roundUp(count));
  const double sigma = state.health[camera].sigma_px / static_cast<double>(kReferenceSigma_px);
  const Match m{.job = *this,
                .camera = prepared,
                .state = state,
                .w = workspace,
                .views = viewsOf(workspace),
                .centroids = centroidsOf(state, workspace, camera),
                .rays = state.rays[camera],
                .claims = &state.ray_of[camera * raysPerCamera(state)],
                .grid = makeStripGrid(prepared.view),
                .count = count,
                .noise = static_cast<float>(sigma * sigma)};
  const ViewGates gates{.smallest_px = static_cast<float>(settings.smallest_gate_px),
                        .largest_px = static_cast<float>(settings.largest_gate_px),
                        .nearest = static_cast<float>(settings.nearest)};
  state.kernels->project(prepared.view, gates, m.grid, state.x.data(), state.y.data(),
                         state.z.data(), state.reach.data(), roundUp(state.predictions), m.views);
  undistortCentroids(m);
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
