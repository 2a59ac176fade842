#pragma once

#include <cstdint>

#include "engine/core/result.h"

namespace understudy::pipeline {

/// What the picture shows of a subject that was lost: first its last pose, held and flagged, so
/// that a moment's loss does not make a character blink; then it fades, so that nobody takes a
/// frozen pose for a performance.
struct PresenceSettings {
  double hold_seconds = 0.25;  ///< How long the last pose is held.
  double fade_seconds = 0.75;  ///< How long it takes to vanish after that.
};

/// Says which setting is out of range, if any.
core::Result<void> check(const PresenceSettings& settings);

/// Share of a subject that is shown: 1 while it is solved (`seconds_lost` = 0) or held, then
/// falling to 0.
float presenceAfter(double seconds_lost, const PresenceSettings& settings);

}  // namespace understudy::pipeline
