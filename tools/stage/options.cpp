#include "tools/stage/options.h"

#include <fmt/format.h>

#include <CLI/Option.hpp>
#include <CLI/Validators.hpp>
#include <charconv>

#include "capture/source/network_source.h"
#include "engine/asset/character_file.h"

namespace understudy::stage {
namespace {

bool parseSize(const std::string& text, std::uint32_t& width, std::uint32_t& height) {
  const char* end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, width);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != 'x') return false;
  const auto second = std::from_chars(first.ptr + 1, end, height);
  return second.ec == std::errc() && second.ptr == end && width >= 16 && height >= 16 &&
         width <= 16384 && height <= 16384;
}

// An empty word, such as a variable of a script that was never set, must not mean another source.
CLI::Validator isFilled() {
  return {[](const std::string& text) { return std::string(text.empty() ? "is empty" : ""); }, ""};
}

}  // namespace

void addStageOptions(CLI::App& app, StageOptions& options) {
  simulation::addSimulationFlags(app, options.simulation);
  app.add_option("--listen", options.listen,
                 "receive cameras that speak our centroid protocol at ADDR:PORT; needs --rig")
      ->check(isFilled());
  app.add_option("--play", options.play, "replay a recorded take (packet log)")->check(isFilled());
  app.add_option("--subject", options.subjects, "a calibrated subject (TOML); repeat for several");
  app.add_option("--character", options.characters,
                 ".glb, .gltf or .vrm; repeat: one per performer");
  app.add_flag("--headless", options.headless, "no window");
  app.add_option("--size", options.size, "picture size WxH")->capture_default_str();
  app.add_option("--out", options.out, "folder for frame_%06d.png and report.json");
  app.add_option("--png-every", options.png_every, "writes only every Nth picture")
      ->capture_default_str()
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1000000000}));
  app.add_option("--video", options.video, "pipes the pictures to ffmpeg: FILE.mp4");
  app.add_flag("--lockstep", options.lockstep,
               "renders every captured frame once, in order, none dropped");
  app.add_option("--record", options.record, "records the raw camera data (packet log, MCAP)")
      ->check(isFilled());
  app.add_option("--stream", options.stream, "PROTOCOL[=ADDR:PORT]");
  app.add_option("--json", options.json, "report to FILE, - for standard output");
  app.add_option("--quality", options.quality, "low, medium, high or auto")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "low", "medium", "high"}));
  app.add_option("--environment", options.environment,
                 "what is around the stage: studio, dusk, room, or FILE.hdr")
      ->capture_default_str();
  app.add_option("--view-transform", options.view,
                 "scene light to display values: film, print or plain")
      ->capture_default_str()
      ->check(CLI::IsMember({"film", "print", "plain"}));
  app.add_option("--exposure", options.exposure_ev, "stops brighter than the environment asks for")
      ->capture_default_str()
      ->check(CLI::Range(-16.0, 16.0));
  app.add_flag("--exr", options.exr,
               "writes each picture also as frame_%06d.exr, linear light for the compositor");
  app.add_option("--device", options.device, "part of the graphics device's name");
  app.add_flag("--validation", options.validation,
               "Vulkan's validation layers; any message fails the run");
  app.add_flag("--vsync", options.vsync, "the window waits for the display");
  app.add_option("--predict-ms", options.predict_ms,
                 "shows each pose as it is expected so long after it was taken: the delay from the "
                 "GPU's start to the viewer's eye; 0 to 20")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 20.0));
  app.add_flag("--follow,!--no-follow", options.follow, "the headless view follows the performers");
  app.add_flag("--show-markers", options.markers, "draws the markers into headless pictures");
  app.add_flag("--show-rays", options.rays, "draws the rays of labelled markers");
  app.add_flag("--show-cameras", options.frusta, "draws the cameras");
  app.add_flag("--show-skeleton", options.skeleton, "draws the solved skeletons");
}

core::Result<void> check(StageOptions& options) {
  if (!parseSize(options.size, options.width_px, options.height_px)) {
    return core::makeError("--size " + options.size +
                           ": must be WxH with 16 to 16384 pixels each, such as 1280x720");
  }
  if (!options.listen.empty() && !options.play.empty()) {
    return core::makeError("--listen and --play exclude each other: choose one source");
  }
  if (!options.play.empty() && !options.simulation.motions.empty()) {
    return core::makeError("--play and --motion exclude each other: a take has its own performers");
  }
  for (const std::string& file : options.characters) {
    if (asset::isReadableCharacterKind(file)) continue;
    return core::makeError("--character " + asset::unreadableCharacterKind(file).message);
  }
  if (!options.listen.empty()) {
    if (options.simulation.rig.empty())
      return core::makeError("--listen needs --rig FILE: the calibrated cameras");
    if (auto endpoint = source::parseEndpoint(options.listen); !endpoint) return endpoint.error();
    if (options.lockstep)
      return core::makeError(
          "--lockstep cannot hold live cameras back: leave it out with --listen");
  }
  const double seconds = options.simulation.seconds;
  if (!(seconds >= 0.0 && seconds <= 1e6)) {
    return core::makeError(fmt::format("--seconds must be from 0 to 1000000, not {:g}", seconds));
  }
  if (!options.stream.empty()) {
    return core::makeError("--stream " + options.stream.front() +
                           ": this version cannot stream yet; known protocols: none");
  }
  if (options.png_every > 1 && options.out.empty())
    return core::makeError("--png-every needs --out DIR");
  if (options.exr && options.out.empty()) return core::makeError("--exr needs --out DIR");
  if (!options.headless && options.lockstep) return core::makeError("--lockstep needs --headless");
  if (options.listen.empty() && options.play.empty()) return simulation::check(options.simulation);
  return {};
}

}  // namespace understudy::stage
