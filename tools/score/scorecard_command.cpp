#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <thread>

#include "engine/asset/picture_file.h"
#include "tools/report/commit.h"
#include "tools/report/progress.h"
#include "tools/report/report.h"
#include "tools/score/camera_view.h"
#include "tools/score/commands.h"
#include "tools/score/scorecard.h"
#include "tools/simulation/simulation.h"
#include "tools/simulation/whole_number.h"

namespace understudy::score {
namespace {

struct ScorecardFlags {
  ScorecardOptions options;
  std::vector<std::string> motions;
  std::string settings, html, svg, json;
  CLI::Option *seconds = nullptr, *seeds = nullptr;
};

int fail(int code, const std::string& message) {
  fmt::print(stderr, "understudy-score: {}\n", message);
  return code;
}

// RFC 4648, section 4.
std::string base64(const std::string& bytes) {
  constexpr const char* kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      bits = bits << 8 | (k < count ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      text += k <= count ? kDigits[bits >> (18 - 6 * k) & 63] : '=';
    }
  }
  return text;
}

// The image of one camera of the base's stage after a second, as a PNG in base64.
core::Result<std::string> takePicture(const ScorecardFlags& flags) {
  simulation::SimulationFlags base{.motions = flags.motions, .cameras = 24};
  base.stage.actors = 4;
  base.stage.spacing = 0.5;
  auto simulation = simulation::makeSimulation(base);
  if (!simulation) return simulation.error();
  source::StageFrame frame = simulation->stage.makeFrame();
  constexpr int kFrames = 241;
  for (int f = 0; f < kFrames; ++f) simulation->stage.simulate(frame);
  const report::Canvas canvas = drawView(simulation->stage, frame, {.camera = 3});
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / fmt::format("understudy_view_{}.png", getpid());
  auto saved = asset::savePicture(path, canvas.rgba(), canvas.width(), canvas.height());
  if (!saved) return saved.error();
  std::ifstream file(path, std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(file), {});
  std::error_code error;
  std::filesystem::remove(path, error);
  return base64(bytes);
}

core::Result<void> writeText(const std::string& text, const std::string& path) {
  if (path.empty()) return {};
  std::FILE* file = path == "-" ? stdout : std::fopen(path.c_str(), "wb");
  if (file == nullptr) {
    return core::makeError(fmt::format("{}: cannot be written ({})", path, std::strerror(errno)));
  }
  bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  written = (path == "-" ? std::fflush(file) : std::fclose(file)) == 0 && written;
  if (written) return {};
  return core::makeError(path + ": could not be written to its end; is the disk full?");
}

core::Result<void> checkFlags(ScorecardFlags& flags) {
  ScorecardOptions& options = flags.options;
  if (options.quick && flags.seconds->count() == 0) options.seconds = 1.0;
  if (options.quick && flags.seeds->count() == 0) options.seeds = 1;
  if (!(options.seconds >= 0.1 && options.seconds <= 3600.0)) {
    return core::makeError(
        fmt::format("--seconds must be from 0.1 to 3600, not {}", options.seconds));
  }
  if (flags.html.empty() && flags.json.empty() && flags.svg.empty()) {
    return core::makeError("nowhere to write to: give --html, --svg or --json");
  }
  // What every run would refuse is refused before the first one.
  simulation::SimulationFlags base{.motions = flags.motions, .settings = flags.settings};
  if (auto sound = simulation::check(base); !sound) return sound.error();
  for (const std::string& motion : flags.motions) {
    options.also.insert(options.also.end(), {"--motion", motion});
  }
  if (!flags.settings.empty()) {
    options.also.insert(options.also.end(), {"--settings", flags.settings});
  }
  for (const std::string& path : {flags.html, flags.svg, flags.json}) {
    if (auto writable = report::checkWritable(path); !writable) return writable.error();
  }
  return {};
}

int runScorecardCommand(ScorecardFlags flags, report::Json json) {
  if (auto sound = checkFlags(flags); !sound) return fail(2, sound.error().message);
  std::vector<ScorecardRun> runs = planScorecard(flags.options);
  {
    report::Progress progress("runs", distinctRuns(runs));
    runScorecard(flags.options, runs, [&](std::size_t done) { progress.show(done); });
  }
  ScorecardPage page{.version = json["version"],
                     .commit = report::checkedOutCommit(),
                     .machine = json["machine"],
                     .command = "understudy-score"};
  for (const auto& word : json["command"]) page.command += " " + word.get<std::string>();
  auto picture = takePicture(flags);
  (picture ? page.picture_png : page.picture_failure) =
      picture ? *picture : picture.error().message;
  json["commit"] = page.commit.empty() ? report::Json() : report::Json(page.commit);
  json.update(scorecardJson(flags.options, runs));
  for (const auto& written :
       {writeText(scorecardHtml(flags.options, runs, page), flags.html),
        writeText(scorecardSvg(flags.options, runs, page), flags.svg),
        flags.json.empty() ? core::Result<void>() : report::writeReport(json, flags.json)}) {
    if (!written) return fail(1, written.error().message);
  }
  const auto failed = std::count_if(runs.begin(), runs.end(),
                                    [](const ScorecardRun& run) { return !run.result.ok; });
  if (failed == 0) return 0;
  return fail(
      1, fmt::format("{} of {} runs failed; the page says which and why", failed, runs.size()));
}

}  // namespace

Command addScorecardCommand(CLI::App& app, std::function<report::Json()> header) {
  CLI::App* card = app.add_subcommand(
      "scorecard", "Runs the stage over cameras, gap rates and performers; makes a page of plots");
  const auto flags = std::make_shared<ScorecardFlags>();
  flags->options.jobs = std::max(1u, std::thread::hardware_concurrency());
  flags->seconds = card->add_option("--seconds", flags->options.seconds, "length of each run")
                       ->capture_default_str();
  flags->seeds = card->add_option("--seeds", flags->options.seeds, "runs of each kind")
                     ->check(simulation::wholeNumber(1, 1000))
                     ->capture_default_str();
  card->add_flag("--quick", flags->options.quick, "one second and one seed of each");
  card->add_option("--jobs", flags->options.jobs, "runs at a time")
      ->check(simulation::wholeNumber(1, 1024))
      ->capture_default_str();
  card->add_option("--motion", flags->motions, "motion of the performers; repeatable")
      ->allow_extra_args(false)
      ->type_name("FILE");
  card->add_option("--settings", flags->settings, "pipeline settings, TOML");
  card->add_option("--html", flags->html, "writes the page")->type_name("FILE");
  card->add_option("--svg", flags->svg, "writes the plots alone")->type_name("FILE");
  card->add_option("--json", flags->json, "writes every run's report; - is standard output")
      ->type_name("FILE");
  return {.app = card, .run = [flags, header = std::move(header)] {
            return runScorecardCommand(*flags, header());
          }};
}

}  // namespace understudy::score
