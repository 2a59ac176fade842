#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tools/score/run_pool.h"

namespace understudy::score {

/// What a scorecard measures.
struct ScorecardOptions {
  double seconds = 4;             ///< Of each run.
  std::size_t seeds = 3;          ///< Runs of each kind, seeds 1, 2, ...
  bool quick = false;             ///< A second and a seed of each: to see whether it works.
  std::size_t jobs = 1;           ///< Runs at a time; the figures are the same for any.
  std::vector<std::string> also;  ///< Arguments for every run, such as --motion FILE.
};

/// What is varied on one axis.
enum class Axis : std::uint8_t { cameras, gaps, performers, reconstruction };

/// One run of the scorecard.
struct ScorecardRun {
  Axis axis = Axis::cameras;
  std::size_t place = 0;  ///< Index in `placesOf(axis)`.
  std::uint64_t seed = 1;
  std::vector<std::string> arguments;  ///< Of understudy-score.
  RunResult result;
};

/// The places of an axis, as they are written under it.
const std::vector<std::string>& placesOf(Axis axis);

/// All runs, not yet run. A place that several axes share stands in each of them.
std::vector<ScorecardRun> planScorecard(const ScorecardOptions& options);

/// How many of them differ: as many are run.
std::size_t distinctRuns(const std::vector<ScorecardRun>& runs);

/// Runs them: accuracy `jobs` at a time and each only once, then reconstruction times one by one,
/// so that no run of ours disturbs another's times. `progress` is told how many are done.
void runScorecard(const ScorecardOptions& options, std::vector<ScorecardRun>& runs,
                  const std::function<void(std::size_t)>& progress);

/// Everything for `--json`.
report::Json scorecardJson(const ScorecardOptions& options, const std::vector<ScorecardRun>& runs);

/// What the page says beside the runs.
struct ScorecardPage {
  std::string version, commit;  ///< An empty commit is not known.
  report::Json machine;
  std::string command;
  std::string picture_png;      ///< A camera's view, base64; empty where it could not be drawn.
  std::string picture_failure;  ///< Why.
};

/// The nine plots as one SVG document, for pictures.
std::string scorecardSvg(const ScorecardOptions& options, const std::vector<ScorecardRun>& runs,
                         const ScorecardPage& page);

/// The whole page, in one file.
std::string scorecardHtml(const ScorecardOptions& options, const std::vector<ScorecardRun>& runs,
                          const ScorecardPage& page);

}  // namespace understudy::score
