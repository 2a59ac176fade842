#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <limits>
#include <string>

#include "capture/pipeline/settings_file.h"
#include "capture/subject/pattern_check.h"
#include "tools/report/progress.h"
#include "tools/report/report.h"
#include "tools/score/commands.h"
#include "tools/score/held_out_run.h"
#include "tools/score/performances.h"
#include "tools/score/stage_report.h"
#include "tools/score/stage_run.h"
#include "tools/simulation/simulation.h"
#include "tools/simulation/whole_number.h"

using namespace understudy;

namespace {

constexpr double kDefaultSeconds = 10.0;
constexpr std::uint64_t kHeldOutFrames = 600;

int fail(int code, const core::Error& error) {
  fmt::print(stderr, "understudy-score: {}\n", error.message);
  return code;
}

struct StageCommand {
  simulation::SimulationFlags flags;
  std::uint64_t held_out_frames = kHeldOutFrames;
  std::string json_path;
};

core::Result<score::StageOutcome> measure(const StageCommand& command,
                                          simulation::Simulation& simulation,
                                          const pipeline::PipelineSettings& settings) {
  const std::uint64_t frames = command.flags.frameCount(kDefaultSeconds);
  auto outcome = [&] {
    report::Progress progress("frames", frames);
    return score::runStage(simulation, settings, frames,
                           [&](std::uint64_t done) { progress.show(done); });
  }();
  if (!outcome) return outcome;
  outcome->held_out_rms_mm = std::numeric_limits<double>::quiet_NaN();
  outcome->held_out_frames = std::min(frames, command.held_out_frames);
  if (outcome->held_out_frames == 0) return outcome;
  // The same subjects: what was calibrated once is not calibrated again.
  simulation::SimulationFlags flags = command.flags;
  flags.subjects = "true";
  auto fresh = simulation::makeSimulation(flags);
  if (!fresh) return fresh.error();
  fresh->subjects = simulation.subjects;
  report::Progress progress("frames with markers held out", outcome->held_out_frames);
  const auto rms = score::runHeldOut(*fresh, settings, outcome->held_out_frames,
                                     [&](std::uint64_t done) { progress.show(done); });
  if (!rms) return rms.error();
  outcome->held_out_rms_mm = *rms;
  return outcome;
}

int runStage(const CLI::App& app, const StageCommand& command, report::Json json) {
  if (auto sound = simulation::check(command.flags); !sound) return fail(2, sound.error());
  if (auto writable = report::checkWritable(command.json_path); !writable) {
    return fail(2, writable.error());
  }
  pipeline::PipelineSettings settings;
  if (!command.flags.settings.empty()) {
    auto loaded = pipeline::loadSettings(command.flags.settings);
    if (!loaded) return fail(1, loaded.error());
    settings = *loaded;
  }
  settings.threads = static_cast<std::uint32_t>(command.flags.threads);
  auto simulation = simulation::makeSimulation(command.flags);
  if (!simulation) return fail(1, simulation.error());
  for (const std::string& warning : simulation->warnings) {
    fmt::print(stderr, "note: {}\n", warning);
  }
  for (const std::string& warning : subject::confusionWarnings(simulation->subjects)) {
    fmt::print(stderr, "{}\n", warning);
    simulation->warnings.push_back(warning);
  }
  const auto outcome = measure(command, *simulation, settings);
  if (!outcome) return fail(1, outcome.error());
  if (command.json_path != "-") score::printStage(*outcome);
  if (command.json_path.empty()) return 0;
  json["motions"] = simulation->motion_files;
  json["changed_flags"] = report::Json::object();
  for (const auto& [name, value] : simulation::changedFlags(app)) {
    json["changed_flags"][name] = value;
  }
  if (const std::string why = score::whyNothingCorrect(*outcome); !why.empty()) {
    fmt::print(stderr, "note: {}\n", why);
    simulation->warnings.push_back(why);
  }
  json["warnings"] = simulation->warnings;
  score::addStageKeys(*outcome, json);
  if (auto written = report::writeReport(json, command.json_path); !written) {
    return fail(1, written.error());
  }
  return 0;
}

int run(int argument_count, char** arguments) {
  CLI::App app("Measures the algorithms against known truth.", "understudy-score");
  app.set_version_flag("--version", UNDERSTUDY_VERSION);
  app.require_subcommand(1);
  CLI::App* stage = app.add_subcommand(
      "stage", "Runs the simulated stage through the whole capture path, without a network");
  StageCommand command;
  command.flags.subjects = "calibrated";
  simulation::addSimulationFlags(*stage, command.flags);
  stage
      ->add_option("--held-out-frames", command.held_out_frames,
                   "length of the second run, without a tenth of the markers; 0 = none")
      ->check(simulation::wholeNumber(0, 1'000'000'000))
      ->capture_default_str();
  stage->add_option("--json", command.json_path, "writes a report; - is standard output")
      ->type_name("FILE");
  CLI::App* performances = app.add_subcommand(
      "performances", "Runs every marker file of a folder through simulated cameras: a table");
  score::PerformancesCommand table;
  performances->add_option("folder", table.folder, "folder with .c3d and .trc files")
      ->required()
      ->check(CLI::ExistingDirectory);
  simulation::addSimulationFlags(*performances, table.flags);
  performances->add_option("--json", table.json_path, "writes a report; - is standard output");
  performances->add_option("--html", table.html_path, "writes the table as a page");
  performances->add_option("--markdown", table.markdown_path, "writes the table as Markdown");
  const score::Command view = score::addViewCommand(app);
  const auto header = [&] {
    return report::makeReport({.program = "understudy-score",
                               .argument_count = argument_count,
                               .arguments = arguments,
                               .seed = command.flags.stage.seed});
  };
  const score::Command scorecard = score::addScorecardCommand(app, header);
  const score::Command solve = score::addSolveCommand(app, header);
  try {
    app.parse(argument_count, arguments);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (performances->parsed()) {
    if (auto sound = simulation::check(table.flags); !sound) return fail(2, sound.error());
    auto done = score::runPerformances(table, report::makeReport({.program = "understudy-score",
                                                                  .argument_count = argument_count,
                                                                  .arguments = arguments,
                                                                  .seed = table.flags.stage.seed}));
    return done ? 0 : fail(1, done.error());
  }
  if (view.app->parsed()) return view.run();
  if (scorecard.app->parsed()) return scorecard.run();
  if (solve.app->parsed()) return solve.run();
  return runStage(*stage, command, header());
}

}  // namespace

int main(int argument_count, char** arguments) {
  try {
    return run(argument_count, arguments);
  } catch (const std::exception& exception) {
    return fail(1, core::makeError(exception.what()));
  }
}
