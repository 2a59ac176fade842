#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "capture/subject/subject.h"

namespace understudy::solve {

/// A segment whose markers' distances give it away, and the body with it.
struct AnchorSegment {
  static constexpr std::size_t kMostMarkers = 8;

  /// Three markers by place in `markers`.
  struct Triple {
    std::array<std::uint8_t, 3> at;
    double area;  ///< Square metres.
  };

  std::size_t joint = 0;
  std::size_t count = 0;                                ///< Of its markers, 3 to kMostMarkers.
  std::array<std::int32_t, kMostMarkers> markers{};     ///< Of the subject.
  std::array<glm::dvec3, kMostMarkers> offset_joint{};  ///< Metres.
  std::array<std::array<double, kMostMarkers>, kMostMarkers> distance{};  ///< Metres.
  std::vector<Triple> triples;  ///< Widest first, but the first `cover` leave no marker in all.
  std::size_t cover = 0;        ///< Triples that suffice where at most one marker is missing.
  double reach = 0;             ///< No marker of the body is farther from the joint, metres.
};

/// Two markers of one segment.
struct RigidPair {
  std::int32_t first = 0, second = 0;
  double distance = 0;  ///< Metres.
};

/// What is known of a subject before it is looked for. Laid out once.
struct Signature {
  std::vector<AnchorSegment> anchors;  ///< The best first, at most four.
  std::vector<RigidPair> pairs;
  double anchor_reach = 0;  ///< Largest distance between two markers of an anchor, metres.
};

Signature makeSignature(const subject::Subject& subject);

/// How the markers of one subject are called in another: per marker of `from` the marker of `to`
/// of the same name, -1 for none.
std::vector<std::int32_t> makeNamesakes(const subject::Subject& from, const subject::Subject& to);

/// True if the two skeletons are built alike, so that a pose of one is a pose of the other.
bool isBuiltAlike(const subject::Subject& a, const subject::Subject& b);

}  // namespace understudy::solve
