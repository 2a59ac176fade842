#pragma once

#include <cstdint>
#include <vector>

#include "capture/solve/solve_lanes.h"

// What subjects share that are solved side by side. Steps of makeLaneGroups.

namespace understudy::solve {

/// Index lists of a shape (LaneShape), before they are put into one array.
struct ShapeLists {
  std::vector<std::int32_t> joint;  ///< Of the skeleton, per joint of the shape.
  std::vector<std::int32_t> parent, joint_freedom, joint_freedoms;
  std::vector<std::int32_t> freedom_joint, freedom_parent, leads;
  std::vector<std::int32_t> marker_joint, marker_also, marker_begin, marker_order;
  std::vector<std::int32_t> neighbour_start, neighbours, learns, foot_joint, hands;

  bool operator==(const ShapeLists&) const = default;
};

/// The shape of a subject. Offline: allocates.
ShapeLists listShape(const LaneSubject& of);

/// Gives a group its shape.
void fillShape(const ShapeLists& lists, LaneGroup& group);

}  // namespace understudy::solve
