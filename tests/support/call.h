#pragma once

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace understudy::test {

/// What a program of ours said and how it ended.
struct Outcome {
  int code = -1;
  std::string output, error;
};

/// Calls a program of the build with these arguments, as a shell reads them.
inline Outcome call(const std::string& program, const std::string& arguments) {
  const std::string errors =
      (std::filesystem::temp_directory_path() / ("understudy_stderr_" + std::to_string(getpid())))
          .string();
  const std::string command =
      std::string(UNDERSTUDY_BIN_DIR) + "/" + program + " " + arguments + " 2>" + errors;
  Outcome outcome;
  std::FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  char block[4096];
  while (const std::size_t size = std::fread(block, 1, sizeof block, pipe)) {
    outcome.output.append(block, size);
  }
  outcome.code = WEXITSTATUS(pclose(pipe));
  std::ifstream stream(errors);
  outcome.error.assign(std::istreambuf_iterator<char>(stream), {});
  std::filesystem::remove(errors);
  return outcome;
}

}  // namespace understudy::test
