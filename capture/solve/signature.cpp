#include "capture/solve/signature.h"

#include <algorithm>
#include <cmath>

#include "capture/solve/recognise_steps.h"

namespace understudy::solve {
namespace {

constexpr std::size_t kMostAnchors = 4;
constexpr double kFlat = 1e-4;  // A triple of a smaller area, square metres, leaves its turn open.

double triangleArea(const glm::dvec3& a, const glm::dvec3& b, const glm::dvec3& c) {
  const glm::dvec3 n = glm::cross(b - a, c - a);
  return 0.5 * std::sqrt(glm::dot(n, n));
}

void listTriples(AnchorSegment& anchor) {
  for (std::size_t a = 0; a < anchor.count; ++a) {
    for (std::size_t b = a + 1; b < anchor.count; ++b) {
      for (std::size_t c = b + 1; c < anchor.count; ++c) {
        const double area =
            triangleArea(anchor.offset_joint[a], anchor.offset_joint[b], anchor.offset_joint[c]);
        if (area < kFlat) continue;
        anchor.triples.push_back({{static_cast<std::uint8_t>(a), static_cast<std::uint8_t>(b),
                                   static_cast<std::uint8_t>(c)},
                                  area});
      }
    }
  }
  std::stable_sort(anchor.triples.begin(), anchor.triples.end(),
                   [](const auto& a, const auto& b) { return a.area > b.area; });
}

// Brings those triples to the front that together leave out every marker once.
void coverMarkers(AnchorSegment& anchor) {
  std::uint32_t open = (1u << anchor.count) - 1u;  // Markers that all chosen triples hold.
  const auto bitsOf = [](const AnchorSegment::Triple& triple) {
    return (1u << triple.at[0]) | (1u << triple.at[1]) | (1u << triple.at[2]);
  };
  const auto bitCount = [](std::uint32_t bits) { return __builtin_popcount(bits); };
  while (open != 0 && anchor.cover < anchor.triples.size()) {
    std::size_t best = anchor.cover;
    for (std::size_t t = anchor.cover; t < anchor.triples.size(); ++t) {
      const bool closes_more = bitCount(open & bitsOf(anchor.triples[t])) <
                               bitCount(open & bitsOf(anchor.triples[best]));
      if (closes_more) best = t;
    }
    const std::uint32_t left = open & bitsOf(anchor.triples[best]);
    if (left == open) return;
    const auto first = anchor.triples.begin();
    const auto at = [&](std::size_t t) { return first + static_cast<std::ptrdiff_t>(t); };
    std::rotate(at(anchor.cover), at(best), at(best + 1));
    ++anchor.cover;
    open = left;
  }
}

AnchorSegment makeAnchor(const subject::Subject& subject, std::size_t joint) {
  AnchorSegment anchor;
  anchor.joint = joint;
  for (std::size_t m = 0; m < subject.markers.size(); ++m) {
    if (subject.markers[m].joint != static_cast<int>(joint)) continue;
    if (anchor.count == AnchorSegment::kMostMarkers) break;
    anchor.markers[anchor.count] = static_cast<std::int32_t>(m);
    anchor.offset_joint[anchor.count++] = glm::dvec3(subject.markers[m].offset_joint);
  }
  for (std::size_t a = 0; a < anchor.count; ++a) {
    for (std::size_t b = 0; b < anchor.count; ++b) {
      anchor.distance[a][b] = distance(anchor.offset_joint[a], anchor.offset_joint[b]);
    }
  }
  listTriples(anchor);
  coverMarkers(anchor);
  return anchor;
}

void listPairs(const subject::Subject& subject, std::vector<RigidPair>& pairs) {
  for (std::size_t a = 0; a < subject.markers.size(); ++a) {
    for (std::size_t b = a + 1; b < subject.markers.size(); ++b) {
      if (subject.markers[a].joint != subject.markers[b].joint) continue;
      pairs.push_back({static_cast<std::int32_t>(a), static_cast<std::int32_t>(b),
                       distance(glm::dvec3(subject.markers[a].offset_joint),
                                glm::dvec3(subject.markers[b].offset_joint))});
    }
  }
}

// The longest way from a joint along the tree to any marker: a bound for every pose.
double reachOf(const subject::Subject& subject, std::size_t joint) {
  constexpr double kSlack = 0.1;  // Free joints, and skin.
  const auto lengthOf = [&](std::size_t j) {
    return distance(glm::dvec3(subject.skeleton.parent_from_joint[j].translation), glm::dvec3(0.0));
  };
  std::vector<double> way(subject.skeleton.size(), -1.0);
  way[joint] = 0.0;
  for (std::size_t j = joint; j > 0;) {
    const auto parent = static_cast<std::size_t>(subject.skeleton.parents[j]);
    way[parent] = way[j] + lengthOf(j);
    j = parent;
  }
  for (std::size_t j = 1; j < way.size(); ++j) {
    if (way[j] < 0.0) {
      way[j] = way[static_cast<std::size_t>(subject.skeleton.parents[j])] + lengthOf(j);
    }
  }
  double longest = 0.0;
  for (const subject::SubjectMarker& marker : subject.markers) {
    longest = std::max(longest, way[static_cast<std::size_t>(marker.joint)] +
                                    distance(glm::dvec3(marker.offset_joint), glm::dvec3(0.0)));
  }
  return longest + kSlack;
}

}  // namespace

Signature makeSignature(const subject::Subject& subject) {
  Signature signature;
  for (std::size_t joint = 0; joint < subject.skeleton.size(); ++joint) {
    AnchorSegment anchor = makeAnchor(subject, joint);
    if (!anchor.triples.empty()) signature.anchors.push_back(std::move(anchor));
  }
  static constexpr std::size_t kEnough = 5;  // More markers make a segment no better.
  std::stable_sort(signature.anchors.begin(), signature.anchors.end(),
                   [](const AnchorSegment& a, const AnchorSegment& b) {
                     const std::size_t most_a = std::min(a.count, kEnough);
                     const std::size_t most_b = std::min(b.count, kEnough);
                     return most_a != most_b ? most_a > most_b
                                             : a.triples[0].area > b.triples[0].area;
                   });
  if (signature.anchors.size() > kMostAnchors) signature.anchors.resize(kMostAnchors);
  for (const AnchorSegment& anchor : signature.anchors) {
    for (std::size_t a = 0; a < anchor.count; ++a) {
      for (std::size_t b = 0; b < a; ++b) {
        signature.anchor_reach = std::max(signature.anchor_reach, anchor.distance[a][b]);
      }
    }
  }
  listPairs(subject, signature.pairs);
  for (AnchorSegment& anchor : signature.anchors) anchor.reach = reachOf(subject, anchor.joint);
  return signature;
}

std::vector<std::int32_t> makeNamesakes(const subject::Subject& from, const subject::Subject& to) {
  std::vector<std::int32_t> namesakes(from.markers.size(), -1);
  for (std::size_t m = 0; m < from.markers.size(); ++m) {
    for (std::size_t n = 0; n < to.markers.size(); ++n) {
      // Most subjects wear one set: the same place is looked at first.
      const std::size_t at = (m + n) % to.markers.size();
      if (from.markers[m].name != to.markers[at].name) continue;
      namesakes[m] = static_cast<std::int32_t>(at);
      break;
    }
  }
  return namesakes;
}

bool isBuiltAlike(const subject::Subject& a, const subject::Subject& b) {
  if (a.skeleton.parents != b.skeleton.parents) return false;
  for (std::size_t joint = 0; joint < a.joints.size(); ++joint) {
    if (a.joints[joint].motion != b.joints[joint].motion) return false;
    // Rest poses may differ in length, not in direction.
    const glm::quat &p = a.skeleton.parent_from_joint[joint].rotation,
                    &q = b.skeleton.parent_from_joint[joint].rotation;
    constexpr float kAlike = 0.9998f;  // Cosine of half the angle: two degrees.
    if (std::abs(glm::dot(p, q)) < kAlike) return false;
  }
  return true;
}

}  // namespace understudy::solve
