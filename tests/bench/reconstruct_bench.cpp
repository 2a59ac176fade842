#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "capture/reconstruct/reconstruct.h"
#include "capture/source/random.h"
#include "engine/core/crew.h"
#include "engine/core/thread_time.h"
#include "tests/bench/recorded_stage.h"
#include "tools/report/report.h"
#include "tools/scoring/cloud_score.h"

using namespace understudy;

namespace {

struct Options {
  std::string json_path;
  std::string only;  ///< Such as 64x530.
  std::size_t frames = 96;
  std::size_t passes = 5;
  std::size_t threads = 1;
  bool baseline = false, shuffled = false;
  double prediction_error = 0.001, noise_px = 0.1, rig_error_px = 0.0;
};

double microseconds(core::Duration duration) { return 1e6 * core::toSeconds(duration); }

double percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0.0;
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

// As of cameras whose packets have no order at all.
void shufflePackets(bench::RecordedStage& stage) {
  source::Random random(7, 7);
  for (source::StageFrame& frame : stage.frames) {
    for (std::size_t c = 0; c < frame.cameras.size(); ++c) {
      std::vector<frame::Centroid>& centroids = frame.cameras[c].centroids;
      for (std::size_t i = centroids.size(); i > 1; --i) {
        const auto other = static_cast<std::size_t>(random.uniform() * static_cast<double>(i));
        std::swap(centroids[i - 1], centroids[other]);
        std::swap(frame.centroid_truth[c][i - 1], frame.centroid_truth[c][other]);
      }
    }
  }
}

/// One line of the table: predictions are there, everything is matched as its packet lands.
struct WarmFigures {
  std::vector<double> total_us, predict_us, match_us, worst_camera_us, after_last_us, finish_us;
  std::vector<double> cpu_us;  ///< Of all threads, looking and waiting for work included.
  std::size_t rays = 0, wrong = 0, merged = 0, ambiguous = 0, dropped = 0, checked = 0, frames = 0;
};

class WarmBench {
 public:
  WarmBench(const bench::RecordedStage& stage, const Options& options, core::Crew& crew)
      : stage_(stage),
        options_(options),
        crew_(crew),
        state_(reconstruct::makeReconstructState(stage.known_rig, stage.markers)),
        workspace_(reconstruct::makeReconstructWorkspace(state_)),
        score_(stage.known_rig, options.noise_px, stage.markers),
        markers_(stage.marker_counts) {
    settings_.smallest_cold_rays = 1 << 20;  // No cold search: this is about what is predicted.
    settings_.two_ray_frames = 0;
    cloud_.markers.reserve(stage.markers);
    for (const source::StageFrame& frame : stage.frames) {
      predictions_.push_back(bench::predictTruth(frame, options.prediction_error, 0.002f, 77));
    }
    order_.resize(stage.known_rig.cameras.size());
    for (std::size_t c = 0; c < order_.size(); ++c) order_[c] = static_cast<std::uint32_t>(c);
    for (std::size_t t = 1; t < crew.threads(); ++t)
      shares_.push_back(reconstruct::makeMatchShare(state_));
  }

  void run() {
    for (std::size_t pass = 0; pass < options_.passes + 1; ++pass) {
      for (std::size_t f = 0; f < stage_.frames.size(); ++f) {
        runFrame(f, pass > 0);
        if (pass == 1) judge(f);
      }
    }
  }

  const WarmFigures& figures() const { return figures_; }
  const scoring::CloudScore& score() const { return score_; }
  double sigmaPx() const {
    double sum = 0.0;
    for (const reconstruct::CameraHealth& health : state_.health) sum += health.sigma_px;
    return sum / static_cast<double>(state_.health.size());
  }

 private:
  void match(std::size_t f, std::uint32_t camera, std::size_t thread) {
    const bool is_own = thread == 0;
    reconstruct::MatchShare* share = is_own ? nullptr : &shares_[thread - 1];
    reconstruct::MatchCamera{.settings = settings_,
                             .camera = camera,
                             .centroids = stage_.frames[f].cameras[camera].centroids,
                             .state = state_,
                             .sums = is_own ? state_.sums : share->sums,
                             .workspace = is_own ? workspace_ : share->workspace,
                             .counters = is_own ? counters_ : share->counters}
        .run();
  }

  // All cameras, as if their packets came at once; returns when the last one was given away or, of
  // one thread, was done before.
  core::Time matchAll(std::size_t f, core::Duration& worst) {
    auto work = [this, f](std::uint32_t camera, std::size_t thread) { match(f, camera, thread); };
    core::Time before = core::Clock::now(), last = before;
    for (const std::uint32_t c : order_) {
      last = before;
      crew_.post(core::Crew::workOf(work), c);
      before = core::Clock::now();
      worst = std::max(worst, before - last);
    }
    crew_.finish();
    for (reconstruct::MatchShare& share : shares_) reconstruct::gather(share, state_, counters_);
    return last;
  }

  void runFrame(std::size_t f, bool counts) {
    const source::StageFrame& frame = stage_.frames[f];
    for (std::size_t i = order_.size(); i > 1; --i) {
      std::swap(order_[i - 1],
                order_[static_cast<std::size_t>(random_.uniform() * static_cast<double>(i))]);
    }
    counters_ = {};
    crew_.takeProcessorTime();
    const core::Duration cpu = core::threadTime();
    const core::Time start = core::Clock::now();
    reconstruct::PredictFrame{.settings = settings_,
                              .kernels = options_.baseline
                                             ? reconstruct::baselineProjectionKernels()
                                             : reconstruct::v3ProjectionKernels(),
                              .predictions = predictions_[f],
                              .state = state_}
        .run();
    const core::Time predicted = core::Clock::now();
    core::Duration worst{};
    const core::Time last = matchAll(f, worst);
    const core::Time matched = core::Clock::now();
    reconstruct::FinishFrame{.settings = settings_,
                             .stamp = frame.stamp,
                             .state = state_,
                             .workspace = workspace_,
                             .cloud = cloud_,
                             .counters = counters_}
        .run();
    const core::Time end = core::Clock::now();
    const core::Duration used = core::threadTime() - cpu + crew_.takeProcessorTime();
    if (!counts) return;
    figures_.cpu_us.push_back(microseconds(used));
    figures_.total_us.push_back(microseconds(end - start));
    figures_.predict_us.push_back(microseconds(predicted - start));
    figures_.match_us.push_back(microseconds(matched - predicted));
    figures_.worst_camera_us.push_back(microseconds(worst));
    figures_.after_last_us.push_back(microseconds(end - last));
    figures_.finish_us.push_back(microseconds(end - matched));
  }

  void judge(std::size_t f) {
    const source::StageFrame& frame = stage_.frames[f];
    markers_.set(frame);
    score_.add(frame, markers_, cloud_);
    ++figures_.frames;
    figures_.merged += counters_.merged;
    figures_.ambiguous += counters_.ambiguous;
    figures_.dropped += counters_.dropped_rays;
    figures_.checked += counters_.checked;
    for (std::size_t c = 0; c < state_.rays.size(); ++c) {
      for (std::size_t p = 0; p < state_.predictions; ++p) {
        const reconstruct::Ray* ray = reconstruct::rayOf(state_, c, p);
        if (ray == nullptr) continue;
        const source::CentroidTruth& truth = frame.centroid_truth[c][ray->centroid];
        ++figures_.rays;
        if (truth.merged) continue;
        const bool right =
            truth.performer >= 0 && markers_.index(static_cast<std::size_t>(truth.performer),
                                                   static_cast<std::size_t>(truth.marker)) == p;
        figures_.wrong += right ? 0 : 1;
      }
    }
  }

  const bench::RecordedStage& stage_;
  const Options& options_;
  core::Crew& crew_;
  std::vector<reconstruct::MatchShare> shares_;
  reconstruct::ReconstructSettings settings_;
  reconstruct::ReconstructState state_;
  reconstruct::ReconstructWorkspace workspace_;
  reconstruct::ReconstructCounters counters_;
  frame::MarkerCloud cloud_;
  std::vector<frame::PredictedMarkers> predictions_;
  std::vector<std::uint32_t> order_;
  source::Random random_{5, 5};
  scoring::CloudScore score_;
  scoring::TrueMarkers markers_;
  WarmFigures figures_;
};

report::Json toJson(const std::string& size, const bench::RecordedStage& stage,
                    const WarmBench& bench) {
  const WarmFigures& f = bench.figures();
  const double frames = static_cast<double>(f.frames);
  const scoring::Spread error = bench.score().errorMm();
  const auto times = [](const std::vector<double>& us) {
    return report::Json{{"least", percentile(us, 0.0)},
                        {"p50", percentile(us, 0.5)},
                        {"p99", percentile(us, 0.99)}};
  };
  return {{"size", size},
          {"blobs", static_cast<double>(stage.blobs) / static_cast<double>(stage.frames.size())},
          {"rays", static_cast<double>(f.rays) / frames},
          {"total_us", times(f.total_us)},
          {"cpu_us", times(f.cpu_us)},
          {"predict_us", times(f.predict_us)},
          {"match_us", times(f.match_us)},
          {"worst_camera_us", times(f.worst_camera_us)},
          {"finish_us", times(f.finish_us)},
          {"after_last_packet_us", times(f.after_last_us)},
          {"wrong_matches", static_cast<double>(f.wrong) / static_cast<double>(f.rays)},
          {"merged", static_cast<double>(f.merged) / frames},
          {"ambiguous", static_cast<double>(f.ambiguous) / frames},
          {"dropped", static_cast<double>(f.dropped) / frames},
          {"checked", static_cast<double>(f.checked) / frames},
          {"recall", bench.score().recall()},
          {"error_mm", {{"rms", error.rms}, {"p50", error.p50}, {"p99", error.p99}}},
          {"crb_ratio", bench.score().crbRatio()},
          {"nees", bench.score().nees()},
          {"sigma_px", bench.sigmaPx()}};
}

void print(const report::Json& line) {
  const auto number = [&](const char* key) { return line[key].get<double>(); };
  const auto p50 = [&](const char* key) { return line[key]["p50"].get<double>(); };
  fmt::print(
      "{:>9} {:8.0f} {:8.0f} {:9.1f} {:9.1f} {:9.1f} {:9.1f} {:9.1f} {:8.1f} {:8.1f} {:8.1f} "
      "{:8.1f} {:8.1f} "
      "{:8.4f} "
      "{:7.3f} {:7.3f} {:6.3f} {:6.3f} {:7.1f} {:6.1f} {:6.1f} {:6.1f} {:8.5f}\n",
      line["size"].get<std::string>(), number("blobs"), number("rays"),
      line["total_us"]["least"].get<double>(), p50("total_us"),
      line["total_us"]["p99"].get<double>(), line["cpu_us"]["least"].get<double>(), p50("cpu_us"),
      p50("predict_us"), p50("match_us"), p50("worst_camera_us"), p50("finish_us"),
      p50("after_last_packet_us"), 100.0 * number("wrong_matches"),
      line["error_mm"]["p50"].get<double>(), line["error_mm"]["p99"].get<double>(), number("nees"),
      number("crb_ratio"), number("merged"), number("ambiguous"), number("dropped"),
      number("checked"), number("recall"));
}

}  // namespace

int main(int argument_count, char** arguments) {
  Options options;
  CLI::App app("Times the reconstruction of predicted markers on the simulated stage.");
  app.add_option("--json", options.json_path, "Report; - for standard output");
  app.add_option("--only", options.only, "One size, such as 64x530");
  app.add_option("--frames", options.frames, "Exposures that are simulated")
      ->check(CLI::Range(1, 10000));
  app.add_option("--passes", options.passes, "How often they are gone through")
      ->check(CLI::Range(1, 1000));
  app.add_option("--threads", options.threads, "That match cameras")->check(CLI::Range(1, 64));
  app.add_flag("--baseline", options.baseline, "Kernels without AVX2");
  app.add_flag("--shuffled", options.shuffled, "Packets in random order, not row by row");
  app.add_option("--prediction-error", options.prediction_error, "Metres per axis");
  app.add_option("--noise-px", options.noise_px, "Of a centroid");
  app.add_option("--rig-error", options.rig_error_px, "Of the known rig, px");
  CLI11_PARSE(app, argument_count, arguments);
  report::Json json = report::makeReport({.program = "understudy_bench_reconstruct",
                                          .argument_count = argument_count,
                                          .arguments = arguments,
                                          .seed = 1});
  json["warm"] = report::Json::array();
  const auto crew = core::Crew::create({.threads = options.threads});
  if (!crew) {
    fmt::print(stderr, "understudy_bench_reconstruct: {}\n", crew.error().message);
    return 1;
  }
  fmt::print(
      "{:>9} {:>8} {:>8} {:>9} {:>9} {:>9} {:>9} {:>9} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>7} "
      "{:>7} {:>6} "
      "{:>6} {:>7} {:>6} {:>6} {:>6} {:>8}\n",
      "warm", "blobs", "rays", "least us", "p50 us", "p99", "least cpu", "p50 cpu", "predict",
      "match", "worst", "finish", "last", "wrong %", "p50 mm", "p99 mm", "nees", "crb", "merged",
      "ambig", "drop", "check", "recall");
  for (const auto& [cameras, actors] :
       {std::pair<std::size_t, std::size_t>{8, 1}, {16, 2}, {16, 4}, {64, 10}, {128, 20}}) {
    const std::string size = fmt::format("{}x{}", cameras, 53 * actors);
    if (!options.only.empty() && options.only != size) continue;
    auto stage = bench::recordStage({.cameras = cameras,
                                     .actors = actors,
                                     .frames = options.frames,
                                     .noise_px = options.noise_px,
                                     .rig_error_px = options.rig_error_px});
    if (!stage) {
      fmt::print(stderr, "understudy_bench_reconstruct: {}\n", stage.error().message);
      return 1;
    }
    if (options.shuffled) shufflePackets(*stage);
    WarmBench bench(*stage, options, **crew);
    bench.run();
    json["warm"].push_back(toJson(size, *stage, bench));
    print(json["warm"].back());
    std::fflush(stdout);
  }
  if (options.json_path.empty()) return 0;
  if (auto written = report::writeReport(json, options.json_path); !written) {
    fmt::print(stderr, "understudy_bench_reconstruct: {}\n", written.error().message);
    return 1;
  }
  return 0;
}
