#pragma once

#include <cstdint>
#include <vector>

#include "capture/solve/point_field.h"
#include "capture/solve/signature.h"
#include "engine/math/rigid_transform.h"

namespace understudy::solve {

/// A segment of a subject on some points.
struct SegmentPlacement {
  std::size_t joint = 0;
  std::size_t inliers = 0;  ///< Of its markers.
  double squared = 0;       ///< Sum of their squared distances, square metres.
  math::RigidTransformd world_from_joint;
  glm::dvec3 middle{0.0};  ///< Of its markers in the world.
  double reach = 0;        ///< No marker of the body is farther from the segment's joint, metres.
  std::int32_t base[3] = {-1, -1, -1};  ///< Points of the field that three of its markers have.
};

/// Lists where the anchor segments of a subject may be: their markers' distances are looked up
/// among those of neighbouring points, which no turn of the body changes. Best first.
struct FindSegments {
  const Signature& signature;
  const PointField& field;
  double tolerance;         ///< Two markers of a segment may change their distance by this, metres.
  std::size_t missing;      ///< Markers of the segment that may be missing; 3 must be there.
  std::uint32_t most_work;  ///< Point tests; the list is short of some beyond that.
  std::vector<SegmentPlacement>& placements;  ///< Cleared, then filled up to its capacity.

  /// Returns the work done, in point tests.
  std::uint32_t run() const;
};

}  // namespace understudy::solve
