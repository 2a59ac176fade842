#include "capture/subject/static_fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "capture/subject/fit_body.h"

namespace understudy::subject {
namespace {

constexpr std::size_t kMostMarkers = 512;  // The table of distances and the solver stay small.
constexpr std::size_t kMostSamples = 300;

core::Result<void> checkMarkers(const file::MarkerClip& clip) {
  const std::size_t markers = clip.names.size();
  if (markers == 0 || clip.frames == 0) {
    return core::makeError("no marker to fit a subject to; label the recording first");
  }
  if (markers > kMostMarkers) {
    return core::makeError(fmt::format(
        "{} markers in one subject; at most {} can be fitted: split the recording by subject",
        markers, kMostMarkers));
  }
  if (clip.positions.size() / markers != clip.frames || clip.positions.size() % markers != 0) {
    return core::makeError(fmt::format("{} positions do not make {} frames of {} markers",
                                       clip.positions.size(), clip.frames, markers));
  }
  std::set<std::string> names;
  for (const std::string& name : clip.names) {
    if (!names.insert(name).second) {
      return core::makeError(
          fmt::format("marker \"{}\" is there twice; give each its own name", name));
    }
  }
  const bool any = std::any_of(clip.positions.begin(), clip.positions.end(), isSeen);
  if (!any) return core::makeError("no marker is ever seen; label the recording first");
  return {};
}

core::Error outOfRange(const char* key) {
  return core::makeError(fmt::format("static fit settings: {} must be > 0 and < 1 m", key));
}

}  // namespace

core::Result<void> check(const StaticFitSettings& s) {
  const auto sound = [](double value) { return value > 0.0 && value < 1.0; };
  if (!sound(s.rigid)) return outOfRange("rigid");
  if (!sound(s.widest)) return outOfRange("widest");
  if (!sound(s.knee_width)) return outOfRange("knee_width");
  if (!sound(s.ankle_width)) return outOfRange("ankle_width");
  if (!sound(s.elbow_width)) return outOfRange("elbow_width");
  if (!sound(s.marker_radius)) return outOfRange("marker_radius");
  return {};
}

core::Result<StaticFit> fitSubject(const file::MarkerClip& clip,
                                   const StaticFitSettings& settings) {
  if (const core::Result<void> checked = check(settings); !checked) return checked.error();
  if (const core::Result<void> checked = checkMarkers(clip); !checked) return checked.error();
  const std::vector<std::size_t> frames = spreadFrames(clip, kMostSamples);
  const DistanceTable table = measureDistances(clip, frames);
  const FitInput input{clip, settings, frames, table};
  const auto landmarks = readLandmarks(input);
  return landmarks ? fitBody(input, *landmarks) : fitSegments(input);
}

}  // namespace understudy::subject
