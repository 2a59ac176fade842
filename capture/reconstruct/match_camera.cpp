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
constexpr float kNarrowGate_px = 0.5f * kCell_px;
// A blob longer than this may be two; noise alone makes few discs so long.
constexpr float kLongBlob = 1.2f;

static_assert(sizeof(frame::Centroid) == 4 * sizeof(float));

// The job with its arrays at hand.
struct Match {
  const MatchCamera& job;
  const PreparedCamera& camera;
  ReconstructState& state;
  ReconstructWorkspace& w;
  PredictedViews views;
  UndistortedCentroids centroids;
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

// One over the variance of a disc's middle that may also be off by a bias; the rim that places it
// grows with the radius.
float weightOf(float noise, float radius_px, float bias_px) {
  constexpr float kReferenceRadius_px = 2.0f;
  const float extra = bias_px / kReferenceSigma_px;
  return 1.0f / (noise * kReferenceRadius_px / std::min(radius_px > 0.5f ? radius_px : 0.5f, 6.0f) +
                 extra * extra);
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
    out.cell[i] =
        static_cast<std::int32_t>((v - view.least_v) * (1.0f / kCell_px) + 0.5f) * view.columns +
        static_cast<std::int32_t>((u - view.least_u) * (1.0f / kCell_px) + 0.5f);
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
                       .cell = m.centroids.cell + whole});
  }
  if (m.camera.exact_lens) undistortExactly(m);
}

// Writes every prediction in view into its cell of the map; those with a wide gate into a list.
void stamp(const Match& m) {
  ReconstructWorkspace& w = m.w;
  w.wide.clear();
  for (std::size_t p = 0; p < m.state.predictions; ++p) {
    if (m.views.cell[p] < 0) continue;
    w.nearest_centroid[p] = kNobody;
    if (m.views.gate_px[p] > kNarrowGate_px) {
      w.wide.push_back(static_cast<std::uint16_t>(p));
      continue;
    }
    std::uint16_t& cell = w.cells[static_cast<std::size_t>(m.views.cell[p])];
    w.next[p] = cell;
    cell = static_cast<std::uint16_t>(p + 1);
  }
}

void unstamp(const Match& m) {
  ReconstructWorkspace& w = m.w;
  for (std::size_t p = 0; p < m.state.predictions; ++p) {
    if (m.views.cell[p] >= 0) w.cells[static_cast<std::size_t>(m.views.cell[p])] = 0;
  }
}

// Half the length that a long blob may have grown by another disc: its middle lies so much further
// from either marker.
float slackOf(const frame::Centroid& blob) {
  return blob.elongation > kLongBlob ? std::clamp(0.75f * blob.radius_px, 0.0f, 8.0f) : 0.0f;
}

// The two nearest predictions of a centroid, so far.
struct Nearest {
  std::uint64_t first = kNobody, second = kNobody;

  void offer(std::uint64_t key) {
    second = std::min(second, std::max(first, key));
    first = std::min(first, key);
  }
};

// Tests one prediction against one centroid, for both sides; without a branch, because half of all
// tests fail.
void testPair(const Match& m, std::size_t prediction, std::size_t centroid, float u, float v,
              float slack, Nearest& nearest) {
  const float du = u - m.views.u[prediction], dv = v - m.views.v[prediction];
  const float squared = du * du + dv * dv, reach = m.views.gate_px[prediction] + slack;
  const std::uint64_t outside = squared <= reach * reach ? 0 : kNobody;
  nearest.offer(keyOf(squared, prediction) | outside);
  std::uint64_t& other = m.w.nearest_centroid[prediction];
  other = std::min(other, keyOf(squared, centroid) | outside);
}

void findNearest(const Match& m) {
  ReconstructWorkspace& w = m.w;
  const std::size_t columns = static_cast<std::size_t>(m.camera.view.columns);
  for (std::size_t i = 0; i < m.count; ++i) {
    Nearest nearest;
    if (m.centroids.weight[i] > 0.0f) {
      const float u = m.centroids.u[i], v = m.centroids.v[i];
      const float slack = slackOf(m.job.centroids[i]);
      const std::uint16_t* cell = &w.cells[static_cast<std::size_t>(m.centroids.cell[i])];
      std::uint32_t upper, lower;  // Two cells each.
      std::memcpy(&upper, cell, sizeof(upper));
      std::memcpy(&lower, cell + columns, sizeof(lower));
      std::uint64_t heads = std::uint64_t{lower} << 32 | upper;
      while (heads != 0) {
        const int shift = std::countr_zero(heads) & 48;
        std::size_t p = (heads >> shift) & 0xffffu;
        heads &= ~(std::uint64_t{0xffffu} << shift);
        for (; p != 0; p = w.next[p - 1]) testPair(m, p - 1, i, u, v, slack, nearest);
      }
      for (const std::uint16_t p : w.wide) testPair(m, p, i, u, v, slack, nearest);
    }
    w.nearest[i] = nearest.first;
    w.second[i] = nearest.second;
  }
}

void addRay(const Match& m, std::size_t prediction, std::size_t centroid, float u, float v,
            float weight) {
  std::vector<Ray>& rays = m.state.rays[m.job.camera];
  std::uint16_t& slot = m.state.ray_of[m.job.camera * m.state.capacity + prediction];
  if (slot != 0 || rays.size() == rays.capacity()) return;
  rays.push_back({.u = u,
                  .v = v,
                  .weight = weight,
                  .prediction = static_cast<std::uint16_t>(prediction),
                  .centroid = static_cast<std::uint16_t>(centroid)});
  slot = static_cast<std::uint16_t>(rays.size());
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

// Turns mutual nearest pairs into rays; what is left over is free for the cold search.
void takePairs(const Match& m) {
  const ReconstructWorkspace& w = m.w;
  std::vector<FreeCentroid>& free = m.state.free[m.job.camera];
  for (std::size_t i = 0; i < m.count; ++i) {
    const std::size_t p = indexOf(w.nearest[i]);
    if (w.nearest[i] == kNobody || indexOf(w.nearest_centroid[p]) != i) {
      if (!(m.centroids.weight[i] > 0.0f)) continue;
      free.push_back({static_cast<double>(m.centroids.u[i]), static_cast<double>(m.centroids.v[i]),
                      m.job.centroids[i].radius_px, static_cast<std::int32_t>(i), false});
      continue;
    }
    const std::size_t q = indexOf(w.second[i]);
    if (w.second[i] != kNobody && indexOf(w.nearest_centroid[q]) == i) {
      share(m, {.centroid = i, .near = p, .far = q});
      continue;
    }
    addRay(m, p, i, m.centroids.u[i], m.centroids.v[i], m.centroids.weight[i]);
  }
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
  const Match m{.job = *this,
                .camera = prepared,
                .state = state,
                .w = workspace,
                .views = viewsOf(workspace),
                .centroids = centroidsOf(workspace),
                .count = std::min(centroids.size(), kMaxCentroids),
                .noise = static_cast<float>(sigma * sigma)};
  state.kernels->project(prepared.view, gates, state.x.data(), state.y.data(), state.z.data(),
                         state.reach.data(), roundUp(state.predictions), m.views);
  undistortCentroids(m);
  stamp(m);
  findNearest(m);
  unstamp(m);
  takePairs(m);
  const std::vector<Ray>& rays = state.rays[camera];
  state.kernels->accumulate(prepared.view, rays.data(), rays.size(), m.views.u, m.views.v,
                            m.views.scale, state.sums.data());
  counters.rays += static_cast<std::uint32_t>(rays.size());
}

}  // namespace understudy::reconstruct
