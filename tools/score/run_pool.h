#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "tools/report/report.h"

namespace understudy::score {

/// What became of one run of a program of ours.
struct RunResult {
  bool ok = false;
  std::string failure;  ///< Why not, one line.
  report::Json report;  ///< What it wrote with --json.
};

/// Runs this very program once for each list of arguments, `jobs` at a time, each in a process of
/// its own, so that a run that crashes is one failed run. `--json FILE` is added. Results are in
/// the order of the lists. `progress` is told how many are done, by one thread at a time.
std::vector<RunResult> runAll(const std::vector<std::vector<std::string>>& arguments,
                              std::size_t jobs, const std::function<void(std::size_t)>& progress);

}  // namespace understudy::score
