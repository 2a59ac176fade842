#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/core/result.h"
#include "tools/simulation/simulation.h"

namespace understudy::stage {

/// The command line of understudy-stage.
struct StageOptions {
  simulation::SimulationFlags simulation;
  std::string listen;                 ///< ADDR:PORT of real cameras; empty = simulated.
  std::string play;                   ///< A recorded take; empty = simulated.
  std::vector<std::string> subjects;  ///< Subject files.
  std::vector<std::string>
      characters;  ///< One per performer, reused in turn; empty = the mannequin.
  bool headless = false;
  std::string size = "1280x720";
  std::string out;              ///< Folder for pictures and report.json.
  std::uint64_t png_every = 1;  ///< Every Nth picture is written.
  std::string video;
  bool lockstep = false;
  std::string record;
  std::vector<std::string> stream;
  std::string json;
  std::string quality =
      "auto";  ///< low, medium, high, or auto: high in lockstep and on graphics cards.
  std::string environment = "studio";  ///< Name or file.
  std::string view = "film";           ///< View transform.
  double exposure_ev = 0.0;
  bool exr = false;    ///< Pictures also as linear EXR.
  std::string device;  ///< Part of the graphics device's name.
  bool validation = false;
  bool vsync = false;
  double predict_ms = 0.0;  ///< Poses are shown moved on by so much; 0 to 20.
  bool follow = true;       ///< The headless view follows the performers.
  bool markers = false, rays = false, frusta = false,
       skeleton = false;  ///< Overlays of the headless picture.

  std::uint32_t width_px = 0, height_px = 0;  ///< From `size`.
};

void addStageOptions(CLI::App& app, StageOptions& options);

/// Fails on wrong usage (exit code 2); fills the derived fields.
core::Result<void> check(StageOptions& options);

}  // namespace understudy::stage
