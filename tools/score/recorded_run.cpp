#include "tools/score/recorded_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "capture/subject/subject_file.h"

namespace understudy::score {
namespace {

using recorded::MovingBody;

core::Result<subject::Subject> calibrated(const RecordedRunOptions& options,
                                          const recorded::RecordedSubject& recording,
                                          RecordedRun& run) {
  if (!options.subject.empty()) return subject::loadSubject(options.subject);
  const auto begin = std::chrono::steady_clock::now();
  auto calibration =
      calibrate::calibrateSubject(recording.calibration, recording.initial, recording.settings);
  if (!calibration) {
    return core::makeError(options.recording.file + ": " + calibration.error().message);
  }
  run.calibration_seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  run.warnings.insert(run.warnings.end(), calibration->warnings.begin(),
                      calibration->warnings.end());
  run.calibration = *std::move(calibration);
  return run.calibration->subject;
}

// A model and what it made of the recording.
struct Solved {
  const subject::Subject& subject;
  const recorded::RecordedMotion& motion;
};

MarkerFigures measureMarkers(const Solved& solved, const file::MarkerClip& clip,
                             const recorded::SampleMask& left_out, bool held_out,
                             const std::vector<std::string>& measured) {
  MarkerFigures figures{.shown =
                            recorded::measureMisfit(solved.subject, solved.motion, clip, left_out)};
  if (!held_out) return figures;
  figures.held_out = recorded::measureHeldOut(solved.subject, clip, {}, left_out);
  figures.held_out_measured = figures.held_out->rmsOf(measured);
  figures.per_frame = recorded::measureMisfit(
      solved.subject, recorded::fitRecording(solved.subject, clip, {}), clip, left_out);
  return figures;
}

// Solves with their skeleton and markers as with ours.
core::Result<subject::Subject> solveTheirs(const file::MarkerClip& clip,
                                           recorded::ReferenceMotion& theirs,
                                           ReferenceFigures& figures) {
  const subject::Subject shown = recorded::withShownMarkers(*theirs.subject, clip);
  if (shown.markers.size() < 6) {
    return core::makeError(fmt::format(
        "only {} of the {} markers of the VSK file are in the recording; is it of this performer?",
        shown.markers.size(), theirs.subject->markers.size()));
  }
  theirs.motion = recorded::solveRecording(shown, clip, {});
  theirs.angles = recorded::measureFlexions(theirs.skeleton, theirs.humanoid, *theirs.motion);
  figures.notes.push_back(fmt::format(
      "a VSK file holds no motion: their skeleton and marker places ({} of {} markers shown) were "
      "solved by our solver, hinges as balls whose other axes are softly held",
      shown.markers.size(), theirs.subject->markers.size()));
  return shown;
}

// Samples that are far from both models.
recorded::SampleMask farFromBoth(const Solved& ours, const std::optional<Solved>& theirs,
                                 const file::MarkerClip& clip) {
  constexpr double kFar = 0.1;  // Metres.
  recorded::SampleMask strays = recorded::findStrays(ours.subject, ours.motion, clip, kFar);
  if (!theirs) return strays;
  const recorded::SampleMask their_strays =
      recorded::findStrays(theirs->subject, theirs->motion, clip, kFar);
  for (std::size_t i = 0; i < strays.size(); ++i) strays[i] &= their_strays[i];
  return strays;
}

std::vector<std::string> inBoth(const std::vector<std::string>& a,
                                const std::vector<std::string>& b) {
  std::vector<std::string> both;
  for (const std::string& name : a) {
    if (std::find(b.begin(), b.end(), name) != b.end()) both.push_back(name);
  }
  return both;
}

// Ours and theirs over the markers that both have.
CommonMarkers commonMarkers(const MarkerFigures& ours, const MarkerFigures& theirs) {
  const std::vector<std::string> names = inBoth(ours.shown.names, theirs.shown.names);
  CommonMarkers common{.markers = names.size(),
                       .ours_mm = ours.shown.rmsOf(names),
                       .theirs_mm = theirs.shown.rmsOf(names)};
  if (ours.held_out) common.ours_held_out_mm = ours.held_out->rmsOf(names);
  return common;
}

// Frames without a pose do not count; returns how many.
std::size_t leaveOutUnsolved(const recorded::RecordedMotion& motion, const file::MarkerClip& clip,
                             recorded::SampleMask& left_out) {
  std::size_t frames = 0;
  const std::size_t markers = clip.names.size();
  for (std::size_t f = 0; f < clip.frames; ++f) {
    if (f < motion.world_from_joint.size() && !motion.world_from_joint[f].empty()) continue;
    ++frames;
    std::fill_n(left_out.begin() + static_cast<std::ptrdiff_t>(f * markers), markers,
                std::uint8_t{1});
  }
  return frames;
}

void comparePlaces(const Solved& ours, const recorded::ReferenceMotion& theirs,
                   const file::MarkerClip& clip, const recorded::SampleMask& left_out,
                   ReferenceFigures& figures, RecordedRun& run) {
  const MovingBody mine{ours.subject.skeleton, ours.subject.humanoid, ours.motion};
  const MovingBody other{theirs.skeleton, theirs.humanoid, *theirs.motion};
  if (theirs.subject) {  // Solved in the recording's own world.
    figures.parts = recorded::compareParts(mine, other);
    return;
  }
  const math::RigidTransformd ours_from_theirs = recorded::alignWorlds(mine, other);
  const recorded::RecordedMotion there = recorded::moved(ours_from_theirs, *theirs.motion);
  figures.parts = recorded::compareParts(mine, {theirs.skeleton, theirs.humanoid, there});
  const double turn = 2.0 * std::acos(std::min(1.0, std::abs(ours_from_theirs.rotation.w)));
  figures.notes.push_back(fmt::format(
      "worlds: theirs is turned by {:.1f} degrees and shifted by {:.0f} mm, one constant transform "
      "for all frames",
      glm::degrees(turn), 1000.0 * glm::length(ours_from_theirs.translation)));
  figures.best = recorded::measureBestMisfit(there, clip, left_out);
  run.ours_best = recorded::measureBestMisfit(ours.motion, clip, left_out);
  figures.notes.push_back(
      "their file holds no marker places: each marker sits on the segment and in the place that "
      "suit it best in hindsight, theirs and ours alike");
}

core::Result<void> compare(const RecordedRunOptions& options, const Solved& ours,
                           const file::MarkerClip& clip, RecordedRun& run) {
  std::vector<std::string> measured = recorded::measuredWithout(ours.subject);
  std::optional<recorded::ReferenceMotion> theirs;
  ReferenceFigures figures;
  std::optional<subject::Subject> their_subject;
  std::optional<Solved> their_solution;
  if (!options.reference.empty()) {
    auto loaded = recorded::loadReference(options.reference, clip, options.reference_model);
    if (!loaded) return loaded.error();
    theirs = *std::move(loaded);
    figures.kind = theirs->kind;
    figures.notes = theirs->notes;
  }
  if (theirs && theirs->subject && theirs->motion) {
    their_subject = recorded::withShownMarkers(*theirs->subject, clip);
    their_solution.emplace(Solved{*their_subject, *theirs->motion});
    figures.notes.push_back(
        "theirs: the poses of their file and the marker places of their model, nothing of ours");
  } else if (theirs && theirs->subject) {
    auto shown = solveTheirs(clip, *theirs, figures);
    if (!shown) return core::makeError(options.reference + ": " + shown.error().message);
    their_subject = *std::move(shown);
    their_solution.emplace(Solved{*their_subject, *theirs->motion});
    measured = inBoth(measured, recorded::measuredWithout(*their_subject));
  }
  recorded::SampleMask left_out = farFromBoth(ours, their_solution, clip);
  run.mislabelled =
      static_cast<std::size_t>(std::count(left_out.begin(), left_out.end(), std::uint8_t{1}));
  if (theirs && theirs->motion) {
    if (const std::size_t frames = leaveOutUnsolved(*theirs->motion, clip, left_out)) {
      figures.notes.push_back(fmt::format(
          "{} frames have no pose of theirs; markers are compared in the others", frames));
    }
  }
  run.ours = measureMarkers(ours, clip, left_out, options.held_out, measured);
  if (!theirs) return {};
  if (their_solution) {
    const bool can_solve = theirs->kind == "vsk";
    figures.markers =
        measureMarkers(*their_solution, clip, left_out, options.held_out && can_solve, measured);
    figures.common = commonMarkers(run.ours, *figures.markers);
  }
  figures.flexions = recorded::compareFlexions(run.angles, theirs->angles);
  figures.notes.push_back(
      "angles: constant differences and the sign of each are conventions and are taken out");
  if (theirs->motion) comparePlaces(ours, *theirs, clip, left_out, figures, run);
  figures.angles = std::move(theirs->angles);
  run.reference = std::move(figures);
  return {};
}

}  // namespace

core::Result<RecordedRun> runRecorded(const RecordedRunOptions& options) {
  auto recording = recorded::readRecordedSubject(options.recording);
  if (!recording) return recording.error();
  const file::MarkerClip& clip = recording->clip;
  RecordedRun run{.file = options.recording.file,
                  .frames = clip.frames,
                  .rate_hz = clip.rate_hz,
                  .warnings = recording->warnings};
  auto whole = calibrated(options, *recording, run);
  if (!whole) return whole.error();
  const subject::Subject subject = recorded::withShownMarkers(*whole, clip);
  if (subject.markers.empty()) {
    return core::makeError(
        fmt::format("{}: shows none of the markers of subject {}; calibrate it "
                    "from this recording",
                    options.recording.file, whole->name));
  }
  run.markers = subject.markers.size();
  run.joints = subject.skeleton.size();
  run.freedoms = solve::makeSolveModel(subject).freedoms();
  const recorded::RecordedMotion motion = recorded::solveRecording(subject, clip, {});
  for (const auto& frame : motion.world_from_joint) run.unsolved += frame.empty() ? 1 : 0;
  run.restarts = motion.restarts;
  run.us_per_frame = motion.us_per_frame;
  run.angles = recorded::measureFlexions(subject.skeleton, subject.humanoid, motion);
  if (auto done = compare(options, {subject, motion}, clip, run); !done) return done.error();
  return run;
}

}  // namespace understudy::score
