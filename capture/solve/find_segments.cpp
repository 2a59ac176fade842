#include "capture/solve/find_segments.h"

#include <algorithm>
#include <cmath>

#include "capture/solve/recognise_steps.h"

namespace understudy::solve {
namespace {

using math::RigidTransformd;
using Neighbour = PointField::Neighbour;

constexpr std::size_t kMost = AnchorSegment::kMostMarkers;

bool isBetter(const SegmentPlacement& a, const SegmentPlacement& b) {
  return a.inliers != b.inliers ? a.inliers > b.inliers : a.squared < b.squared;
}

// The points that were chosen for some markers of a segment, -1 for the others.
struct Choice {
  std::int32_t point[kMost];
};

// One search over the field.
struct SegmentSearch {
  const FindSegments& job;
  const AnchorSegment& anchor;
  std::uint32_t work = 0;

  const glm::dvec3& pointAt(std::int32_t p) const {
    return job.field.points[static_cast<std::size_t>(p)];
  }
  bool isFree(std::int32_t p) const { return !job.field.used[static_cast<std::size_t>(p)]; }
  bool isApart(std::int32_t p, std::int32_t q, double expected) const {
    const glm::dvec3 between = pointAt(p) - pointAt(q);
    const double squared = glm::dot(between, between);
    const double low = std::max(0.0, expected - job.tolerance), high = expected + job.tolerance;
    return squared >= low * low && squared <= high * high;
  }

  void run() {
    const bool all = job.missing > 1;
    const std::size_t triples = all ? anchor.triples.size() : anchor.cover;
    for (std::size_t t = 0; t < triples; ++t) {
      for (std::size_t p = 0; p < job.field.points.size(); ++p) {
        if (work > job.most_work) return;
        if (isFree(static_cast<std::int32_t>(p))) {
          searchAbout(static_cast<std::int32_t>(p), anchor.triples[t]);
        }
      }
    }
  }

  // The triple's first marker is on point i.
  void searchAbout(std::int32_t i, const AnchorSegment::Triple& triple) {
    const auto [a, b, c] = triple.at;
    const double ab = anchor.distance[a][b], ac = anchor.distance[a][c], bc = anchor.distance[b][c];
    const std::span<const Neighbour> near = job.field.neighboursOf(static_cast<std::size_t>(i));
    work += static_cast<std::uint32_t>(near.size());
    for (const Neighbour& j : near) {
      if (std::abs(j.distance - ab) > job.tolerance || !isFree(j.point)) continue;
      work += static_cast<std::uint32_t>(near.size());
      for (const Neighbour& k : near) {
        if (std::abs(k.distance - ac) > job.tolerance || k.point == j.point) continue;
        if (!isFree(k.point) || !isApart(j.point, k.point, bc)) continue;
        Choice choice;
        std::fill(std::begin(choice.point), std::end(choice.point), -1);
        choice.point[a] = i;
        choice.point[b] = j.point;
        choice.point[c] = k.point;
        extend(triple, near, choice);
      }
    }
  }

  // Looks for the other markers by their distances to the three, and keeps the place if enough are
  // there.
  void extend(const AnchorSegment::Triple& triple, std::span<const Neighbour> near,
              Choice& choice) {
    const auto [a, b, c] = triple.at;
    std::size_t lacking = 0;
    std::int32_t fourth = -1;
    for (std::size_t d = 0; d < anchor.count; ++d) {
      if (d == a || d == b || d == c) continue;
      for (const Neighbour& n : near) {
        if (std::abs(n.distance - anchor.distance[a][d]) > job.tolerance) continue;
        if (n.point == choice.point[b] || n.point == choice.point[c] || !isFree(n.point)) continue;
        if (!isApart(n.point, choice.point[b], anchor.distance[b][d]) ||
            !isApart(n.point, choice.point[c], anchor.distance[c][d]))
          continue;
        choice.point[d] = n.point;
        break;
      }
      work += static_cast<std::uint32_t>(near.size());
      if (choice.point[d] < 0 && ++lacking > job.missing) return;
      if (choice.point[d] >= 0 && fourth < 0) fourth = static_cast<std::int32_t>(d);
    }
    place(triple, near, choice, fourth);
  }

  void place(const AnchorSegment::Triple& triple, std::span<const Neighbour> near,
             const Choice& choice, std::int32_t fourth) {
    Correspondences pairs;
    const auto add = [&](std::size_t at) {
      pairs.add(anchor.offset_joint[at], pointAt(choice.point[at]), 1.0);
    };
    for (const std::uint8_t at : triple.at) add(at);
    if (fourth >= 0) add(static_cast<std::size_t>(fourth));
    SegmentPlacement placement;
    placement.joint = anchor.joint;
    placement.reach = anchor.reach;
    for (std::size_t n = 0; n < 3; ++n) placement.base[n] = choice.point[triple.at[n]];
    placement.world_from_joint = fitRigid(pairs, glm::dquat(1, 0, 0, 0), 0.0);
    countInliers(choice.point[triple.at[0]], near, placement);
    if (placement.inliers < 3 || placement.inliers + job.missing < anchor.count) return;
    keep(placement);
  }

  // Distances do not tell a body from its mirror image; places do.
  void countInliers(std::int32_t first, std::span<const Neighbour> near,
                    SegmentPlacement& placement) {
    const double reach = 1.25 * job.tolerance;
    glm::dvec3 middle(0.0);
    for (std::size_t d = 0; d < anchor.count; ++d) {
      const glm::dvec3 expected = placement.world_from_joint * anchor.offset_joint[d];
      middle += expected;
      glm::dvec3 between = pointAt(first) - expected;
      double best = glm::dot(between, between);
      for (const Neighbour& n : near) {
        if (!isFree(n.point)) continue;
        between = pointAt(n.point) - expected;
        best = std::min(best, glm::dot(between, between));
      }
      if (best > reach * reach) continue;
      ++placement.inliers;
      placement.squared += best;
    }
    work += static_cast<std::uint32_t>(near.size() * anchor.count);
    placement.middle = middle / static_cast<double>(anchor.count);
  }

  // One of every kind: the same segment at nearly the same place counts once.
  void keep(const SegmentPlacement& candidate) {
    constexpr double kSamePlace = 0.04, kSameTurn = 0.35;
    std::vector<SegmentPlacement>& list = job.placements;
    for (SegmentPlacement& other : list) {
      if (other.joint != candidate.joint) continue;
      const glm::dvec3 between = other.middle - candidate.middle;
      if (glm::dot(between, between) > kSamePlace * kSamePlace) continue;
      if (rotationAngle(other.world_from_joint.rotation, candidate.world_from_joint.rotation) >
          kSameTurn)
        continue;
      if (isBetter(candidate, other)) other = candidate;
      return;
    }
    if (list.size() < list.capacity()) {
      list.push_back(candidate);
      return;
    }
    const auto worst = std::max_element(list.begin(), list.end(), isBetter);
    if (isBetter(candidate, *worst)) *worst = candidate;
  }
};

}  // namespace

std::uint32_t FindSegments::run() const {
  placements.clear();
  std::uint32_t work = 0;
  for (const AnchorSegment& anchor : signature.anchors) {
    if (anchor.count < 4 && missing < 2) continue;  // Three points are a triangle, and many are.
    SegmentSearch search{.job = *this, .anchor = anchor, .work = work};
    search.run();
    work = search.work;
  }
  std::sort(placements.begin(), placements.end(),
            [](const SegmentPlacement& a, const SegmentPlacement& b) {
              if (a.inliers != b.inliers || a.squared != b.squared) return isBetter(a, b);
              return a.joint < b.joint;
            });
  return work;
}

}  // namespace understudy::solve
