#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <memory>

#include "capture/file/marker_file.h"
#include "tools/recorded/reference_motion.h"
#include "tools/score/commands.h"
#include "tools/score/recorded_run.h"

namespace understudy::score {
namespace {

struct SolveCommand {
  RecordedRunOptions options{};
  std::string json_path{}, html_path{}, svg_path{};
  bool no_held_out = false;
};

int fail(int code, const core::Error& error) {
  fmt::print(stderr, "understudy-score: {}\n", error.message);
  return code;
}

core::Result<void> writeText(const std::string& text, const std::string& path) {
  if (path.empty()) return {};
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (file) return {};
  return core::makeError(path + ": cannot be written; check the folder and free space");
}

core::Result<void> checkUsage(const SolveCommand& command) {
  const recorded::SubjectOptions& recording = command.options.recording;
  if (!file::isReadableMarkerKind(recording.file)) {
    return file::unreadableMarkerKind(recording.file);
  }
  for (const std::string& other : recording.others) {
    if (!file::isReadableMarkerKind(other)) return file::unreadableMarkerKind(other);
  }
  const std::string& reference = command.options.reference;
  if (!reference.empty() && !recorded::isReferenceKind(reference)) {
    return recorded::loadReference(reference, {}).error();
  }
  for (const std::string& path : {command.json_path, command.html_path, command.svg_path}) {
    if (auto writable = report::checkWritable(path); !writable) return writable;
  }
  return {};
}

int run(const SolveCommand& command, report::Json json) {
  if (auto sound = checkUsage(command); !sound) return fail(2, sound.error());
  const auto run = runRecorded(command.options);
  if (!run) return fail(2, run.error());
  for (const std::string& warning : run->warnings) fmt::print(stderr, "note: {}\n", warning);
  if (command.json_path != "-") printRecorded(*run);
  addRecordedKeys(*run, json);
  json["warnings"] = run->warnings;
  for (const auto& [text, path] : {std::pair(recordedPage(*run, json), command.html_path),
                                   std::pair(recordedSvg(*run), command.svg_path)}) {
    if (auto written = writeText(text, path); !written) return fail(1, written.error());
  }
  if (command.json_path.empty()) return 0;
  if (auto written = report::writeReport(json, command.json_path); !written) {
    return fail(1, written.error());
  }
  return 0;
}

}  // namespace

Command addSolveCommand(CLI::App& app, std::function<report::Json()> header) {
  CLI::App* solve = app.add_subcommand(
      "solve", "Calibrates and solves a recording of labelled markers, beside another solver's");
  auto command = std::make_shared<SolveCommand>();
  recorded::SubjectOptions& recording = command->options.recording;
  solve->add_option("file", recording.file, "labelled markers, .c3d or .trc")->required();
  solve
      ->add_option("--with", recording.others,
                   "another recording of the same performer and markers, such as a standing trial, "
                   "for the calibration only; repeatable")
      ->type_name("FILE");
  solve
      ->add_option("--reference", command->options.reference,
                   "what another solver made of it: .amc (its .asf beside it), .vsk, .mot, .sto")
      ->type_name("FILE");
  solve
      ->add_option("--reference-model", command->options.reference_model,
                   "the .osim model of a .mot: its markers and joints are compared, too")
      ->type_name("FILE");
  solve->add_option("--subject", command->options.subject, "a subject instead of a calibration")
      ->type_name("SUBJECT.toml");
  solve->add_option("--markerset", recording.marker_set, "names of the markers")->type_name("FILE");
  solve->add_option("--unit", recording.unit, "of the file, where it does not say")
      ->check(CLI::IsMember({"m", "cm", "mm", "in"}));
  solve->add_option("--up", recording.up, "the file's upward axis, where it does not say")
      ->check(CLI::IsMember({"y", "z"}));
  solve->add_option("--seconds", recording.seconds, "of the file; 0 = all")
      ->check(CLI::Range(0.0, 1e6));
  solve->add_flag("--no-held-out", command->no_held_out,
                  "does not solve again without a tenth of the markers");
  solve->add_option("--json", command->json_path, "writes a report; - is standard output");
  solve->add_option("--html", command->html_path, "writes a page with plots");
  solve->add_option("--svg", command->svg_path, "writes the plots alone");
  return {solve, [command, header] {
            command->options.held_out = !command->no_held_out;
            return run(*command, header());
          }};
}

}  // namespace understudy::score
