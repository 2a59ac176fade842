#pragma once

#include <cstddef>
#include <glm/glm.hpp>
#include <span>
#include <string>

#include "capture/subject/subject.h"
#include "engine/core/result.h"

namespace understudy::subject {

/// Fewer markers leave nothing to tell a prop by when one is hidden; with more, nothing is gained.
inline constexpr std::size_t kFewestPropMarkers = 4, kMostPropMarkers = 12;

/// Two markers of a prop must be this far apart, metres: nearer ones melt into one blob.
inline constexpr float kNearestPropMarkers = 0.015f;

/// A marker glued to a prop.
struct PropMarker {
  std::string name;
  glm::vec3 position_prop{0.0f};  ///< In the prop's own frame, metres.
};

/// True for a subject that is found and solved as one rigid body: a single free joint and at most
/// kMostPropMarkers markers.
bool isProp(const Subject& subject);

/// Fails with one line on what no prop can be: anything but one free joint, fewer than
/// kFewestPropMarkers or more than kMostPropMarkers markers, positions that are not finite or over
/// 10 m out, markers nearer to each other than kNearestPropMarkers, all markers on one line.
/// `place` starts the line.
core::Result<void> checkProp(const Subject& subject, const std::string& place);

/// A prop: one free joint of the same name whose frame is that of the positions. Fails as
/// checkProp and on names that are empty or used twice.
core::Result<Subject> makeProp(const std::string& name, std::span<const PropMarker> markers);

}  // namespace understudy::subject
