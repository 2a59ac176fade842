#include "tools/calibrate/subject_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "capture/file/marker_file.h"
#include "capture/source/labelled_recording.h"
#include "capture/subject/named_markers.h"
#include "capture/subject/static_fit.h"
#include "engine/asset/clip_file.h"
#include "tools/simulation/calibrated_subjects.h"

namespace understudy::calibrate_tool {
namespace {

// Joint centres from skin markers are centimetres off, and offsets with them.
constexpr double kFitBoneSigma = 0.020, kFitOffsetSigma = 0.025;

void keepSeconds(double seconds, file::MarkerClip& clip) {
  if (!(seconds > 0.0) || !(clip.rate_hz > 0.0)) return;
  const double frames = std::max(1.0, std::round(seconds * clip.rate_hz));
  if (frames >= static_cast<double>(clip.frames)) return;
  clip.frames = static_cast<std::size_t>(frames);
  clip.positions.resize(clip.frames * clip.names.size());
}

std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t kMost = 8;
  const std::vector<std::string> some(
      names.begin(), names.begin() + static_cast<std::ptrdiff_t>(std::min(names.size(), kMost)));
  return fmt::format("{}{}", fmt::join(some, ", "), names.size() > kMost ? ", ..." : "");
}

}  // namespace

core::Result<SubjectSource> readMarkers(const std::string& path,
                                        const simulation::SimulationFlags& flags) {
  const file::MarkerOptions options{
      .unit_m = asset::unitMetres(flags.unit),
      .up = flags.up.empty() ? std::nullopt : std::optional<char>(flags.up.front())};
  auto clip = file::loadMarkerClip(path, options);
  if (!clip) return clip.error();
  const auto names_path = simulation::findAsset("markersets/landmarks.toml");
  if (!names_path) return names_path.error();
  auto names = subject::loadLandmarkNames(*names_path);
  if (!names) return names.error();
  SubjectSource source;
  source.warnings = clip->warnings;
  subject::MarkerSet set;
  if (!flags.marker_set.empty()) {
    auto loaded = subject::loadMarkerSet(flags.marker_set);
    if (!loaded) return loaded.error();
    set = *std::move(loaded);
    auto named = subject::nameMarkers(*clip, set);
    if (!named) return core::makeError(path + ": " + named.error().message);
    if (!named->left_out.empty()) {
      source.warnings.push_back(fmt::format("{} markers are not of set {} and are left out: {}",
                                            named->left_out.size(), set.name,
                                            listed(named->left_out)));
    }
    if (!named->not_found.empty()) {
      source.warnings.push_back(fmt::format("{} markers of set {} are not in the recording: {}",
                                            named->not_found.size(), set.name,
                                            listed(named->not_found)));
    }
    *clip = std::move(named->clip);
    *names = subject::landmarkNames(set, *names);
  }
  keepSeconds(flags.seconds, *clip);
  subject::StaticFitSettings fit_settings{.names = *std::move(names)};
  if (!clip->subjects.empty()) fit_settings.name = clip->subjects.front();
  auto fit = subject::fitSubject(*clip, fit_settings);
  if (!fit) return core::makeError(path + ": " + fit.error().message);
  if (fit->kind != subject::StaticFitKind::body) {
    return core::makeError(fmt::format(
        "{}: its {} markers make no body: needed are front and back of the waist, knees and ankles "
        "of both sides, under names that are known; give their set with --markerset",
        path, clip->names.size()));
  }
  source.warnings.insert(source.warnings.end(), fit->warnings.begin(), fit->warnings.end());
  source.initial = std::move(fit->subject);
  source.clip = *std::move(clip);
  source.settings.bone_sigma = kFitBoneSigma;
  source.settings.offset_sigma = kFitOffsetSigma;
  source.settings.skin_share = simulation::slideShares(source.initial, set);
  source.settings.threads = std::max<std::size_t>(flags.threads, 2);
  return source;
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
