#include "tools/calibrate/subject_source.h"

#include <algorithm>

#include "capture/source/labelled_recording.h"
#include "tools/recorded/recorded_subject.h"
#include "tools/simulation/calibrated_subjects.h"

namespace understudy::calibrate_tool {

core::Result<SubjectSource> readMarkers(const std::string& path,
                                        const std::vector<std::string>& others,
                                        const simulation::SimulationFlags& flags) {
  auto recorded = recorded::readRecordedSubject({.file = path,
                                                 .others = others,
                                                 .marker_set = flags.marker_set,
                                                 .unit = flags.unit,
                                                 .up = flags.up,
                                                 .seconds = flags.seconds,
                                                 .threads = flags.threads});
  if (!recorded) return recorded.error();
  return SubjectSource{.clip = std::move(recorded->calibration),
                       .initial = std::move(recorded->initial),
                       .settings = recorded->settings,
                       .warnings = std::move(recorded->warnings)};
}

core::Result<SubjectSource> simulateMarkers(const simulation::SimulationFlags& flags,
                                            bool range_of_motion, std::uint64_t frames,
                                            const std::function<void(std::uint64_t)>& progress) {
  const double seconds = static_cast<double>(frames) / flags.rate_hz;
  auto simulation = simulation::makeSimulation(flags, range_of_motion ? seconds : 0.0);
  if (!simulation) return simulation.error();
  source::SimulatedStage& stage = simulation->stage;
  if (stage.isMarkerFile(0)) {
    return core::makeError(
        "a marker file as --motion has no true bones; give it without --motion to calibrate from "
        "it");
  }
  source::LabelledRecording recording(stage, 0);
  source::StageFrame frame = stage.makeFrame();
  for (std::uint64_t f = 0; f < frames; ++f) {
    stage.simulate(frame);
    recording.add(frame);
    progress(f + 1);
  }
  SubjectSource source;
  source.clip = recording.clip();
  source.initial = simulation::makeTemplate(stage.subjects()[0], {}, flags.stage.seed);
  source.truth = stage.subjects()[0];
  source.warnings = simulation->warnings;
  source.settings.skin_share = simulation::slideShares(source.initial, simulation->marker_set);
  source.settings.threads = std::max<std::size_t>(flags.threads, 2);
  return source;
}

}  // namespace understudy::calibrate_tool
