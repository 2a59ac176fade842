#include <bit>
#include <cmath>

#include "capture/reconstruct/matching.h"

namespace understudy::reconstruct {
namespace {

constexpr std::uint64_t kNobody = ~std::uint64_t{0};

// A pair's squared distance and the index of one of the two, ordered by distance, then index.
std::uint64_t keyOf(float squared, std::size_t index) {
  return std::uint64_t{std::bit_cast<std::uint32_t>(squared)} << 32 | index;
}
std::size_t indexOf(std::uint64_t key) { return key & 0xffffffffu; }
float squaredOf(std::uint64_t key) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(key >> 32));
}

// The two nearest predictions of a centroid, and the nearest centroid of a prediction, so far.
void offer(const Matching& m, std::size_t prediction, std::size_t centroid, float squared) {
  ReconstructWorkspace& w = m.w;
  const std::uint64_t key = keyOf(squared, prediction);
  std::uint64_t &first = w.nearest[centroid], &second = w.second[centroid];
  second = std::min(second, std::max(first, key));
  first = std::min(first, key);
  w.nearest_centroid[prediction] =
      std::min(w.nearest_centroid[prediction], keyOf(squared, centroid));
}

// Takes a prediction's centroid back, if it has one, to be settled with those in the queue.
void dispute(const Matching& m, std::size_t prediction) {
  ReconstructWorkspace& w = m.w;
  if (w.is_disputed[prediction] != 0) return;
  w.is_disputed[prediction] = 1;
  w.disputed.push_back(static_cast<std::uint16_t>(prediction));
  w.nearest_centroid[prediction] = kNobody;
  if (m.claims[prediction] == 0) return;
  const std::uint16_t centroid = static_cast<std::uint16_t>(m.claims[prediction] - 1);
  w.queue[w.queued++] = centroid;
  w.owner[centroid] = kDisputed;
  m.claims[prediction] = 0;
}

void offerIfNear(const Matching& m, std::size_t prediction, std::size_t centroid) {
  const Ray& ray = m.centroids.rays[centroid];
  const float du = ray.u - m.views.u[prediction], dv = ray.v - m.views.v[prediction];
  const float squared = du * du + dv * dv;
  const float reach = m.views.gate_px[prediction] + m.centroids.slack[centroid];
  if (!(squared <= reach * reach) || m.views.reach[prediction] == 0) return;
  dispute(m, prediction);
  offer(m, prediction, centroid, squared);
}

// Offers a centroid to the predictions that may be near enough, a long one further.
void offerToNear(const Matching& m, std::size_t centroid) {
  const Ray& ray = m.centroids.rays[centroid];
  const float slack = m.centroids.slack[centroid] * m.grid.quanta_per_px;
  const std::int32_t further = slack > 0.0f ? static_cast<std::int32_t>(slack) + kRounding : 0;
  // (a + b)^2 - a^2 with a the widest of all.
  const std::int32_t more = further * (2 * m.widest + further);
  const std::size_t near = m.state.kernels->listNear(
      m.views, roundUp(m.state.predictions), placeOf(m.grid, ray.u, ray.v), more, m.w.near.data());
  for (std::size_t k = 0; k < near; ++k) offerIfNear(m, m.w.near[k], centroid);
}

void claim(const Matching& m, std::size_t prediction, std::size_t centroid) {
  m.claims[prediction] = static_cast<std::uint16_t>(centroid + 1);
  m.w.owner[centroid] = static_cast<std::uint16_t>(prediction + 1);
}

void addRay(const Matching& m, std::size_t prediction, std::size_t centroid, float u, float v,
            float weight) {
  if (m.rays.size() == m.rays.capacity()) return;
  m.claims[prediction] = static_cast<std::uint16_t>(m.rays.size());
  m.w.owner[centroid] = static_cast<std::uint16_t>(prediction + 1);
  m.rays.push_back(
      {.u = u, .v = v, .weight = weight, .centroid = m.centroids.rays[centroid].centroid});
}

// One blob, two predictions, and no other blob for either.
struct Shared {
  std::size_t centroid, near, far;  // `near` is the prediction that is nearer.
};

// Splits a blob of two discs along the line between the two predictions: its middle is that of both
// areas, and their distance follows from second moments as well as from the predictions.
void split(const Matching& m, const Shared& shared, float radius, float elongation) {
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
void share(const Matching& m, const Shared& shared) {
  const Ray whole = m.centroids.rays[shared.centroid];
  const frame::Centroid& blob = m.job.centroids[whole.centroid];
  const float radius = std::clamp(blob.radius_px, 0.5f, 50.0f);
  const float elongation = std::clamp(blob.elongation, 1.0f, 5.0f);
  const float du = m.views.u[shared.far] - m.views.u[shared.near];
  const float dv = m.views.v[shared.far] - m.views.v[shared.near];
  const float apart = std::sqrt(du * du + dv * dv);
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
  claim(m, shared.near, shared.centroid);
}

// Mutual nearest pairs become rays; others are left.
void takeMutual(const Matching& m, std::size_t i, std::size_t& left) {
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
  claim(m, p, i);
}

// Remembers who did not get the centroid that was nearest, to ask again in the next frame.
void keepContenders(const Matching& m) {
  ReconstructWorkspace& w = m.w;
  CameraOrder& order = m.state.orders[m.job.camera];
  order.contender.clear();
  order.contended.clear();
  for (const std::uint16_t p : w.disputed) {
    w.is_disputed[p] = 0;
    const std::size_t nearest = indexOf(w.nearest_centroid[p]);
    if (w.owner[nearest] == p + 1u) continue;
    order.contender.push_back(p);
    order.contended.push_back(static_cast<std::uint16_t>(nearest));
  }
  w.disputed.clear();
}

}  // namespace

std::size_t settleDisputes(const Matching& m, std::size_t left) {
  ReconstructWorkspace& w = m.w;
  for (std::size_t k = 0; k < w.queued; ++k) {  // It grows.
    const std::size_t i = w.queue[k];
    w.nearest[i] = w.second[i] = kNobody;
    offerToNear(m, i);
  }
  for (std::size_t k = 0; k < w.queued; ++k) takeMutual(m, w.queue[k], left);
  keepContenders(m);
  return left;
}

}  // namespace understudy::reconstruct
