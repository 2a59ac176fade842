#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "tools/calibrate/subject_command.h"

using namespace understudy;

namespace {

int run(int argument_count, char** arguments) {
  CLI::App app("Calibrates what the live path only reads: so far, subjects.",
               "understudy-calibrate");
  app.set_version_flag("--version", UNDERSTUDY_VERSION);
  app.require_subcommand(1);
  const auto subject = calibrate_tool::addSubjectCommand(app, argument_count, arguments);
  try {
    app.parse(argument_count, arguments);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return subject();
}

}  // namespace

int main(int argument_count, char** arguments) {
  try {
    return run(argument_count, arguments);
  } catch (const std::exception& exception) {
    fmt::print(stderr, "understudy-calibrate: {}\n", exception.what());
    return 1;
  }
}
