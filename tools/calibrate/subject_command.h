#pragma once

#include <CLI/App.hpp>
#include <functional>

#include "tools/report/report.h"

namespace understudy::calibrate_tool {

/// Registers `subject`; the returned function runs it and gives the exit code.
std::function<int()> addSubjectCommand(CLI::App& app, int argument_count, char** arguments);

}  // namespace understudy::calibrate_tool
