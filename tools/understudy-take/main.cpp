#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <string>

#include "tools/understudy-take/info.h"

using namespace understudy;

namespace {

void printTake(const report::Json& json) {
  fmt::print("{}: packet log of {} cameras, {} frames at {:g} Hz ({:.2f} s)\n",
             json["file"].get<std::string>(), json["cameras"].get<std::size_t>(),
             json["frames"].get<std::size_t>(), json["rate"].get<double>(),
             json["duration_s"].get<double>());
  fmt::print("{} packets of {} bytes in all, {} incomplete frames\n",
             json["packets"].get<std::uint64_t>(), json["packet_bytes"].get<std::uint64_t>(),
             json["incomplete_frames"].get<std::uint64_t>());
  for (const auto& subject : json["subjects"])
    fmt::print("subject {}\n", subject.get<std::string>());
  for (const auto& warning : json["warnings"]) fmt::print("note: {}\n", warning.get<std::string>());
}

void printInfo(const report::Json& json) {
  if (json["format"] == "mcap") return printTake(json);
  fmt::print("{}: {}, {} points, {} frames at {:g} Hz ({:.2f} s)\n",
             json["file"].get<std::string>(), json["format"].get<std::string>(),
             json["points"].get<std::size_t>(), json["frames"].get<std::size_t>(),
             json["rate"].get<double>(), json["duration_s"].get<double>());
  fmt::print("units {}, {:.1f} % missing in {} gaps, {} analog channels at {:g} Hz\n",
             json["units"].get<std::string>(), 100.0 * json["missing_share"].get<double>(),
             json["gaps"].get<std::size_t>(), json["analog_channels"].get<std::size_t>(),
             json["analog_rate"].get<double>());
  if (!json["vendor"].get<std::string>().empty()) {
    fmt::print("made by {}\n", json["vendor"].get<std::string>());
  }
  for (const auto& subject : json["subjects"])
    fmt::print("subject {}\n", subject.get<std::string>());
  for (const auto& warning : json["warnings"]) fmt::print("note: {}\n", warning.get<std::string>());
  if (!json.contains("positions_mm")) return;
  for (std::size_t i = 0; i < json["labels"].size(); ++i) {
    const auto& position = json["positions_mm"][i];
    if (position.is_null()) {
      fmt::print("{:<28} missing\n", json["labels"][i].get<std::string>());
    } else {
      fmt::print("{:<28} {:10.2f} {:10.2f} {:10.2f}\n", json["labels"][i].get<std::string>(),
                 position[0].get<double>(), position[1].get<double>(), position[2].get<double>());
    }
  }
}

int fail(int code, const core::Error& error) {
  fmt::print(stderr, "understudy-take: {}\n", error.message);
  return code;
}

int run(int argument_count, char** arguments) {
  CLI::App app("Looks into recordings.", "understudy-take");
  app.set_version_flag("--version", UNDERSTUDY_VERSION);
  app.require_subcommand(1);
  CLI::App* info = app.add_subcommand("info", "Tells what a recording holds");
  std::string file, json_path;
  std::size_t frame = 0;
  info->add_option("file", file, ".c3d, .trc, .bvh, .glb, .gltf or .vrm")->required();
  CLI::Option* frame_option =
      info->add_option("--frame", frame, "Adds the positions in this frame, counted from 0");
  info->add_option("--json", json_path, "Writes a report; - is standard output");
  try {
    app.parse(argument_count, arguments);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  take_tool::InfoOptions options{.path = file, .frame = {}};
  if (*frame_option) options.frame = frame;
  if (!take_tool::isKnownKind(options.path)) return fail(2, take_tool::unknownKind(options.path));
  report::Json json = report::makeReport(
      {.program = "understudy-take", .argument_count = argument_count, .arguments = arguments});
  if (auto result = take_tool::info(options, json); !result) return fail(1, result.error());
  if (json_path != "-") printInfo(json);
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
