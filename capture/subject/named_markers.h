#pragma once

#include <string>
#include <vector>

#include "capture/file/marker_clip.h"
#include "capture/subject/landmarks.h"
#include "capture/subject/marker_set.h"
#include "engine/core/result.h"

namespace understudy::subject {

/// A recording's markers under the names of a marker set.
struct NamedMarkers {
  file::MarkerClip clip;               ///< Only the set's markers, in the recording's order.
  std::vector<std::size_t> place;      ///< Per marker of the clip: which of the set's it is.
  std::vector<std::string> left_out;   ///< Names in the recording that are none of the set's.
  std::vector<std::string> not_found;  ///< The set's markers that the recording does not have.
};

/// Finds the set's markers in a recording by name or alias: case, separators, a subject's prefix
/// ("Anna:LFHD") and a prefix that all names share do not matter. Of two that are the same, the
/// first stands. Fails with one line where no name matches.
core::Result<NamedMarkers> nameMarkers(const file::MarkerClip& clip, const MarkerSet& set);

/// What the set's own names say of the body: points and segments from the set, points from
/// `general` where the set gives none.
LandmarkNames landmarkNames(const MarkerSet& set, const LandmarkNames& general);

}  // namespace understudy::subject
