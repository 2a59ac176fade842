#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "capture/calibrate/calibrate_subject.h"
#include "capture/file/marker_clip.h"
#include "capture/subject/subject.h"
#include "engine/core/result.h"
#include "tools/simulation/simulation.h"

namespace understudy::calibrate_tool {

/// What is calibrated, and from what.
struct SubjectSource {
  file::MarkerClip clip;     ///< Labelled markers, names as the subject's.
  subject::Subject initial;  ///< The kind of body, sizes roughly.
  calibrate::CalibrateSettings settings;
  std::optional<subject::Subject> truth;  ///< Simulated performers only.
  std::vector<std::string> warnings;
};

/// Reads a marker file and makes the body that its names and one of its frames show. Names are
/// those of `marker_set`, a file; without one, those of all sets that we know. `others` are
/// recordings of the same performer and markers.
core::Result<SubjectSource> readMarkers(const std::string& path,
                                        const std::vector<std::string>& others,
                                        const simulation::SimulationFlags& flags);

/// Lets the first performer of the simulated stage move before its cameras: through a range of
/// motion, or as its clip does. `progress` is told the frames done.
core::Result<SubjectSource> simulateMarkers(const simulation::SimulationFlags& flags,
                                            bool range_of_motion, std::uint64_t frames,
                                            const std::function<void(std::uint64_t)>& progress);

}  // namespace understudy::calibrate_tool
