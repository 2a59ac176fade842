#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "capture/camera/rig_file.h"
#include "capture/file/marker_file.h"
#include "engine/asset/clip_file.h"
#include "tools/simulation/bump_flag.h"
#include "tools/simulation/simulation.h"
#include "tools/simulation/whole_number.h"

namespace understudy::simulation {
namespace {

constexpr const char* kGroup = "Simulated stage";

template <class Number>
bool readNumber(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

core::Error usage(const std::string& text) { return core::makeError(text); }

std::string readableKinds() {
  std::string kinds;
  for (const char* kind :
       {".bvh", ".glb", ".gltf", ".vrm", ".fbx", ".amc", ".c3d", ".trc", ".csv", ".vsk"}) {
    const std::filesystem::path name = std::string("motion") + kind;
    if (asset::isReadableClipKind(name) || file::isReadableMarkerKind(name)) {
      kinds += (kinds.empty() ? "" : ", ") + std::string(kind);
    }
  }
  return kinds;
}

core::Result<void> checkFiles(const SimulationFlags& flags) {
  for (const std::string& motion : flags.motions) {
    if (!asset::isReadableClipKind(motion) && !file::isReadableMarkerKind(motion)) {
      return usage(fmt::format("--motion {}: this kind of file cannot be read; give one of {}",
                               motion, readableKinds()));
    }
  }
  if (!flags.rig.empty() && std::filesystem::path(flags.rig).extension() != ".toml") {
    return usage(
        fmt::format("--rig {}: this kind of file cannot be read; give a .toml rig", flags.rig));
  }
  if (!flags.unit.empty() && !asset::unitMetres(flags.unit)) {
    return usage(fmt::format("--unit {}: must be m, cm, mm or in", flags.unit));
  }
  if (!flags.up.empty() && flags.up != "y" && flags.up != "z") {
    return usage(fmt::format("--up {}: must be y or z", flags.up));
  }
  return {};
}

}  // namespace

std::optional<source::CameraBump> readBump(const std::string& text) {
  const std::size_t at = text.find('@'), colon = text.find(':', at == std::string::npos ? 0 : at);
  if (at == std::string::npos || colon == std::string::npos) return std::nullopt;
  source::CameraBump bump;
  const std::string_view all(text);
  if (!readNumber(all.substr(0, at), bump.camera) ||
      !readNumber(all.substr(at + 1, colon - at - 1), bump.second) ||
      !readNumber(all.substr(colon + 1), bump.shift_px)) {
    return std::nullopt;
  }
  return bump;
}

std::uint64_t SimulationFlags::frameCount(double default_seconds) const {
  if (frames > 0) return frames;
  const double length = seconds > 0.0 ? seconds : default_seconds;
  return static_cast<std::uint64_t>(std::max(1.0, std::round(length * rate_hz)));
}

void addSimulationFlags(CLI::App& app, SimulationFlags& flags) {
  source::StageSettings& stage = flags.stage;
  const auto add = [&app](const char* name, auto& value, const char* text) {
    return app.add_option(name, value, text)->group(kGroup)->capture_default_str();
  };
  const auto flag = [&app](const char* name, bool& value, const char* text) {
    app.add_flag(name, value, text)->group(kGroup);
  };
  app.add_option("--motion", flags.motions,
                 "performer's motion, a clip or a marker file; repeat for several performers; "
                 "default: the demo performance")
      ->group(kGroup)
      ->allow_extra_args(false)
      ->type_name("FILE");
  add("--unit", flags.unit, "length unit of clips that do not say: m, cm, mm, in");
  add("--up", flags.up, "upward axis of clips that do not say: y, z");
  add("--actors", stage.actors, "performers; motions are reused in turn")
      ->check(wholeNumber(1, 64));
  add("--spacing", stage.spacing, "metres between performers");
  add("--props", stage.props, "rigid props with their own marker patterns");
  flag("--still", stage.still, "performers hold their first pose");
  add("--markerset", flags.marker_set, "marker set, TOML; default: the 53-marker body set");
  add("--subjects", flags.subjects,
      "true: the solver knows the true subjects; calibrated: from 15 s of "
      "simulated range of motion first");
  add("--cameras", flags.cameras, "cameras of the ring rig")
      ->check(wholeNumber(1, camera::kMaxCameras));
  add("--rig", flags.rig, "a rig of your own, TOML, instead of the ring");
  add("--rig-error", stage.rig_error_px, "how far the known rig is from the true one, px");
  add("--rate", flags.rate_hz, "camera rate, Hz");
  add("--noise-px", stage.noise_px, "standard deviation of centroid noise, px");
  add("--false-blobs", stage.false_blobs, "false centroids as a share of true ones");
  add("--gaps", stage.gaps, "marker drop-out: 1 = production statistics, 0 = none");
  add("--soft-tissue", stage.soft_tissue_mm, "slow skin motion of markers, mm RMS");
  flag("--no-body-occlusion", flags.no_body_occlusion, "cameras see through bodies");
  add("--arrival-window-us", stage.arrival_window_us,
      "packets of a frame arrive spread over this time");
  add("--packet-loss", stage.packet_loss, "share of packets that never arrive");
  add("--clock-drift-ppm", stage.clock_drift_ppm, "drift of the cameras' clocks");
  app.add_option("--bump", flags.bumps, "knock a camera: CAMERA@SECOND:PX; repeatable")
      ->group(kGroup)
      ->allow_extra_args(false);
  flag("--shuffle-packets", stage.shuffle_packets, "random packet order over the whole frame");
  add("--threads", flags.threads, "threads, where a program uses several")
      ->check(wholeNumber(1, 1024));
  add("--settings", flags.settings, "pipeline settings, TOML");
  CLI::Option* frames = add("--frames", flags.frames, "length of the run in frames");
  frames->check(wholeNumber(1, 1'000'000'000));
  add("--seconds", flags.seconds, "length of the run in seconds")->excludes(frames);
  add("--seed", stage.seed, "seed of everything random")
      ->check(wholeNumber(0, std::numeric_limits<std::uint64_t>::max()));
}

std::vector<std::pair<std::string, std::string>> changedFlags(const CLI::App& app) {
  std::vector<std::pair<std::string, std::string>> changed;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group() != kGroup || option->count() == 0) continue;
    std::string value;
    for (const std::string& result : option->results())
      value += (value.empty() ? "" : " ") + result;
    changed.emplace_back(option->get_name(), value);
  }
  return changed;
}

core::Result<void> check(const SimulationFlags& flags) {
  if (flags.subjects != "true" && flags.subjects != "calibrated") {
    return usage(fmt::format("--subjects {}: write true or calibrated", flags.subjects));
  }
  if (flags.cameras < 1 || flags.cameras > camera::kMaxCameras) {
    return usage(
        fmt::format("--cameras must be from 1 to {}, not {}", camera::kMaxCameras, flags.cameras));
  }
  if (!(flags.rate_hz >= 1.0 && flags.rate_hz <= 10000.0)) {
    return usage(fmt::format("--rate must be from 1 to 10000 Hz, not {}", flags.rate_hz));
  }
  if (!(flags.seconds >= 0.0 && flags.seconds <= 1e6)) {
    return usage(fmt::format("--seconds must be from 0 to 1000000, not {}", flags.seconds));
  }
  if (flags.threads < 1 || flags.threads > 1024) {
    return usage(fmt::format("--threads must be from 1 to 1024, not {}", flags.threads));
  }
  for (const std::string& bump : flags.bumps) {
    const auto read = readBump(bump);
    if (!read) {
      return usage(fmt::format("--bump {}: write CAMERA@SECOND:PX, such as 3@2.5:1", bump));
    }
    if (flags.rig.empty() && read->camera >= flags.cameras) {
      return usage(fmt::format("--bump {}: there are cameras 0 to {}", bump, flags.cameras - 1));
    }
  }
  if (const core::Result<void> files = checkFiles(flags); !files) return files.error();
  if (const core::Result<void> stage = source::check(flags.stage); !stage) {
    return usage("--" + stage.error().message);
  }
  return {};
}

}  // namespace understudy::simulation
