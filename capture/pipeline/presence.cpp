#include "capture/pipeline/presence.h"

#include <algorithm>

namespace understudy::pipeline {

core::Result<void> check(const PresenceSettings& settings) {
  const auto inRange = [](double seconds) { return seconds >= 0.0 && seconds <= 3600.0; };
  if (!inRange(settings.hold_seconds) || !inRange(settings.fade_seconds)) {
    return core::makeError("presence settings: hold_seconds and fade_seconds must be in 0..3600");
  }
  return {};
}

float presenceAfter(double seconds_lost, const PresenceSettings& settings) {
  const double faded = seconds_lost - settings.hold_seconds;
  if (faded <= 0.0) return 1.0f;
  if (faded >= settings.fade_seconds) return 0.0f;
  return static_cast<float>(1.0 - faded / settings.fade_seconds);
}

}  // namespace understudy::pipeline
