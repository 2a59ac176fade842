#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "engine/asset/picture_file.h"
#include "tools/report/report.h"
#include "tools/score/camera_view.h"
#include "tools/score/commands.h"
#include "tools/simulation/simulation.h"
#include "tools/simulation/whole_number.h"

namespace understudy::score {
namespace {

struct ViewFlags {
  simulation::SimulationFlags stage;
  ViewOptions view;
  std::uint64_t frame = 240;
  std::string out;
};

int fail(int code, const std::string& message) {
  fmt::print(stderr, "understudy-score: {}\n", message);
  return code;
}

int runView(const ViewFlags& flags) {
  if (auto sound = simulation::check(flags.stage); !sound) return fail(2, sound.error().message);
  if (!flags.out.ends_with(".png")) {
    return fail(2, fmt::format("--out {}: give the name of a .png file", flags.out));
  }
  if (auto writable = report::checkWritable(flags.out); !writable) {
    return fail(2, writable.error().message);
  }
  auto simulation = simulation::makeSimulation(flags.stage);
  if (!simulation) return fail(1, simulation.error().message);
  source::SimulatedStage& stage = simulation->stage;
  const std::size_t cameras = stage.trueRig().cameras.size();
  if (flags.view.camera >= cameras) {
    return fail(
        2, fmt::format("--camera {}: there are cameras 0 to {}", flags.view.camera, cameras - 1));
  }
  source::StageFrame frame = stage.makeFrame();
  for (std::uint64_t f = 0; f <= flags.frame; ++f) stage.simulate(frame);
  const report::Canvas canvas = drawView(stage, frame, flags.view);
  const auto saved = asset::savePicture(flags.out, canvas.rgba(), canvas.width(), canvas.height());
  return saved ? 0 : fail(1, saved.error().message);
}

}  // namespace

Command addViewCommand(CLI::App& app) {
  CLI::App* view = app.add_subcommand(
      "view", "Draws what one simulated camera sees, and what is hidden from it, to a PNG");
  const auto flags = std::make_shared<ViewFlags>();
  simulation::addSimulationFlags(*view, flags->stage);
  view->add_option("--camera", flags->view.camera, "which camera, from 0")
      ->check(simulation::wholeNumber(0, 255))
      ->capture_default_str();
  view->add_option("--frame", flags->frame, "which frame, from 0")
      ->check(simulation::wholeNumber(0, 1'000'000))
      ->capture_default_str();
  view->add_flag("--names", flags->view.names, "writes the markers' names");
  view->add_option("--out", flags->out, "the picture")->type_name("FILE.png")->required();
  return {.app = view, .run = [flags] { return runView(*flags); }};
}

}  // namespace understudy::score
