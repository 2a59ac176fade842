#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstring>

#include "capture/reconstruct/buffers.h"
#include "capture/reconstruct/reconstruct.h"

namespace understudy::reconstruct {
namespace {

constexpr std::uint64_t kNobody = ~std::uint64_t{0};

static_assert(sizeof(frame::Centroid) == 4 * sizeof(float));

// The job with its arrays at hand.
struct Match {
  const MatchCamera& job;
  const PreparedCamera& camera;
  ReconstructState& state;
  ReconstructWorkspace& w;
  PredictedViews views;
  UndistortedCentroids centroids;
  CellGrid grid;
  bool has_wide;      // Some gates are beyond half a cell.
  std::size_t count;  // Of centroids.
  float widest_px;    // Gate of those that are in the map.
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

// A lens that the kernel's polynomial cannot follow: one centroid after the other.
void undistortExactly(const Match& m) {
  const UndistortedCentroids& out = m.centroids;
  const PreparedCamera& camera = m.camera;
  const ViewCamera& view = camera.view;
  for (std::size_t i = 0; i < m.count; ++i) {
    const frame::Centroid& centroid = m.job.centroids[i];
    out.weight[i] = 0.0f;
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
    out.u[i] = u;
    out.v[i] = v;
    out.weight[i] = weightOf(m.noise, centroid.radius_px, 0.0f);
    out.slack[i] = centroid.elongation > kLongBlob ? 0.75f * clampRadius(centroid.radius_px) : 0.0f;
  }
}

void undistortCentroids(const Match& m) {
  const ProjectionKernels& kernels = *m.state.kernels;
  const std::size_t whole = m.count / 8 * 8;
  if (whole > 0) {
    kernels.undistort(m.camera.view, m.noise, &m.job.centroids[0].x_px, whole, m.centroids);
  }
  if (whole < m.count) {
    std::vector<frame::Centroid>& padded = m.w.padded;
    std::fill(padded.begin(), padded.end(), frame::Centroid{.x_px = -1.0f});
    std::copy(m.job.centroids.begin() + static_cast<std::ptrdiff_t>(whole),
              m.job.centroids.begin() + static_cast<std::ptrdiff_t>(m.count), padded.begin());
    kernels.undistort(m.camera.view, m.noise, &padded[0].x_px, 8,
                      {.u = m.centroids.u + whole,
                       .v = m.centroids.v + whole,
                       .weight = m.centroids.weight + whole,
                       .slack = m.centroids.slack + whole});
  }
  if (m.camera.exact_lens) undistortExactly(m);
}

// Writes every prediction into its cell of the map. Without a branch: which of them are in view is
// hard to foresee.
void stamp(const Match& m) {
  ReconstructWorkspace& w = m.w;
  std::uint32_t* cells = w.cells.data();
  std::uint16_t* next = w.next.data();
  for (std::size_t p = 0; p < m.state.predictions; ++p) {
    std::uint32_t& cell = cells[m.views.cell[p]];
    next[p] = static_cast<std::uint16_t>(cell & 0xffffu);
    cell = m.views.word[p] | (cell != 0 ? kOthersInCell : 0u);
  }
}

void unstamp(const Match& m) {
  std::uint32_t* cells = m.w.cells.data();
  for (std::size_t p = 0; p < m.state.predictions; ++p) cells[m.views.cell[p]] = 0;
}

// Lists the predictions that are in view but in no cell.
void listWide(const Match& m) {
  m.w.wide.clear();
  if (!m.has_wide) return;
  for (std::size_t p = 0; p < m.state.predictions; ++p) {
    if (m.views.gate_px[p] > 0.5f * m.grid.cell_px) {
      m.w.wide.push_back(static_cast<std::uint16_t>(p));
    }
  }
}

// The two nearest predictions of a centroid, so far.
struct Nearest {
  std::uint64_t first = kNobody, second = kNobody;

  void offer(std::uint64_t key) {
    second = std::min(second, std::max(first, key));
    first = std::min(first, key);
  }
};

// Tests one prediction against one centroid, for both sides.
void testPair(const Match& m, std::size_t prediction, std::size_t centroid, float u, float v,
              float slack, Nearest& nearest) {
  const float du = u - m.views.u[prediction], dv = v - m.views.v[prediction];
  const float squared = du * du + dv * dv, reach = m.views.gate_px[prediction] + slack;
  const std::uint64_t outside = squared <= reach * reach ? 0 : kNobody;
  nearest.offer(keyOf(squared, prediction) | outside);
  std::uint64_t& other = m.w.nearest_centroid[prediction];
  other = std::min(other, keyOf(squared, centroid) | outside);
  if (outside == 0) m.w.touched.push_back(static_cast<std::uint16_t>(prediction));
}

// All pairs of one centroid.
void findPairs(const Match& m, std::size_t i) {
  ReconstructWorkspace& w = m.w;
  const CellGrid& grid = m.grid;
  const float u = m.centroids.u[i], v = m.centroids.v[i], slack = m.centroids.slack[i];
  const float inverse = 1.0f / grid.cell_px, reach = 0.5f * grid.cell_px + slack;
  const auto cellOf = [inverse](float offset, std::int32_t cells) {
    return std::clamp(static_cast<std::int32_t>(offset * inverse + 1.0f), 0, cells - 1);
  };
  const std::int32_t left = cellOf(u - reach - grid.least_u, grid.columns);
  const std::int32_t right = cellOf(u + reach - grid.least_u, grid.columns);
  const std::int32_t top = cellOf(v - reach - grid.least_v, grid.rows);
  const std::int32_t bottom = cellOf(v + reach - grid.least_v, grid.rows);
  Nearest nearest;
  w.touched.clear();
  for (std::int32_t row = top; row <= bottom; ++row) {
    for (std::int32_t column = left; column <= right; ++column) {
      std::size_t p = w.cells[static_cast<std::size_t>(row * grid.columns + column)] & 0xffffu;
      for (; p != 0; p = w.next[p - 1]) testPair(m, p - 1, i, u, v, slack, nearest);
    }
  }
  for (const std::uint16_t p : w.wide) {
    const float du = u - m.views.u[p], dv = v - m.views.v[p], gate = m.views.gate_px[p] + slack;
    if (du * du + dv * dv <= gate * gate) testPair(m, p, i, u, v, slack, nearest);
  }
  w.nearest[i] = nearest.first;
  w.second[i] = nearest.second;
}

// The camera's row of ray_of: while its packet is matched, a prediction's ray so far in w.rays + 1.
std::uint16_t* claimsOf(const Match& m) { return &m.state.ray_of[m.job.camera * m.state.capacity]; }

// Takes a ray back and queues its centroid.
void takeBack(const Match& m, std::size_t prediction, std::size_t& taken) {
  ReconstructWorkspace& w = m.w;
  std::uint16_t* claims = claimsOf(m);
  const std::size_t at = claims[prediction] - 1u;
  w.queue.push_back(w.rays[at].centroid);
  w.rays[at] = w.rays[--taken];
  claims[w.rays[at].prediction] = static_cast<std::uint16_t>(at + 1);
  claims[prediction] = 0;
}

// Rays of centroids and predictions that have nobody but each other. The others are put into
// `queue`, and so are second claims on a prediction into `rivals`. Without a branch that is hard to
// foresee. Returns the number of rays.
std::size_t takeSimple(const Match& m) {
  ReconstructWorkspace& w = m.w;
  std::uint16_t* claims = claimsOf(m);
  std::fill_n(claims, m.state.predictions, std::uint16_t{0});
  w.queue.resize(m.count);
  w.left.resize(m.count);
  Ray* rays = w.rays.data();
  std::uint16_t* queue = w.queue.data();
  std::uint16_t* lefts = w.left.data();
  const std::int32_t* all_found = w.found.data();
  std::size_t taken = 0, queued = 0, left = 0;
  for (std::size_t i = 0; i < m.count; ++i) {
    const std::int32_t found = all_found[i];
    const bool simple = found >= 0;
    const std::size_t p = static_cast<std::size_t>(simple ? found : 0);
    rays[taken] = {.u = m.centroids.u[i],
                   .v = m.centroids.v[i],
                   .weight = m.centroids.weight[i],
                   .prediction = static_cast<std::uint16_t>(p),
                   .centroid = static_cast<std::uint16_t>(i)};
    const std::uint16_t claim = claims[p];
    if (simple && claim != 0) w.rivals.push_back(static_cast<std::uint16_t>(i));
    const bool takes = simple && claim == 0;
    taken += takes;
    claims[p] = takes ? static_cast<std::uint16_t>(taken) : claim;
    queue[queued] = static_cast<std::uint16_t>(i);
    queued += found == kNotSimple;
    lefts[left] = static_cast<std::uint16_t>(i);
    left += found == kNothingNear;
  }
  w.queue.resize(queued);
  w.left.resize(left);
  return taken;
}

// Finds each centroid's one prediction, where it can be no other.
void classify(const Match& m) {
  ReconstructWorkspace& w = m.w;
  const ProjectionKernels& kernels = *m.state.kernels;
  kernels.classify(m.grid, w.cells.data(), m.views, m.centroids, roundUp(m.count), m.widest_px,
                   w.found.data());
  w.queue.resize(m.count);
  std::size_t crowded = 0;
  for (std::size_t i = 0; i < m.count; ++i) {
    w.queue[crowded] = static_cast<std::uint16_t>(i);
    crowded += w.found[i] == kNotSimple;
  }
  kernels.lookCloser(m.grid, w.cells.data(), w.next.data(), m.views, m.centroids, w.queue.data(),
                     crowded, m.widest_px, w.found.data());
  for (const std::uint16_t p : w.wide) {
    kernels.claimWide(m.views, p, m.centroids, roundUp(m.count), w.found.data());
  }
}

// Centroids and predictions that have nobody but each other are pairs; the others are put into
// `queue`, and so are pairs that one of those might break, until none is left. Returns the number
// of rays.
std::size_t separate(const Match& m) {
  ReconstructWorkspace& w = m.w;
  std::size_t taken = takeSimple(m);
  const std::uint16_t* claims = claimsOf(m);
  for (const std::uint16_t i : w.rivals) {
    const std::size_t p = static_cast<std::size_t>(w.found[i]);
    if (claims[p] != 0) takeBack(m, p, taken);
    w.queue.push_back(i);
  }
  w.rivals.clear();
  if (w.queue.empty()) return taken;
  std::fill_n(w.nearest_centroid.begin(), m.state.predictions, kNobody);
  for (std::size_t k = 0; k < w.queue.size(); ++k) {
    findPairs(m, w.queue[k]);
    for (const std::size_t p : w.touched) {
      if (claims[p] != 0) takeBack(m, p, taken);
    }
  }
  return taken;
}

void addRay(const Match& m, std::size_t prediction, std::size_t centroid, float u, float v,
            float weight) {
  std::vector<Ray>& rays = m.state.rays[m.job.camera];
  if (rays.size() == rays.capacity()) return;
  rays.push_back({.u = u,
                  .v = v,
                  .weight = weight,
                  .prediction = static_cast<std::uint16_t>(prediction),
                  .centroid = static_cast<std::uint16_t>(centroid)});
  m.state.ray_of[m.job.camera * m.state.capacity + prediction] =
      static_cast<std::uint16_t>(rays.size());
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
  const float u = m.centroids.u[shared.centroid];
  const float v = m.centroids.v[shared.centroid];
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
  const float u = m.centroids.u[shared.centroid], v = m.centroids.v[shared.centroid];
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
    addRay(m, shared.near, shared.centroid, u, v, weightOf(m.noise, radius, 0.5f * apart));
    return;
  }
  const float squared_near = squaredOf(m.w.nearest[shared.centroid]);
  const float squared_far = squaredOf(m.w.second[shared.centroid]);
  constexpr float kSquaredDoubt_px = 0.25f;
  if (squared_far < 4.0f * squared_near + kSquaredDoubt_px) {
    ++m.job.counters.ambiguous;  // Whose it is nobody knows; it is no third marker's either.
    return;
  }
  addRay(m, shared.near, shared.centroid, u, v, m.centroids.weight[shared.centroid]);
}

void setFree(const Match& m, std::size_t i) {
  if (!(m.centroids.weight[i] > 0.0f)) return;
  m.state.free[m.job.camera].push_back({m.centroids.u[i], m.centroids.v[i],
                                        m.job.centroids[i].radius_px,
                                        static_cast<std::int32_t>(i)});
}

// Of those that have a choice, mutual nearest pairs become rays.
void takeMutual(const Match& m, std::size_t i) {
  const ReconstructWorkspace& w = m.w;
  const std::size_t p = indexOf(w.nearest[i]);
  if (w.nearest[i] == kNobody || indexOf(w.nearest_centroid[p]) != i) {
    setFree(m, i);
    return;
  }
  const std::size_t q = indexOf(w.second[i]);
  if (w.second[i] != kNobody && indexOf(w.nearest_centroid[q]) == i) {
    share(m, {.centroid = i, .near = p, .far = q});
    return;
  }
  addRay(m, p, i, m.centroids.u[i], m.centroids.v[i], m.centroids.weight[i]);
}

// Turns pairs into rays; what is left over is free for the cold search.
void takePairs(const Match& m, std::size_t taken) {
  const ReconstructWorkspace& w = m.w;
  m.state.rays[m.job.camera].assign(w.rays.data(), w.rays.data() + taken);
  for (const std::uint16_t i : w.left) setFree(m, i);
  for (const std::uint16_t i : w.queue) takeMutual(m, i);
}

// The finest grid in which no more than one prediction of sixteen has a wide gate.
int chooseLevel(const ViewCamera& view, const GateCounts& counts) {
  constexpr std::int32_t kFewWide = 16;
  int level = finestLevel(view);
  while (level + 1 < kGridLevels && kFewWide * counts.beyond[level] > counts.in_view) ++level;
  return level;
}

}  // namespace

void MatchCamera::run() const {
  assert(camera < state.cameras.size() && state.kernels != nullptr);
  if (state.received[camera]) return;
  state.received[camera] = true;
  const PreparedCamera& prepared = state.cameras[camera];
  const ViewGates gates{.smallest_px = static_cast<float>(settings.smallest_gate_px),
                        .largest_px = static_cast<float>(settings.largest_gate_px),
                        .nearest = static_cast<float>(settings.nearest)};
  const double sigma = state.health[camera].sigma_px / static_cast<double>(kReferenceSigma_px);
  const std::size_t padded = roundUp(state.predictions);
  const PredictedViews views = viewsOf(workspace);
  GateCounts counts;
  state.kernels->project(prepared.view, gates, state.x.data(), state.y.data(), state.z.data(),
                         state.reach.data(), padded, views, counts);
  const int level = chooseLevel(prepared.view, counts);
  Match m{.job = *this,
          .camera = prepared,
          .state = state,
          .w = workspace,
          .views = views,
          .centroids = centroidsOf(workspace),
          .grid = makeGrid(prepared.view, level),
          .has_wide = counts.beyond[level] > 0,
          .count = std::min(centroids.size(), kMaxCentroids),
          .widest_px = 0.0f,
          .noise = static_cast<float>(sigma * sigma)};
  undistortCentroids(m);
  if (state.predictions == 0) {  // A cold start.
    for (std::size_t i = 0; i < m.count; ++i) setFree(m, i);
    return;
  }
  m.widest_px = state.kernels->place(m.grid, padded, views);
  stamp(m);
  listWide(m);
  classify(m);
  takePairs(m, separate(m));
  unstamp(m);
  const std::vector<Ray>& rays = state.rays[camera];
  state.kernels->accumulate(prepared.view, rays.data(), rays.size(), m.views.u, m.views.v,
                            m.views.scale, state.sums.data());
  counters.rays += static_cast<std::uint32_t>(rays.size());
}

}  // namespace understudy::reconstruct
