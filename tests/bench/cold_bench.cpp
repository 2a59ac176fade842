// Cold start: every blob of a frame is unexplained. Time, recall and ghosts for the sizes of stage
// that are promised, beside a naive matcher on the same frames.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <optional>
#include <vector>

#include "capture/reconstruct/reconstruct.h"
#include "engine/core/thread_time.h"
#include "tests/bench/naive_matcher.h"
#include "tools/report/report.h"
#include "tools/scoring/cloud_score.h"
#include "tools/simulation/simulation.h"

using namespace understudy;

namespace {

struct Scene {
  std::size_t cameras, actors;
  bool naive;  // Small enough for the naive matcher.
};

constexpr Scene kScenes[] = {
    {8, 1, true}, {16, 2, true}, {16, 4, true}, {64, 10, false}, {128, 20, false}};

struct Options {
  std::size_t frames = 40, apart = 30, repeats = 3, naive_frames = 5;
  std::uint64_t seed = 1;
  std::string only{}, kernels = "best", json_path{};
};

struct Times {
  std::vector<double> us;

  double at(double share) {
    if (us.empty()) return 0.0;
    std::sort(us.begin(), us.end());
    return us[std::min(us.size() - 1,
                       static_cast<std::size_t>(share * static_cast<double>(us.size())))];
  }
};

struct Outcome {
  std::size_t cameras = 0, markers = 0;
  double blobs = 0, tests = 0;  // Per frame.
  std::size_t budget_spent = 0;
  Times match, search, naive, search_beside_naive;
  double recall = 0, recall_3 = 0, ghosts = 0;
  double naive_recall = 0, naive_recall_3 = 0, naive_ghosts = 0;
};

// The kernels that the pipeline would use here, unless others were asked for.
const reconstruct::ProjectionKernels& kernelsOf(const Options& options) {
  const bool v3 = options.kernels == "best" && __builtin_cpu_supports("avx2");
  return v3 ? reconstruct::v3ProjectionKernels() : reconstruct::baselineProjectionKernels();
}

double microseconds(core::Duration duration) { return core::toSeconds(duration) * 1e6; }

// Everything that looks at one scene.
struct Bench {
  const Options& options;
  source::SimulatedStage& stage;
  reconstruct::ReconstructSettings settings{};
  reconstruct::ReconstructState state = reconstruct::makeReconstructState(stage.knownRig(), 8);
  reconstruct::ReconstructWorkspace workspace = reconstruct::makeReconstructWorkspace(state);
  frame::MarkerCloud cloud{};

  // No prediction at all, as at the first frame of a stage.
  void match(const source::StageFrame& frame) {
    const frame::PredictedMarkers nothing;
    reconstruct::ReconstructCounters counters;
    reconstruct::PredictFrame{
        .settings = settings, .kernels = kernelsOf(options), .predictions = nothing, .state = state}
        .run();
    for (std::uint32_t c = 0; c < state.cameras.size(); ++c) {
      reconstruct::MatchCamera{.settings = settings,
                               .camera = c,
                               .centroids = frame.cameras[c].centroids,
                               .state = state,
                               .sums = state.sums,
                               .workspace = workspace,
                               .counters = counters}
          .run();
    }
  }

  // Matches and searches a frame some times over; the fastest counts, for neighbours on this
  // machine only ever add.
  void cold(const source::StageFrame& frame, Outcome& outcome) {
    double match_us = 1e18, search_us = 1e18;
    reconstruct::ReconstructCounters counters;
    for (std::size_t repeat = 0; repeat < options.repeats; ++repeat) {
      const core::Duration start = core::threadTime();
      match(frame);
      const core::Duration matched = core::threadTime();
      counters = {};
      state.cold = reconstruct::ColdSearchState{};
      reconstruct::FinishFrame{.settings = settings,
                               .stamp = frame.stamp,
                               .state = state,
                               .workspace = workspace,
                               .cloud = cloud,
                               .counters = counters}
          .run();
      const core::Duration searched = core::threadTime();
      match_us = std::min(match_us, microseconds(matched - start));
      search_us = std::min(search_us, microseconds(searched - matched));
    }
    outcome.match.us.push_back(match_us);
    outcome.search.us.push_back(search_us);
    outcome.tests += counters.cold_tests;
    outcome.budget_spent += counters.cold_budget_spent;
  }

  Outcome run(bool with_naive) {
    std::vector<std::size_t> counts;
    Outcome outcome{.cameras = state.cameras.size()};
    for (const subject::Subject& subject : stage.subjects()) {
      counts.push_back(subject.markers.size());
      outcome.markers += subject.markers.size();
    }
    cloud.markers.reserve(outcome.markers + 4096);
    scoring::TrueMarkers truth(counts);
    scoring::CloudScore score(stage.knownRig(), 0.0, outcome.markers);
    scoring::CloudScore naive_score(stage.knownRig(), 0.0, outcome.markers);
    source::StageFrame frame = stage.makeFrame();
    for (std::size_t f = 0; f < options.frames; ++f) {
      for (std::size_t skip = 0; skip < options.apart; ++skip) stage.simulate(frame);
      truth.set(frame);
      for (const auto& camera : frame.cameras)
        outcome.blobs += static_cast<double>(camera.centroids.size());
      cold(frame, outcome);
      score.add(frame, truth, cloud);
      if (!with_naive || f >= options.naive_frames) continue;
      outcome.search_beside_naive.us.push_back(outcome.search.us.back());
      match(frame);
      const core::Duration start = core::threadTime();
      runNaive();
      outcome.naive.us.push_back(microseconds(core::threadTime() - start));
      naive_score.add(frame, truth, cloud);
    }
    outcome.blobs /= static_cast<double>(options.frames);
    outcome.tests /= static_cast<double>(options.frames);
    outcome.recall = score.recall();
    outcome.recall_3 = score.recall3();
    outcome.ghosts = score.ghostsPerFrame();
    outcome.naive_recall = naive_score.recall();
    outcome.naive_recall_3 = naive_score.recall3();
    outcome.naive_ghosts = naive_score.ghostsPerFrame();
    return outcome;
  }

  void runNaive() {
    bench::NaiveMatcher{.settings = settings, .state = state, .markers = cloud.markers}.run();
  }
};

void printHeader(const Options& options) {
  fmt::print(
      "Cold start of single frames: no prediction, no history. Simulated stage with default flags: "
      "noise 0.1 px, rig error 0.1 px, 2 % false blobs,\nbodies and markers hide, blobs merge, "
      "production gaps, ring rig 2048x1088; seed {}. {} frames {} exposures apart, each measured "
      "{} "
      "times, the fastest\ncounts; thread CPU time on one core. \"match\" undistorts and sorts "
      "packets in (as they land), \"search\" makes the markers.\nNaive: all camera pairs x all "
      "blob "
      "pairs, all intersections merged pairwise, greedy by support; the same frames ({} of them), "
      "the same run. Kernels: {}.\n\n",
      options.seed, options.frames, options.apart, options.repeats, options.naive_frames,
      kernelsOf(options).name);
  fmt::print(
      "cameras markers   blobs | match p50  search p50  p99 us  recall  recall_3 ghosts   tests "
      "spent | naive p50 us  recall_3 ghosts  ratio search, match+search\n");
}

void printRow(Outcome& o) {
  fmt::print("{:7} {:7} {:7.0f} | {:9.0f} {:11.0f} {:7.0f}  {:.4f}   {:.5f} {:6.2f} {:7.0f} {:5} |",
             o.cameras, o.markers, o.blobs, o.match.at(0.5), o.search.at(0.5), o.search.at(0.99),
             o.recall, o.recall_3, o.ghosts, o.tests, o.budget_spent);
  if (!o.naive.us.empty()) {
    const double naive = o.naive.at(0.5), search = o.search_beside_naive.at(0.5);
    fmt::print(" {:12.0f}    {:.4f} {:6.2f}  {:.0f}, {:.0f}", naive, o.naive_recall_3,
               o.naive_ghosts, naive / search, naive / (search + o.match.at(0.5)));
  }
  fmt::print("\n");
  std::fflush(stdout);
}

report::Json rowJson(Outcome& o) {
  report::Json row;
  row["cameras"] = o.cameras;
  row["markers"] = o.markers;
  row["blobs"] = o.blobs;
  row["match_us"] = {{"p50", o.match.at(0.5)}, {"p99", o.match.at(0.99)}};
  row["search_us"] = {{"p50", o.search.at(0.5)}, {"p99", o.search.at(0.99)}};
  row["recall"] = o.recall;
  row["recall_3"] = o.recall_3;
  row["ghosts_per_frame"] = o.ghosts;
  row["tests"] = o.tests;
  row["budget_spent_frames"] = o.budget_spent;
  if (o.naive.us.empty()) return row;
  row["naive"] = {{"us", {{"p50", o.naive.at(0.5)}, {"p99", o.naive.at(0.99)}}},
                  {"recall", o.naive_recall},
                  {"recall_3", o.naive_recall_3},
                  {"ghosts_per_frame", o.naive_ghosts},
                  {"ratio", o.naive.at(0.5) / o.search_beside_naive.at(0.5)}};
  return row;
}

int run(const Options& options, report::Json json) {
  printHeader(options);
  for (const Scene& scene : kScenes) {
    const std::string name = fmt::format("{}x{}", scene.cameras, 53 * scene.actors);
    if (!options.only.empty() && options.only != name) continue;
    simulation::SimulationFlags flags;
    flags.cameras = scene.cameras;
    flags.stage.actors = scene.actors;
    flags.stage.seed = options.seed;
    auto simulation = simulation::makeSimulation(flags);
    if (!simulation) {
      fmt::print(stderr, "understudy_bench_cold: {}\n", simulation.error().message);
      return 1;
    }
    Bench bench{.options = options, .stage = simulation->stage};
    Outcome outcome = bench.run(scene.naive);
    printRow(outcome);
    json["scenes"].push_back(rowJson(outcome));
  }
  if (options.json_path.empty()) return 0;
  if (auto written = report::writeReport(json, options.json_path); !written) {
    fmt::print(stderr, "understudy_bench_cold: {}\n", written.error().message);
    return 1;
  }
  return 0;
}

}  // namespace

int main(int argument_count, char** arguments) {
  CLI::App app("Cold start of reconstruction: time, recall and ghosts, beside a naive matcher.",
               "understudy_bench_cold");
  Options options;
  app.add_option("--frames", options.frames, "frames per scene")->check(CLI::Range(1, 100000));
  app.add_option("--apart", options.apart, "exposures between two of them")
      ->check(CLI::Range(1, 100000));
  app.add_option("--repeats", options.repeats, "measurements of each")->check(CLI::Range(1, 1000));
  app.add_option("--naive-frames", options.naive_frames, "frames for the naive matcher");
  app.add_option("--scene", options.only, "one scene only: 8x53 16x106 16x212 64x530 128x1060");
  app.add_option("--seed", options.seed, "seed of the stage");
  app.add_option("--kernels", options.kernels, "best or baseline")
      ->check(CLI::IsMember({"best", "baseline"}));
  app.add_option("--json", options.json_path, "writes a report; - is standard output");
  CLI11_PARSE(app, argument_count, arguments);
  report::Header header{.program = "understudy_bench_cold",
                        .argument_count = argument_count,
                        .arguments = arguments,
                        .seed = options.seed};
  return run(options, report::makeReport(header));
}
