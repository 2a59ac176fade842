#include "capture/solve/recognise_prop.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <string>

#include "capture/subject/clip_geometry.h"
#include "engine/math/exponential.h"

namespace understudy::solve {
namespace {

using math::RigidTransformd;

constexpr std::size_t kMost = PropPattern::kMost;
constexpr std::size_t kMostCandidates = 8;
constexpr std::size_t kMostNear = 512;
constexpr double kThinnest = 0.010;  // Triangles flatter than this place nothing, metres.
constexpr double kSlack = 1.5;       // Both ends of a distance are off: in tolerances.

double squaredDistance(const glm::dvec3& a, const glm::dvec3& b) {
  const glm::dvec3 between = a - b;
  return glm::dot(between, between);
}

double lengthOf(const glm::dvec3& v) { return std::sqrt(glm::dot(v, v)); }

bool isThin(const glm::dvec3& a, const glm::dvec3& b, const glm::dvec3& c) {
  const double longest =
      std::sqrt(std::max({squaredDistance(a, b), squaredDistance(b, c), squaredDistance(a, c)}));
  return lengthOf(glm::cross(b - a, c - a)) < kThinnest * longest;
}

// The fit of the prop to the points that its markers have so far.
RigidTransformd fitMatched(const PropPattern& pattern, std::span<const glm::dvec3> points,
                           const std::array<std::int32_t, kMost>& point_of_marker) {
  std::array<glm::dvec3, kMost> from, to;
  std::size_t count = 0;
  for (std::size_t m = 0; m < pattern.size(); ++m) {
    if (point_of_marker[m] < 0) continue;
    from[count] = pattern.points[m];
    to[count++] = points[static_cast<std::size_t>(point_of_marker[m])];
  }
  return subject::fitRigid({from.data(), count}, {to.data(), count});
}

// The same from three points that are no thin triangle: exact in the first one, the first side's
// direction and the plane; enough to let the others vote.
RigidTransformd placeTriangle(const std::array<glm::dvec3, 3>& from,
                              const std::array<glm::dvec3, 3>& to) {
  const auto axes = [](const std::array<glm::dvec3, 3>& p) {
    const glm::dvec3 side = p[1] - p[0];
    const glm::dvec3 x = side / lengthOf(side);
    const glm::dvec3 across = glm::cross(x, p[2] - p[0]);
    const glm::dvec3 z = across / std::max(lengthOf(across), 1e-12);
    return glm::dmat3(x, glm::cross(z, x), z);
  };
  const glm::dmat3 turn = axes(to) * glm::transpose(axes(from));
  const glm::dquat rotation = glm::normalize(glm::quat_cast(turn));
  return {rotation, to[0] - rotation * from[0]};
}

bool isElsewhere(const PropPlacement& a, const PropPlacement& b, const PropPattern& pattern) {
  constexpr double kApart = 0.02;  // Of any marker.
  for (const glm::dvec3& point : pattern.points) {
    if (squaredDistance(a.world_from_prop * point, b.world_from_prop * point) > kApart * kApart) {
      return true;
    }
  }
  return false;
}

bool isBetter(const PropPlacement& a, const PropPlacement& b) {
  return a.matched != b.matched ? a.matched > b.matched : a.rms < b.rms;
}

// The candidates nearest to where the placement has the markers; a point serves one marker.
void vote(const RecogniseProp& job, std::size_t anchor, std::int32_t anchor_point, double reach,
          PropPlacement& trial) {
  PropWorkspace& w = job.workspace;
  const PropPattern& pattern = job.pattern;
  trial.matched = 0;
  double squares = 0.0;
  for (std::size_t m = 0; m < pattern.size(); ++m) {
    trial.point_of_marker[m] = -1;
    const glm::dvec3 expected = trial.world_from_prop * pattern.points[m];
    double nearest = reach * reach;
    const std::size_t count = m == anchor ? 1 : w.candidate_count[m];
    for (std::size_t c = 0; c < count; ++c) {
      const std::int32_t point = m == anchor ? anchor_point : w.candidates[m][c];
      const double squared = squaredDistance(job.points[static_cast<std::size_t>(point)], expected);
      if (squared >= nearest) continue;
      nearest = squared;
      trial.point_of_marker[m] = point;
    }
    if (trial.point_of_marker[m] < 0) continue;
    ++trial.matched;
    squares += nearest;
  }
  trial.rms = std::sqrt(squares / static_cast<double>(std::max<std::size_t>(trial.matched, 1)));
  w.tests += static_cast<std::uint32_t>(pattern.size());
}

void offer(const RecogniseProp& job, const PropPlacement& trial) {
  PropWorkspace& w = job.workspace;
  if (w.best.matched > 0 && !isElsewhere(trial, w.best, job.pattern)) {
    if (isBetter(trial, w.best)) w.best = trial;
  } else if (isBetter(trial, w.best)) {
    w.second = w.best;
    w.best = trial;
  } else if (isBetter(trial, w.second)) {
    w.second = trial;
  }
}

// Places the prop by three points and lets all markers vote.
void tryTriangle(const RecogniseProp& job, const std::array<std::size_t, 3>& markers,
                 const std::array<std::int32_t, 3>& points, std::size_t fewest) {
  PropPlacement trial;
  trial.point_of_marker.fill(-1);
  std::array<glm::dvec3, 3> from, to;
  for (std::size_t t = 0; t < 3; ++t) {
    from[t] = job.pattern.points[markers[t]];
    to[t] = job.points[static_cast<std::size_t>(points[t])];
  }
  trial.world_from_prop = placeTriangle(from, to);
  vote(job, markers[0], points[0], 3.0 * job.settings.tolerance, trial);
  if (trial.matched < fewest) return;
  trial.world_from_prop = fitMatched(job.pattern, job.points, trial.point_of_marker);
  vote(job, markers[0], points[0], job.settings.tolerance, trial);
  if (trial.matched >= fewest) offer(job, trial);
}

// A triangle that the best placement has already made needs no second trial.
bool isKnown(const PropPlacement& best, const std::array<std::size_t, 3>& markers,
             const std::array<std::int32_t, 3>& points) {
  if (best.matched < 4) return false;
  for (std::size_t t = 0; t < 3; ++t) {
    if (best.point_of_marker[markers[t]] != points[t]) return false;
  }
  return true;
}

// All triangles of the anchor and two candidates whose third side fits, too.
void tryAnchor(const RecogniseProp& job, std::size_t anchor, std::int32_t point,
               std::size_t fewest) {
  PropWorkspace& w = job.workspace;
  const PropPattern& pattern = job.pattern;
  const double slack = kSlack * job.settings.tolerance;
  for (std::size_t a = 0; a < pattern.size(); ++a) {
    for (std::size_t b = a + 1; b < pattern.size(); ++b) {
      if (w.candidate_count[a] == 0 || w.candidate_count[b] == 0) continue;
      if (isThin(pattern.points[anchor], pattern.points[a], pattern.points[b])) continue;
      for (std::size_t i = 0; i < w.candidate_count[a]; ++i) {
        const std::int32_t pa = w.candidates[a][i];
        for (std::size_t k = 0; k < w.candidate_count[b]; ++k) {
          const std::int32_t pb = w.candidates[b][k];
          ++w.tests;
          if (pa == pb) continue;
          const double apart = lengthOf(job.points[static_cast<std::size_t>(pa)] -
                                        job.points[static_cast<std::size_t>(pb)]);
          if (std::abs(apart - pattern.apartOf(a, b)) > slack) continue;
          if (isKnown(w.best, {anchor, a, b}, {point, pa, pb})) continue;
          tryTriangle(job, {anchor, a, b}, {point, pa, pb}, fewest);
        }
      }
    }
  }
}

// The points around one point at a distance that the prop has somewhere.
void findNear(const RecogniseProp& job, std::size_t at, double reach) {
  PropWorkspace& w = job.workspace;
  const glm::dvec3 centre = job.points[static_cast<std::size_t>(w.order[at])];
  const double per_bin = 1.0 / job.pattern.bin_width;
  w.near.clear();
  const auto look = [&](std::size_t index) {
    const std::int32_t point = w.order[index];
    const glm::dvec3 between = job.points[static_cast<std::size_t>(point)] - centre;
    ++w.tests;
    if (std::abs(between.x) > reach) return false;
    const double squared = glm::dot(between, between);
    if (squared <= reach * reach && w.near.size() < kMostNear) {
      const double distance = std::sqrt(squared);
      w.near.push_back({point, distance, static_cast<std::uint16_t>(distance * per_bin)});
    }
    return true;
  };
  for (std::size_t i = at; i-- > 0;) {
    if (!look(i)) break;
  }
  for (std::size_t i = at + 1; i < w.order.size(); ++i) {
    if (!look(i)) break;
  }
}

// Candidates for every other marker if the point were this one; returns how many markers have any.
std::size_t findCandidates(const RecogniseProp& job, std::size_t anchor) {
  PropWorkspace& w = job.workspace;
  const double slack = kSlack * job.settings.tolerance;
  const std::uint16_t* signature = &job.pattern.signature[anchor * PropPattern::kBins];
  w.candidate_count.fill(0);
  std::size_t markers = 0;
  for (const PropWorkspace::Near& near : w.near) {
    for (std::uint32_t bits = signature[near.bin]; bits != 0; bits &= bits - 1) {
      const auto m = static_cast<std::size_t>(std::countr_zero(bits));
      if (std::abs(near.distance - job.pattern.apartOf(anchor, m)) > slack) continue;
      std::uint8_t& count = w.candidate_count[m];
      if (count == kMostCandidates) continue;
      markers += count == 0 ? 1 : 0;
      w.candidates[m][count++] = near.point;
    }
  }
  return markers;
}

bool isSure(const RecogniseProp& job, std::size_t needed, bool triangles) {
  const PropPlacement &best = job.workspace.best, &second = job.workspace.second;
  if (best.matched == job.pattern.size()) return true;
  if (best.matched >= needed) return best.matched > second.matched;
  return triangles && best.matched == 3 && second.matched == 0 &&
         best.rms <= job.settings.triangle_rms;
}

}  // namespace

core::Result<void> check(const PropSettings& s) {
  const auto outOfRange = [](const char* key, const char* condition) {
    return core::makeError(std::string("prop settings: ") + key + " must be " + condition);
  };
  if (!(s.tolerance > 0.0 && s.tolerance <= 0.1)) return outOfRange("tolerance", "in 0..0.1");
  if (!(s.smallest_share >= 0.0 && s.smallest_share <= 1.0)) {
    return outOfRange("smallest_share", "in 0..1");
  }
  if (!(s.triangle_rms >= 0.0)) return outOfRange("triangle_rms", ">= 0");
  if (s.every == 0) return outOfRange("every", "> 0");
  if (!(s.hidden_time >= 0.0)) return outOfRange("hidden_time", ">= 0");
  if (!(s.few_time >= 0.0)) return outOfRange("few_time", ">= 0");
  return {};
}

PropPattern makePropPattern(const subject::Subject& prop, double tolerance) {
  assert(subject::isProp(prop));
  PropPattern pattern;
  for (const subject::SubjectMarker& marker : prop.markers) {
    pattern.points.emplace_back(marker.offset_joint);
  }
  const std::size_t n = pattern.size();
  std::array<double, kMost> farthest{};
  double widest = 0.0;
  for (std::size_t a = 0; a < n; ++a) {
    pattern.central[a] = static_cast<std::uint8_t>(a);
    for (std::size_t b = 0; b < n; ++b) {
      const double apart = lengthOf(pattern.points[a] - pattern.points[b]);
      pattern.apart[a * kMost + b] = apart;
      farthest[a] = std::max(farthest[a], apart);
    }
    widest = std::max(widest, farthest[a]);
  }
  std::stable_sort(pattern.central.begin(),
                   pattern.central.begin() + static_cast<std::ptrdiff_t>(n),
                   [&](std::uint8_t a, std::uint8_t b) { return farthest[a] < farthest[b]; });
  const double slack = kSlack * tolerance;
  pattern.bin_width =
      std::max(2.0 * slack, (widest + 2.0 * slack) / static_cast<double>(PropPattern::kBins - 1));
  pattern.signature.assign(n * PropPattern::kBins, 0);
  for (std::size_t a = 0; a < n; ++a) {
    for (std::size_t b = 0; b < n; ++b) {
      if (a == b) continue;
      const double low = std::max(0.0, pattern.apartOf(a, b) - slack) / pattern.bin_width;
      const double high = (pattern.apartOf(a, b) + slack) / pattern.bin_width;
      for (auto bin = static_cast<std::size_t>(low);
           bin <= static_cast<std::size_t>(high) && bin < PropPattern::kBins; ++bin) {
        std::uint16_t& bits = pattern.signature[a * PropPattern::kBins + bin];
        bits = static_cast<std::uint16_t>(bits | (1u << b));
      }
    }
  }
  return pattern;
}

PropWorkspace makePropWorkspace(std::size_t most_points) {
  PropWorkspace w;
  w.order.reserve(most_points);
  w.near.reserve(kMostNear);
  return w;
}

void RecogniseProp::run() const {
  PropWorkspace& w = workspace;
  placement.found = false;
  w.best = w.second = {};
  w.order.clear();
  for (std::size_t p = 0; p < points.size() && w.order.size() < w.order.capacity(); ++p) {
    if (taken[p] == 0) w.order.push_back(static_cast<std::int32_t>(p));
  }
  const std::size_t n = pattern.size();
  const auto share =
      static_cast<std::size_t>(std::ceil(settings.smallest_share * static_cast<double>(n)));
  const std::size_t needed = std::max<std::size_t>(4, share);
  const bool triangles = share <= 3 && w.order.size() <= settings.triangle_points;
  const std::size_t fewest = triangles ? 3 : needed;
  if (w.order.size() < fewest || n < fewest) return;
  std::sort(w.order.begin(), w.order.end(), [&](std::int32_t a, std::int32_t b) {
    const double xa = points[static_cast<std::size_t>(a)].x;
    const double xb = points[static_cast<std::size_t>(b)].x;
    return xa != xb ? xa < xb : a < b;
  });
  // Of so many markers in sight, one is among the most central ones that can serve as anchor.
  const std::size_t anchors = n - fewest + 1;
  double reach = 0.0;
  for (std::size_t i = 0; i < anchors; ++i) {
    for (std::size_t m = 0; m < n; ++m)
      reach = std::max(reach, pattern.apartOf(pattern.central[i], m));
  }
  reach += kSlack * settings.tolerance;
  for (std::size_t at = 0; at < w.order.size() && w.tests < settings.tests; ++at) {
    findNear(*this, at, reach);
    if (w.near.size() + 1 < fewest) continue;
    for (std::size_t i = 0; i < anchors && w.tests < settings.tests; ++i) {
      const std::size_t anchor = pattern.central[i];
      if (findCandidates(*this, anchor) + 1 < fewest) continue;
      tryAnchor(*this, anchor, w.order[at], fewest);
    }
    if (w.best.matched == n) break;
  }
  if (!isSure(*this, needed, triangles)) return;
  placement = w.best;
  placement.found = true;
}

namespace {

/// The markers of a prop that are seen, and which of them are believed.
struct SeenMarkers {
  std::array<std::size_t, kMost> marker{};
  std::size_t count = 0;

  void drop(std::size_t at) {
    for (std::size_t i = at + 1; i < count; ++i) marker[i - 1] = marker[i];
    --count;
  }
};

// Drops the marker whose distances to the others are wrong most often, until none is.
void dropInconsistent(const PropPattern& pattern, double tolerance,
                      std::span<const glm::dvec3> point_of_marker, SeenMarkers& seen) {
  while (seen.count >= 3) {
    std::size_t worst = 0, most = 0;
    for (std::size_t i = 0; i < seen.count; ++i) {
      std::size_t wrong = 0;
      for (std::size_t k = 0; k < seen.count; ++k) {
        const std::size_t a = seen.marker[i], b = seen.marker[k];
        const double apart = lengthOf(point_of_marker[a] - point_of_marker[b]);
        wrong += std::abs(apart - pattern.apartOf(a, b)) > tolerance ? 1 : 0;
      }
      if (wrong <= most) continue;
      most = wrong;
      worst = i;
    }
    if (most == 0) return;
    seen.drop(worst);
  }
}

}  // namespace

void fitProp(const PropPattern& pattern, double tolerance,
             std::span<const glm::dvec3> point_of_marker, PropPlacement& placement) {
  placement = {};
  placement.point_of_marker.fill(-1);
  SeenMarkers seen;
  for (std::size_t m = 0; m < pattern.size(); ++m) {
    if (!std::isnan(point_of_marker[m].x)) seen.marker[seen.count++] = m;
  }
  dropInconsistent(pattern, tolerance, point_of_marker, seen);
  // Mirrored names keep all distances: only the fit shows them.
  while (seen.count >= 3) {
    std::array<glm::dvec3, kMost> from, to;
    for (std::size_t i = 0; i < seen.count; ++i) {
      from[i] = pattern.points[seen.marker[i]];
      to[i] = point_of_marker[seen.marker[i]];
    }
    placement.world_from_prop =
        subject::fitRigid({from.data(), seen.count}, {to.data(), seen.count});
    double squares = 0.0, most = 0.0;
    std::size_t worst = 0;
    for (std::size_t i = 0; i < seen.count; ++i) {
      const double squared = squaredDistance(to[i], placement.world_from_prop * from[i]);
      squares += squared;
      if (squared <= most) continue;
      most = squared;
      worst = i;
    }
    placement.rms = std::sqrt(squares / static_cast<double>(seen.count));
    if (most <= tolerance * tolerance) break;
    seen.drop(worst);
  }
  if (seen.count < 3) return;
  placement.matched = seen.count;
  for (std::size_t i = 0; i < seen.count; ++i) placement.point_of_marker[seen.marker[i]] = 0;
  // Markers on one line leave the turn about it open.
  for (std::size_t i = 2; i < seen.count && !placement.found; ++i) {
    placement.found = !isThin(pattern.points[seen.marker[0]], pattern.points[seen.marker[1]],
                              pattern.points[seen.marker[i]]);
  }
}

}  // namespace understudy::solve
