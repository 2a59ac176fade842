#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "tests/bench/solve_peers.h"
#include "tests/bench/solve_soak.h"

using namespace understudy;

namespace {

double percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0.0;
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

void print(const std::string& what, std::size_t actors, const bench::SolveFigures& figures) {
  const scoring::Spread mm = figures.mm.spread(), deg = figures.deg.spread(),
                        ahead = figures.ahead.spread();
  const double p50 = percentile(figures.us, 0.5);
  const auto ratio = [](double sum, double count) { return count > 0.0 ? sum / count : 0.0; };
  fmt::print(
      "{:<10}{:>6} {:>8.1f} {:>8.1f} {:>8.1f} {:>8.2f} {:>8.2f} {:>8.3f} {:>8.3f} {:>8.3f} "
      "{:>8.3f} "
      "{:>8.3f} {:>8.3f} {:>6.2f} {:>8.2f} {:>8.2f} {:>6.2f} {:>6.2f} {:>6.2f} {:>5}/{:<4} {:>8}\n",
      what, actors, percentile(figures.us, 0.0), p50, percentile(figures.us, 0.99),
      p50 / static_cast<double>(actors),
      percentile(figures.foresight_us, 0.5) / static_cast<double>(actors), mm.mean, mm.p99,
      deg.mean, deg.p99, figures.marked_deg.spread().mean, figures.marked_deg.spread().p99,
      ratio(figures.nees_sum, figures.nees_count), ahead.p50, figures.steady.spread().p50,
      ratio(figures.ahead_nees_sum, figures.ahead_nees_count), figures.slide.spread().p50,
      figures.slide.spread().p99, figures.slid, figures.slide.spread().count, figures.diverged);
}

void printMore(const bench::SolveBenchOptions& options, const bench::SolveFigures& figures) {
  if (options.still) {
    fmt::print("standing still: joints jitter by {:.3f} mm RMS\n",
               1000.0 * std::sqrt(figures.jitter_squares / figures.jitter_count));
  }
  const scoring::Spread turn = figures.finger_deg.spread(), place = figures.finger_mm.spread();
  if (turn.count > 0) {
    fmt::print(
        "fingers: deg mean {:.3f} p99 {:.3f} max {:.2f}; last joints mm mean {:.3f} p99 "
        "{:.3f}; nees {:.3f}\n",
        turn.mean, turn.p99, turn.max, place.mean, place.p99,
        scoring::ratio(figures.finger_nees_sum, figures.finger_nees_count));
  }
  if (options.smooth_lag == 0) return;
  const scoring::Spread mm = figures.smooth_mm.spread(), deg = figures.smooth_deg.spread();
  const scoring::Spread mm0 = figures.behind_mm.spread(), deg0 = figures.behind_deg.spread();
  fmt::print(
      "smoothed {} frames behind: joint mm {:.3f} p99 {:.3f} deg {:.3f} p99 {:.3f}; "
      "without lag {:.3f} p99 {:.3f}, {:.3f} p99 {:.3f}\n",
      options.smooth_lag, mm.mean, mm.p99, deg.mean, deg.p99, mm0.mean, mm0.p99, deg0.mean,
      deg0.p99);
}

#ifdef UNDERSTUDY_HAS_CERES
// Beside ours over the very frames that the oracle has.
void printOracle(const bench::SolveRecording& recording, const bench::SolveBenchOptions& options) {
  bench::SolveRecording part{.subjects = {recording.subjects[0]}, .rate_hz = recording.rate_hz};
  for (std::size_t f = 0; f < std::min(options.oracle_frames, recording.labels.size()); ++f) {
    part.truth.push_back({recording.truth[f][0]});
    part.labels.push_back({recording.labels[f][0]});
  }
  fmt::print("the first {} frames, offline:\n", part.labels.size());
  print("ours", 1, bench::runSolver(part, options));
  print("ceres", 1, bench::runOracle(part, options, false));
  print("ceres all", 1, bench::runOracle(part, options, true));
}
#endif

void printJoints(const subject::Subject& subject, const bench::SolveFigures& figures) {
  for (std::size_t j = 0; j < figures.joint_deg.size(); ++j) {
    const scoring::Spread turn = figures.joint_deg[j].spread(),
                          place = figures.joint_mm[j].spread();
    const auto markers = std::count_if(subject.markers.begin(), subject.markers.end(),
                                       [&](const subject::SubjectMarker& marker) {
                                         return static_cast<std::size_t>(marker.joint) == j;
                                       });
    fmt::print("  {:<24} {} markers  deg {:.3f} p99 {:.3f}  mm {:.3f} p99 {:.3f}\n",
               subject.skeleton.names[j], markers, turn.mean, turn.p99, place.mean, place.p99);
  }
}

// What share of the errors is of joints whose markers are hidden.
void printSight(const bench::SolveFigures& figures) {
  const double all = static_cast<double>(figures.marked_deg.spread().count);
  for (std::size_t on = 1; on <= bench::kMostOnJoint; ++on) {
    for (std::size_t seen = 0; seen <= on; ++seen) {
      const scoring::Spread deg = figures.sight_deg[on][seen].spread();
      if (deg.count == 0) continue;
      fmt::print("  {} of {} markers seen: {:.1f} %  deg {:.3f} p50 {:.3f} p99 {:.3f}\n", seen, on,
                 100.0 * static_cast<double>(deg.count) / all, deg.mean, deg.p50, deg.p99);
    }
  }
}

void addOptions(CLI::App& app, bench::SolveBenchOptions& options, std::vector<std::size_t>& sizes) {
  app.add_option("--motion", options.motions, "Motions, else the demo's");
  app.add_option("--frames", options.frames, "Per run")->check(CLI::Range(60, 100000));
  app.add_option("--noise-mm", options.noise_mm, "Of each marker, per axis");
  app.add_option("--hidden", options.hidden, "Share of markers in gaps")
      ->check(CLI::Range(0.0, 0.9));
  app.add_option("--gap-frames", options.gap_frames, "Length of a gap");
  app.add_option("--soft-tissue", options.soft_tissue_mm, "Skin motion, mm");
  app.add_option("--marker-sigma", options.marker_sigma_mm, "The solver's belief, mm");
  app.add_option("--iterations", options.iterations, "Steps per frame");
  app.add_option("--hold-sigma-mm", options.hold_sigma_mm, "Of feet that stand");
  app.add_option("--hold-drift-mm", options.hold_drift_mm, "Most that they drift");
  app.add_option("--habit-time", options.habit_time, "Memory of habits, seconds");
  app.add_option("--seed", options.seed, "Of noise and gaps");
  app.add_option("--smooth-lag", options.smooth_lag, "Smooths so many frames behind, too");
  app.add_option("--smooth-unforeseen", options.smooth_unforeseen, "See SmootherSettings");
  app.add_option("--soak-minutes", options.soak_minutes,
                 "Instead: solves so many minutes of each actor through hostile gaps");
  app.add_option("--markerset", options.marker_set, "Marker set, TOML; default: 53 on the body");
  app.add_flag("--still", options.still, "Performers hold their first pose");
  app.add_flag("--baseline", options.baseline, "Kernels without AVX2");
  app.add_flag("--joints", options.joints, "A table of joints, too, and one by markers in sight");
  app.add_option("--simbody-accuracy", options.simbody_accuracy, "Of the peer's assembler");
  app.add_flag("--no-simbody", options.no_simbody, "Without the peer");
  app.add_option("--oracle-frames", options.oracle_frames,
                 "Ceres as offline oracle on so many frames: each for itself, and all together")
      ->check(CLI::Range(0, 100000));
  app.add_option("--oracle-turn-sigma", options.oracle_turn_sigma,
                 "Accelerations that the oracle expects, rad/s^2");
  app.add_option("--actors", sizes, "Actors");
}

void printHead() {
  fmt::print(
      "{:<10}{:>6} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>6} {:>8} "
      "{:>8} {:>6} {:>6} {:>6} {:>10} {:>8}\n",
      "", "actors", "least us", "p50 us", "p99 us", "us/actor", "foresee", "mm mean", "mm p99",
      "deg mean", "deg p99", "mk mean", "mk p99", "nees", "20ms", "steady", "nees", "slide", "p99",
      ">2mm", "diverged");
}

// So many performers; the peers, too, where these are the first.
bool benchActors(std::size_t actors, bool first, const bench::SolveBenchOptions& options) {
  auto recording = bench::recordMarkers(options, actors);
  if (!recording) {
    fmt::print(stderr, "{}\n", recording.error().message);
    return false;
  }
  if (options.soak_minutes > 0.0) {
    return bench::soak(*recording, options.soak_minutes, options.seed);
  }
  if (first) {
    fmt::print("{} markers, {} freedoms a performer\n", recording->subjects[0].markers.size(),
               solve::makeSolveModel(recording->subjects[0]).freedoms());
  }
  const bench::SolveFigures figures = bench::runSolver(*recording, options);
  print("ours", actors, figures);
  printMore(options, figures);
  if (options.joints) {
    printJoints(recording->subjects[0], figures);
    printSight(figures);
  }
#ifdef UNDERSTUDY_HAS_SIMBODY
  if (first && !options.no_simbody) print("simbody", 1, bench::runSimbody(*recording, options));
#endif
#ifdef UNDERSTUDY_HAS_CERES
  if (first && options.oracle_frames > 0) printOracle(*recording, options);
#endif
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Measures the skeleton solve: processor time, accuracy, honesty of the covariance.");
  bench::SolveBenchOptions options;
  std::vector<std::size_t> sizes{1, 4, 20};
  addOptions(app, options, sizes);
  CLI11_PARSE(app, argc, argv);
  printHead();
  for (const std::size_t actors : sizes) {
    if (!benchActors(actors, actors == sizes.front(), options)) return 1;
  }
#ifndef UNDERSTUDY_HAS_SIMBODY
  fmt::print("built without Simbody (libsimbody-dev): no peer in this run\n");
#endif
#ifndef UNDERSTUDY_HAS_CERES
  if (options.oracle_frames > 0) {
    fmt::print("built without Ceres (libceres-dev): no oracle in this run\n");
  }
#endif
  return 0;
}
