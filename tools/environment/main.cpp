#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <fstream>

#include "engine/asset/environment_file.h"
#include "tools/environment/made_environments.h"
#include "tools/environment/radiance_file.h"

namespace {

using namespace understudy;

bool write(const std::string& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (file) {
    fmt::print("{}: {} bytes\n", path, bytes.size());
    return true;
  }
  fmt::print(stderr, "{}: cannot be written; check that the folder exists and has space\n", path);
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Makes Understudy's environments and writes each as NAME.hdr and NAME.toml."};
  app.set_version_flag("--version", UNDERSTUDY_VERSION);
  std::string folder = "assets/environments";
  std::uint32_t height_px = 512;
  app.add_option("folder", folder, "Folder to write to")->capture_default_str();
  app.add_option("--height", height_px, "rows of the pictures; they are twice as wide")
      ->capture_default_str()
      ->check(CLI::Range(16, 8192));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  for (const auto make : {environment::makeStudio, environment::makeDusk}) {
    const scene::Environment made = make(height_px);
    const std::string stem = folder + "/" + made.name;
    if (!write(stem + ".hdr",
               environment::radianceFile(made.radiance, made.width_px, made.height_px)) ||
        !write(stem + ".toml", asset::formatEnvironment(made))) {
      return 1;
    }
  }
  return 0;
}
