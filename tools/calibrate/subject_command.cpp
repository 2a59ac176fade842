#include "tools/calibrate/subject_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <memory>

#include "capture/file/marker_file.h"
#include "capture/subject/subject_file.h"
#include "tools/calibrate/subject_report.h"
#include "tools/calibrate/subject_source.h"
#include "tools/report/progress.h"

namespace understudy::calibrate_tool {
namespace {

constexpr double kDefaultSeconds = 15.0;

struct SubjectCommand {
  simulation::SimulationFlags flags{};
  std::vector<std::string> others{};
  std::string file{}, play{}, name{}, out{}, json_path{};
  bool range_of_motion = false;
};

int fail(int code, const core::Error& error) {
  fmt::print(stderr, "understudy-calibrate: {}\n", error.message);
  return code;
}

core::Result<void> checkUsage(const SubjectCommand& command) {
  if (!command.play.empty()) {
    return core::makeError(
        "--play: a take holds camera packets without names; calibrate from a .c3d or .trc file of "
        "labelled markers, or from the simulated stage");
  }
  if (!command.file.empty()) {
    if (!file::isReadableMarkerKind(command.file)) return file::unreadableMarkerKind(command.file);
    if (!command.flags.motions.empty() || command.range_of_motion) {
      return core::makeError(
          "a marker file is calibrated as it is; leave --motion and "
          "--range-of-motion away");
    }
  }
  for (const std::string& other : command.others) {
    if (command.file.empty()) {
      return core::makeError("--with adds to a marker file; give that file first");
    }
    if (!file::isReadableMarkerKind(other)) return file::unreadableMarkerKind(other);
  }
  return simulation::check(command.flags);
}

core::Result<SubjectSource> gather(const SubjectCommand& command) {
  if (!command.file.empty()) return readMarkers(command.file, command.others, command.flags);
  const std::uint64_t frames = command.flags.frameCount(kDefaultSeconds);
  report::Progress progress("frames", frames);
  const bool moves = command.range_of_motion || command.flags.motions.empty();
  return simulateMarkers(command.flags, moves, frames,
                         [&](std::uint64_t done) { progress.show(done); });
}

int run(const CLI::App& app, const SubjectCommand& command, report::Json json) {
  if (const auto sound = checkUsage(command); !sound) return fail(2, sound.error());
  for (const std::string& path : {command.json_path, command.out}) {
    if (const auto writable = report::checkWritable(path); !writable) {
      return fail(2, writable.error());
    }
  }
  auto source = gather(command);
  if (!source) return fail(2, source.error());
  const auto begin = std::chrono::steady_clock::now();
  auto calibration = calibrate::calibrateSubject(source->clip, source->initial, source->settings);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (!calibration) {
    const std::string place = command.file.empty() ? "" : command.file + ": ";
    return fail(2, core::makeError(place + calibration.error().message));
  }
  if (!command.name.empty()) calibration->subject.name = command.name;
  std::optional<TruthErrors> errors;
  if (source->truth) errors = compareWithTruth(*source->truth, *calibration);
  std::vector<std::string> warnings = source->warnings;
  warnings.insert(warnings.end(), calibration->warnings.begin(), calibration->warnings.end());
  for (const std::string& warning : warnings) fmt::print(stderr, "note: {}\n", warning);
  if (command.json_path != "-") printSubject(*calibration, seconds, errors);
  if (!command.out.empty()) {
    if (auto saved = subject::saveSubject(calibration->subject, command.out); !saved) {
      return fail(1, saved.error());
    }
  }
  if (command.json_path.empty()) return 0;
  json["changed_flags"] = report::Json::object();
  for (const auto& [flag, value] : simulation::changedFlags(app)) {
    json["changed_flags"][flag] = value;
  }
  json["warnings"] = warnings;
  addSubjectKeys(*calibration, seconds, errors, json);
  if (auto written = report::writeReport(json, command.json_path); !written) {
    return fail(1, written.error());
  }
  return 0;
}

}  // namespace

std::function<int()> addSubjectCommand(CLI::App& app, int argument_count, char** arguments) {
  CLI::App* subject = app.add_subcommand(
      "subject",
      "Finds bone lengths and marker offsets from 10 to 20 s of free motion, without a T-pose");
  auto command = std::make_shared<SubjectCommand>();
  subject->add_option("file", command->file,
                      "labelled markers, .c3d or .trc; without it the simulated stage");
  subject
      ->add_option("--with", command->others,
                   "another recording of the same performer and markers, such as a standing trial; "
                   "repeatable")
      ->type_name("FILE");
  subject->add_option("--play", command->play, "a take")->type_name("TAKE");
  simulation::addSimulationFlags(*subject, command->flags);
  subject->add_flag(
      "--range-of-motion", command->range_of_motion,
      "the simulated performer moves every joint through its range instead of playing "
      "its motion; the default without --motion");
  subject->add_option("--name", command->name, "name of the subject");
  subject->add_option("--out", command->out, "writes the subject")->type_name("SUBJECT.toml");
  subject->add_option("--json", command->json_path, "writes a report; - is standard output")
      ->type_name("FILE");
  return [subject, command, argument_count, arguments] {
    if (!subject->parsed()) return -1;
    return run(*subject, *command,
               report::makeReport({.program = "understudy-calibrate",
                                   .argument_count = argument_count,
                                   .arguments = arguments,
                                   .seed = command->flags.stage.seed}));
  };
}

}  // namespace understudy::calibrate_tool
