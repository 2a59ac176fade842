#pragma once

#include <cstddef>
#include <cstdint>
#include <glm/glm.hpp>
#include <vector>

#include "capture/solve/solve_subject.h"
#include "capture/subject/subject.h"

namespace understudy::calibrate {

/// The sizes of a subject in double: where each joint sits on its parent and each marker on its
/// joint, metres.
struct BodySizes {
  std::vector<glm::dvec3> joint_place, marker_offset;
  std::vector<glm::dvec3> marker_slide;  ///< How far skin slides per radian that the marker's joint
                                         ///< is bent (bendOf), metres.
};

BodySizes sizesOf(const subject::Subject& subject);
/// Writes the places of sized joints and all offsets back; others keep theirs.
void setSizes(const BodySizes& sizes, subject::Subject& subject);

/// Numbers the sizes that are looked for: three per joint that turns about its parent and has
/// markers below it, six per marker: its offset and its slide. A joint's number is followed by
/// those of its markers and of the joints below it, so that all that hangs on a joint is one range.
struct SizeLayout {
  static constexpr std::int32_t kNone = -1;

  std::vector<std::int32_t> joint_first, marker_first;   ///< First of three; kNone for none.
  std::vector<std::int32_t> content_begin, content_end;  ///< What hangs on each joint.
  std::vector<std::vector<std::int32_t>>
      chain;  ///< Sized joints from each joint up, its own first.
  std::vector<std::vector<std::int32_t>>
      columns;  ///< Sizes that meet the freedoms of each joint:
                ///< first those of the chain, then what hangs on it.
  std::size_t count = 0;
};

SizeLayout layOutSizes(const subject::Subject& subject, const solve::SolveModel& model);

/// One way in which all that hangs on a joint can be turned (or, on a free root, shifted) without
/// any marker noticing, because the pose makes up for it: unit vector over all sizes.
struct GaugeDirection {
  std::vector<std::int32_t> index;
  std::vector<double> value;
};

/// All such directions at these sizes. Frames of joints are a convention, not a size.
std::vector<GaugeDirection> gaugeDirections(const subject::Subject& subject,
                                            const solve::SolveModel& model,
                                            const SizeLayout& layout, const BodySizes& sizes);

}  // namespace understudy::calibrate
