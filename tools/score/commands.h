#pragma once

#include <CLI/App.hpp>
#include <functional>

#include "tools/report/report.h"

namespace understudy::score {

/// A registered subcommand; `run` does the work and returns the exit code.
struct Command {
  CLI::App* app = nullptr;
  std::function<int()> run;
};

/// `view`: a picture of what one simulated camera sees.
Command addViewCommand(CLI::App& app);

/// `scorecard`: many runs and a page of plots. `header` makes the start of the report.
Command addScorecardCommand(CLI::App& app, std::function<report::Json()> header);

/// `solve`: a recording of labelled markers, solved beside another solver's result.
Command addSolveCommand(CLI::App& app, std::function<report::Json()> header);

}  // namespace understudy::score
