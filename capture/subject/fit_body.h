#pragma once

#include <optional>
#include <span>
#include <vector>

#include "capture/subject/clip_geometry.h"
#include "capture/subject/static_fit.h"

namespace understudy::subject {

/// What is known of the clip before the skeleton is made.
struct FitInput {
  const file::MarkerClip& clip;
  const StaticFitSettings& settings;
  const std::vector<std::size_t>& frames;  ///< That stand for all.
  const DistanceTable& table;
};

/// The landmarks of the clip's markers, one per marker; nothing where the names are not those of a
/// body with pelvis and both legs.
std::optional<std::vector<std::optional<Landmark>>> readLandmarks(const FitInput& input);

/// A humanoid with joint centres from the landmarks.
StaticFit fitBody(const FitInput& input, std::span<const std::optional<Landmark>> landmarks);

/// A tree of groups of markers that move as one.
StaticFit fitSegments(const FitInput& input);

}  // namespace understudy::subject
