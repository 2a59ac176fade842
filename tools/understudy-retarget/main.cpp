#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <string>

#include "tools/understudy-retarget/inspect.h"

using namespace understudy;

namespace {

void printInspection(const report::Json& json) {
  fmt::print("{}: {}, {} joints", json["file"].get<std::string>(), json["kind"].get<std::string>(),
             json["joints"].size());
  if (json["frames"] > 0) {
    fmt::print(", {} frames at {:g} Hz ({:.2f} s)", json["frames"].get<std::size_t>(),
               json["rate"].get<double>(), json["duration_s"].get<double>());
  }
  if (json["vertices"] > 0) {
    fmt::print(", {} vertices, {} triangles", json["vertices"].get<std::size_t>(),
               json["triangles"].get<std::size_t>());
  }
  fmt::print("\nunit {:g} m ({}), {} up\n", json["unit_m"].get<double>(),
             json["unit_source"].get<std::string>(), json["up"].get<std::string>());
  for (const auto& warning : json["warnings"]) fmt::print("note: {}\n", warning.get<std::string>());
  if (!json.contains("world_positions_m")) return;
  for (std::size_t i = 0; i < json["joints"].size(); ++i) {
    const auto& position = json["world_positions_m"][i];
    fmt::print("{:<28} {:9.4f} {:9.4f} {:9.4f}\n", json["joints"][i]["name"].get<std::string>(),
               position[0].get<double>(), position[1].get<double>(), position[2].get<double>());
  }
}

int fail(int code, const core::Error& error) {
  fmt::print(stderr, "understudy-retarget: {}\n", error.message);
  return code;
}

int run(int argument_count, char** arguments) {
  CLI::App app("Puts recorded motion on characters.", "understudy-retarget");
  app.set_version_flag("--version", UNDERSTUDY_VERSION);
  app.require_subcommand(1);
  CLI::App* inspect = app.add_subcommand("inspect", "Tells what a clip or character holds");
  retarget_tool::InspectOptions options;
  std::string file, unit, up, json_path;
  std::size_t frame = 0;
  inspect->add_option("file", file, ".bvh, .amc, .glb, .gltf or .vrm")->required();
  CLI::Option* frame_option = inspect->add_option(
      "--frame", frame, "Adds the joints' world positions in this frame, counted from 0");
  inspect->add_option("--unit", unit, "The file's unit, where it does not say")
      ->check(CLI::IsMember({"m", "cm", "mm", "in"}));
  inspect->add_option("--up", up, "The file's upward axis, where it does not say")
      ->check(CLI::IsMember({"y", "z"}));
  inspect->add_option("--json", json_path, "Writes a report; - is standard output");
  try {
    app.parse(argument_count, arguments);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  options.path = file;
  if (*frame_option) options.frame = frame;
  if (!unit.empty()) options.clip.unit_m = asset::unitMetres(unit);
  if (!up.empty()) options.clip.up = up[0];
  if (!retarget_tool::isInspectable(options.path)) {
    return fail(2, asset::unreadableClipKind(options.path));
  }
  report::Json json = report::makeReport(
      {.program = "understudy-retarget", .argument_count = argument_count, .arguments = arguments});
  if (auto result = retarget_tool::inspect(options, json); !result) return fail(1, result.error());
  if (json_path != "-") printInspection(json);
  if (json_path.empty()) return 0;
  if (auto result = report::writeReport(json, json_path); !result) return fail(1, result.error());
  return 0;
}

}  // namespace

int main(int argument_count, char** arguments) {
  try {
    return run(argument_count, arguments);
  } catch (const std::exception& exception) {
    return fail(1, core::makeError(exception.what()));
  }
}
