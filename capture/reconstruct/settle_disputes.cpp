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

// The two nearest predictions of a centroid, so far.
void offer(const Matching& m, std::size_t prediction, std::size_t centroid, float squared) {
  ReconstructWorkspace& w = m.w;
  const std::uint64_t key = keyOf(squared, prediction);
  std::uint64_t &first = w.nearest[centroid], &second = w.second[centroid];
  if (first == kNobody) w.chosen.push_back(static_cast<std::uint16_t>(centroid));
  second = std::min(second, std::max(first, key));
  first = std::min(first, key);
  w.nearest_centroid[prediction] =
      std::min(w.nearest_centroid[prediction], keyOf(squared, centroid));
}

bool offerIfNear(const Matching& m, std::size_t prediction, std::size_t centroid) {
  const Ray& ray = m.centroids.rays[centroid];
  const float du = ray.u - m.views.u[prediction], dv = ray.v - m.views.v[prediction];
  const float squared = du * du + dv * dv;
  const float reach = m.views.gate_px[prediction] + m.centroids.slack[centroid];
  if (!(squared <= reach * reach)) return false;
  offer(m, prediction, centroid, squared);
  return true;
}

void forgetOffers(const Matching& m) {
  ReconstructWorkspace& w = m.w;
  w.chosen.clear();
  std::fill_n(w.nearest.begin(), m.count, kNobody);
  std::fill_n(w.second.begin(), m.count, kNobody);
  std::fill_n(w.nearest_centroid.begin(), m.state.predictions, kNobody);
}

// Takes a ray back: its prediction has a choice.
void takeBack(const Matching& m, std::size_t prediction) {
  if (m.claims[prediction] == 0) return;
  m.claims[prediction] = 0;
  m.w.queue.push_back(static_cast<std::uint16_t>(prediction));
}

// Long blobs may be two markers in one, and are further from both.
void offerLong(const Matching& m, std::size_t longs) {
  ReconstructWorkspace& w = m.w;
  const std::size_t predictions = (m.state.predictions + 7) / 8 * 8;
  for (std::size_t k = 0; k < longs; ++k) {
    const std::size_t i = w.longs[k];
    const Ray& ray = m.centroids.rays[i];
    const std::size_t near = m.state.kernels->gatherPredictions(
        m.views, predictions, ray.u, ray.v, m.centroids.slack[i], w.near.data());
    for (std::size_t n = 0; n < near; ++n) {
      if (offerIfNear(m, w.near[n], i)) takeBack(m, w.near[n]);
    }
  }
}

// Offers all centroids in their gates to the predictions that have a choice, and so to those that
// have one of these, until none is left.
void offerQueued(const Matching& m) {
  ReconstructWorkspace& w = m.w;
  for (std::size_t k = 0; k < w.queue.size(); ++k) {
    const std::size_t p = w.queue[k];
    const std::size_t near =
        m.state.kernels->gather(m.cells, m.centroids.place, (m.count + 7) / 8 * 8, m.views.place[p],
                                m.views.reach[p], w.near.data());
    for (std::size_t n = 0; n < near; ++n) {
      const std::size_t i = w.near[n], owner = w.owner[i];
      if (offerIfNear(m, p, i) && owner != 0) takeBack(m, owner - 1);
    }
  }
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
      {.u = u, .v = v, .weight = weight, .centroid = static_cast<std::uint32_t>(centroid)});
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

// Lists the centroids that nobody has found.
std::size_t listLeft(const Matching& m, std::size_t longs) {
  ReconstructWorkspace& w = m.w;
  std::size_t left = 0;
  const auto keep = [&w, &left](std::uint16_t i) {
    if (w.nearest[i] == kNobody) w.left[left++] = i;
  };
  const std::size_t unowned = m.state.kernels->listUnowned(m.centroids.place, (m.count + 7) / 8 * 8,
                                                           w.owner.data(), w.near.data());
  for (std::size_t k = 0; k < unowned; ++k) keep(w.near[k]);
  for (std::size_t k = 0; k < longs; ++k) keep(w.longs[k]);
  return left;
}

}  // namespace

std::size_t settleDisputes(const Matching& m) {
  ReconstructWorkspace& w = m.w;
  const std::size_t longs =
      m.state.kernels->listLong(m.centroids, (m.count + 7) / 8 * 8, w.longs.data());
  forgetOffers(m);
  offerLong(m, longs);
  offerQueued(m);
  std::size_t left = listLeft(m, longs);
  for (const std::uint16_t i : w.chosen) takeMutual(m, i, left);
  return left;
}

}  // namespace understudy::reconstruct
