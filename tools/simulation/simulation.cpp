#include "tools/simulation/simulation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "capture/camera/rig_file.h"
#include "capture/camera/ring_rig.h"
#include "capture/file/marker_file.h"
#include "capture/solve/refine_subject.h"
#include "capture/subject/static_fit.h"
#include "engine/anim/retarget.h"
#include "engine/asset/clip_file.h"
#include "tools/simulation/bump_flag.h"
#include "tools/simulation/calibrated_subjects.h"

namespace understudy::simulation {
namespace {

// Mean turn of all joints between two frames of a clip, radians.
double meanTurn(const anim::Clip& clip, std::size_t a, std::size_t b) {
  const std::size_t joints = clip.skeleton.size();
  double sum = 0.0;
  for (std::size_t j = 0; j < joints; ++j) {
    const glm::quat& from = clip.parent_from_joint[a * joints + j].rotation;
    const glm::quat& to = clip.parent_from_joint[b * joints + j].rotation;
    const double cosine = std::min(1.0, std::abs(static_cast<double>(glm::dot(from, to))));
    sum += 2.0 * std::acos(cosine);
  }
  return sum / static_cast<double>(joints);
}

// Many converted clips begin with one frame of a reference pose that the performer never took: no
// camera could have seen the leap from it.
void dropReferencePose(anim::Clip& clip, const std::string& name,
                       std::vector<std::string>& warnings) {
  if (clip.frames < 3) return;
  const double leap = meanTurn(clip, 0, 1), usual = meanTurn(clip, 1, 2);
  constexpr double kLeap = 0.1, kTimesUsual = 10.0;
  if (leap < kLeap || leap < kTimesUsual * usual) return;
  clip.parent_from_joint.erase(
      clip.parent_from_joint.begin(),
      clip.parent_from_joint.begin() + static_cast<std::ptrdiff_t>(clip.skeleton.size()));
  --clip.frames;
  warnings.push_back(name + ": the first frame is a reference pose, not motion; left out");
}

core::Result<source::PerformerMotion> loadMotion(const std::string& name,
                                                 const SimulationFlags& flags,
                                                 std::vector<std::string>& warnings) {
  const std::optional<double> unit = asset::unitMetres(flags.unit);
  const std::optional<char> up =
      flags.up.empty() ? std::nullopt : std::optional<char>(flags.up.front());
  const auto note = [&](const std::vector<std::string>& lines) {
    for (const std::string& line : lines) warnings.push_back(line);
  };
  if (file::isReadableMarkerKind(name)) {
    auto clip = file::loadMarkerClip(name, {.unit_m = unit, .up = up, .unlabelled = true});
    if (!clip) return clip.error();
    note(clip->warnings);
    return source::PerformerMotion(source::MarkerMotion{*std::move(clip)});
  }
  auto loaded = asset::loadClip(name, {.unit_m = unit, .up = up});
  if (!loaded) return loaded.error();
  note(loaded->clip.warnings);
  dropReferencePose(loaded->clip, name, warnings);
  anim::HumanoidMap humanoid = anim::recogniseHumanoid(loaded->clip.skeleton);
  std::vector<std::string> missing;
  if (!anim::isHumanoid(humanoid, &missing)) {
    return core::makeError(
        fmt::format("{}: no human performer: joints not recognised: {}; rename them or give "
                    "another clip",
                    name, fmt::join(missing, ", ")));
  }
  return source::PerformerMotion(
      source::ClipMotion{.clip = std::move(loaded->clip), .humanoid = std::move(humanoid)});
}

core::Result<subject::MarkerSet> loadSet(const SimulationFlags& flags) {
  if (!flags.marker_set.empty()) return subject::loadMarkerSet(flags.marker_set);
  const auto path = findAsset("markersets/body53.toml");
  if (!path) return path.error();
  return subject::loadMarkerSet(*path);
}

RetargetSource retargetSource(const source::PerformerMotion& motion) {
  const auto* clip = std::get_if<source::ClipMotion>(&motion);
  if (clip == nullptr) return {};
  return {.standing = anim::standingSkeleton(clip->clip, clip->humanoid),
          .ankle_height = anim::standingAnkleHeight(clip->clip, clip->humanoid)};
}

// The subject that a marker file shows, and where its names do not hold.
struct MarkerSubject {
  subject::Subject subject;
  solve::RecordedNames names;
};

core::Result<subject::StaticFit> fitAndRefine(const file::MarkerClip& clip,
                                              const subject::StaticFitSettings& settings,
                                              solve::RefineReport& refined) {
  auto fit = subject::fitSubject(clip, settings);
  if (fit) refined = solve::refineSubject(clip, {}, fit->subject);
  return fit;
}

std::string describeChanges(const file::MarkerClip& clip, const solve::RecordedNames& names) {
  std::set<std::size_t> markers;
  for (const solve::NameChange& change : names.changes) markers.insert(change.marker);
  std::string list;
  for (const std::size_t marker : markers) {
    list += (list.empty() ? "" : ", ") + clip.names[marker];
  }
  const solve::NameChange& first = names.changes.front();
  return fmt::format(
      "the recording's own names change hands {} times, first at frame {} ({:.2f} s), where what "
      "is "
      "called {} is {}; concerned are {}",
      names.changes.size(), first.first_frame + 1,
      static_cast<double>(first.first_frame) / clip.rate_hz, clip.names[first.marker],
      clip.names[first.really], list);
}

// The stage's own subject of a marker file only names the markers.
core::Result<MarkerSubject> fitMarkerSubject(const file::MarkerClip& clip, const std::string& name,
                                             std::vector<std::string>& warnings) {
  const auto path = findAsset("markersets/landmarks.toml");
  if (!path) return path.error();
  auto landmarks = subject::loadLandmarkNames(*path);
  if (!landmarks) return landmarks.error();
  const subject::StaticFitSettings settings{.name = name, .names = *std::move(landmarks)};
  solve::RefineReport refined;
  auto fit = fitAndRefine(clip, settings, refined);
  if (!fit) return fit.error();
  MarkerSubject found{.subject = {}, .names = solve::checkRecordedNames(clip, {}, fit->subject)};
  if (found.names.changes.empty()) {
    found.names.really.clear();
  } else {
    warnings.push_back(name + ": " + describeChanges(clip, found.names));
    fit = fitAndRefine(solve::renameMarkers(clip, found.names), settings, refined);
    if (!fit) return fit.error();
  }
  for (const std::string& line : fit->warnings) warnings.push_back(name + ": " + line);
  warnings.push_back(
      fmt::format("{}: bones and marker offsets were fitted over {} of its own frames: markers lie "
                  "{:.1f} mm off (rms)",
                  name, refined.frames, 1000.0 * refined.rms_after));
  found.subject = std::move(fit->subject);
  return found;
}

bool isUnnamed(const file::MarkerClip& clip) {
  return std::all_of(clip.names.begin(), clip.names.end(), [](const std::string& name) {
    return name.find_first_not_of("0123456789*#_ ") == std::string::npos;
  });
}

core::Result<camera::Rig> makeRig(const SimulationFlags& flags) {
  if (flags.rig.empty()) {
    return camera::makeRingRig(flags.cameras, flags.stage.actors, flags.rate_hz);
  }
  core::Result<camera::Rig> rig = camera::loadRig(flags.rig);
  if (rig) rig->rate_hz = flags.rate_hz;
  return rig;
}

source::StageSettings stageSettings(const SimulationFlags& flags, std::size_t motions) {
  source::StageSettings settings = flags.stage;
  settings.body_occlusion = !flags.no_body_occlusion;
  settings.bumps.clear();
  for (const std::string& text : flags.bumps) {
    if (const auto bump = readBump(text)) settings.bumps.push_back(*bump);
  }
  // More motions than performers asked for: one performer each.
  settings.actors = std::max(settings.actors, motions);
  return settings;
}

}  // namespace

core::Result<std::filesystem::path> findAsset(const std::string& relative) {
  std::error_code error;
  std::filesystem::path folder =
      std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  constexpr int kLevels = 4;
  for (int level = 0; level < kLevels && !folder.empty(); ++level) {
    for (const char* place : {"assets", "share/understudy"}) {
      const std::filesystem::path candidate = folder / place / relative;
      if (std::filesystem::exists(candidate, error)) return candidate;
    }
    if (folder == folder.root_path()) break;
    folder = folder.parent_path();
  }
  return core::makeError(fmt::format(
      "assets/{}: not found above the program; run it from where it was built or installed",
      relative));
}

core::Result<Simulation> makeSimulation(const SimulationFlags& flags,
                                        double range_of_motion_seconds) {
  std::vector<std::string> files = flags.motions, warnings;
  if (files.empty()) {
    if (std::error_code error; !std::filesystem::exists(kDemoMotion, error)) {
      return core::makeError(
          fmt::format("{}: the demo performance is not installed; run tools/setup or give --motion",
                      kDemoMotion));
    }
    files.emplace_back(kDemoMotion);
  }
  std::vector<source::PerformerMotion> motions;
  std::vector<RetargetSource> of_motion;
  std::vector<std::optional<subject::Subject>> fitted;  // Of marker files.
  std::vector<solve::RecordedNames> names;
  bool unnamed = false;
  for (const std::string& name : files) {
    core::Result<source::PerformerMotion> motion = loadMotion(name, flags, warnings);
    if (!motion) return motion.error();
    if (range_of_motion_seconds > 0.0 && std::holds_alternative<source::ClipMotion>(*motion)) {
      motion = rangeOfMotion(*motion, range_of_motion_seconds, flags.stage.seed);
      if (!motion) return motion.error();
    }
    of_motion.push_back(retargetSource(*motion));
    fitted.emplace_back();
    names.emplace_back();
    if (const auto* markers = std::get_if<source::MarkerMotion>(&*motion)) {
      auto subject = fitMarkerSubject(markers->clip, name, warnings);
      if (!subject) return subject.error();
      fitted.back() = std::move(subject->subject);
      names.back() = std::move(subject->names);
      unnamed = unnamed || isUnnamed(markers->clip);
    }
    motions.push_back(*std::move(motion));
  }
  const core::Result<subject::MarkerSet> set = loadSet(flags);
  if (!set) return set.error();
  const core::Result<camera::Rig> rig = makeRig(flags);
  if (!rig) return rig.error();
  core::Result<source::SimulatedStage> stage = source::SimulatedStage::create(
      stageSettings(flags, files.size()), std::move(motions), *set, *rig);
  if (!stage) return stage.error();
  warnings.insert(warnings.end(), stage->warnings().begin(), stage->warnings().end());
  std::vector<subject::Subject> subjects = stage->subjects();
  std::vector<RetargetSource> retarget;
  const std::size_t performers = subjects.size() - flags.stage.props;
  retarget.resize(subjects.size());
  for (std::size_t s = 0; s < performers; ++s) {
    retarget[s] = of_motion[s % of_motion.size()];
    if (const auto& fit = fitted[s % fitted.size()]) {
      const std::string name = subjects[s].name;
      subjects[s] = *fit;
      subjects[s].name = name;
    }
  }
  if (flags.subjects == "calibrated") {
    const auto calibrated = calibrateSubjects(*stage, *set, std::max<std::size_t>(flags.threads, 2),
                                              subjects, warnings);
    if (!calibrated) return calibrated.error();
  }
  return Simulation{.stage = *std::move(stage),
                    .marker_set = *set,
                    .motion_files = std::move(files),
                    .warnings = std::move(warnings),
                    .subjects = std::move(subjects),
                    .retarget = std::move(retarget),
                    .names = std::move(names),
                    .unnamed = unnamed};
}

}  // namespace understudy::simulation
