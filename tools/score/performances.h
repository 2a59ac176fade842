#pragma once

#include <filesystem>
#include <string>

#include "tools/report/report.h"
#include "tools/simulation/simulation.h"

namespace understudy::score {

/// Which recordings are run, and where the table goes.
struct PerformancesCommand {
  std::filesystem::path folder;                     ///< Searched with all folders below it.
  simulation::SimulationFlags flags;                ///< For every run; its motions are ignored.
  double seconds = 10.0;                            ///< Of each recording.
  std::string json_path, html_path, markdown_path;  ///< Empty: not written.
};

/// Runs every marker file of a folder through simulated cameras, one after the other, and writes a
/// table of label accuracy and fragments per marker. A file that cannot be played is a row that
/// says why. Fails where the folder holds no marker file or a table cannot be written.
core::Result<void> runPerformances(const PerformancesCommand& command, report::Json json);

}  // namespace understudy::score
