#pragma once

#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>

namespace understudy::test {

/// Path of a real recording in the shared data folder beside the checkout, or nothing where the
/// folder is absent; then the test says so and passes.
inline std::optional<std::string> sharedData(const std::string& relative) {
  const std::filesystem::path path =
      std::filesystem::path(UNDERSTUDY_SOURCE_DIR).parent_path() / "shared" / "data" / relative;
  if (std::filesystem::exists(path)) return path.string();
  std::fprintf(stderr, "SKIPPED: no recording at ../shared/data/%s\n", relative.c_str());
  return std::nullopt;
}

}  // namespace understudy::test
