#pragma once

#include <array>
#include <cstdint>
#include <glm/glm.hpp>
#include <span>
#include <vector>

#include "capture/subject/prop.h"
#include "engine/core/result.h"
#include "engine/math/rigid_transform.h"

namespace understudy::solve {

/// Tolerances and budgets of the recognition and the keeping of props.
struct PropSettings {
  double tolerance = 0.005;  ///< How far a marker may lie from its place on the prop, metres.
  double smallest_share =
      0.4;  ///< Share of a prop's markers, and four at least, that must be found.
  double triangle_rms = 0.0012;        ///< Three markers alone must fit as well as this, metres,
  std::uint32_t triangle_points = 12;  ///< with no more unnamed points than this on stage.
  std::uint32_t tests = 400000;        ///< Point tests per frame, all props together.
  std::uint32_t every = 6;             ///< Frames between two attempts to find a lost prop.
  double hidden_time = 0.25;  ///< A prop without any marker is lost after this many seconds,
  double few_time = 1.5;      ///< one with fewer than three after this many.
};

/// Says which setting is out of range, if any.
core::Result<void> check(const PropSettings& settings);

/// The distances between a prop's markers, laid out once.
struct PropPattern {
  static constexpr std::size_t kMost = subject::kMostPropMarkers;
  static constexpr std::size_t kBins = 512;

  std::vector<glm::dvec3> points;  ///< Prop frame, metres.
  std::array<double, kMost * kMost>
      apart{};  ///< Distance of marker a from marker b at a * kMost + b.
  std::array<std::uint8_t, kMost> central{};  ///< Marker numbers, the most central first.
  double bin_width = 0;                       ///< Of the distance signatures below, metres.
  /// Per marker and bin of distance: a bit for each marker that is about so far from it.
  std::vector<std::uint16_t> signature;

  std::size_t size() const { return points.size(); }
  double apartOf(std::size_t a, std::size_t b) const { return apart[a * kMost + b]; }
};

/// The pattern of a prop (subject::isProp); `tolerance` is PropSettings::tolerance.
PropPattern makePropPattern(const subject::Subject& prop, double tolerance);

/// Where a prop was found.
struct PropPlacement {
  bool found = false;
  std::size_t matched = 0;
  double rms = 0;  ///< Metres.
  math::RigidTransformd world_from_prop;
  std::array<std::int32_t, PropPattern::kMost> point_of_marker{};  ///< -1 for none.
};

/// Scratch; one per thread.
struct PropWorkspace {
  struct Near {
    std::int32_t point;
    double distance;
    std::uint16_t bin;
  };
  std::vector<std::int32_t> order;  ///< Points that are free, by x.
  std::vector<Near> near;
  std::array<std::array<std::int32_t, 8>, PropPattern::kMost> candidates{};
  std::array<std::uint8_t, PropPattern::kMost> candidate_count{};
  PropPlacement best, second;  ///< `second` lies elsewhere than `best`.
  std::uint32_t tests = 0;     ///< Counts on; the caller sets it to 0.
};

PropWorkspace makePropWorkspace(std::size_t most_points);

/// Finds a prop among 3D points, in any pose, from one frame. The distances of every point to the
/// points around it are looked up in the prop's signature; triangles that agree place the prop
/// (Horn 1987), and all its markers vote. Found is what has PropSettings::smallest_share of the
/// markers and more of them than any other place; where so few points are left that it cannot be
/// chance, also a lone triangle. A placement that another one equals (a flip) is refused, unless
/// every marker is found: then the pattern itself is symmetric.
struct RecogniseProp {
  const PropSettings& settings;
  const PropPattern& pattern;
  std::span<const glm::dvec3> points;   ///< World, metres; at most the workspace's capacity.
  std::span<const std::uint8_t> taken;  ///< Beside `points`; not 0 = not to be used.
  PropWorkspace& workspace;
  PropPlacement& placement;

  void run() const;
};

/// Fits the prop to points given by marker (NaN for none) and turns down those that lie off by more
/// than the tolerance: the largest set of markers that agree. Fills `placement` (`point_of_marker`
/// is 0 for those that agree, -1 for the others); found where three or more agree.
void fitProp(const PropPattern& pattern, double tolerance,
             std::span<const glm::dvec3> point_of_marker, PropPlacement& placement);

}  // namespace understudy::solve
