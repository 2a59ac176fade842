#pragma once

#include <CLI/App.hpp>
#include <functional>

namespace understudy::score {

/// A registered subcommand; `run` does the work and returns the exit code.
struct Command {
  CLI::App* app = nullptr;
  std::function<int()> run;
};

/// `view`: a picture of what one simulated camera sees.
Command addViewCommand(CLI::App& app);

}  // namespace understudy::score
