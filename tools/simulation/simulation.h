#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "capture/solve/recorded_names.h"
#include "capture/source/simulated_stage.h"
#include "engine/core/result.h"

namespace understudy::simulation {

/// The demo performance.
inline constexpr const char* kDemoMotion = "/usr/share/assimp/models/BVH/01_01.bvh";

/// The simulated-stage flags as they were given.
struct SimulationFlags {
  std::vector<std::string> motions{};  ///< Empty: the demo.
  std::string unit{};                  ///< m, cm, mm or in; empty: the file's, or recognised.
  std::string up{};                    ///< y or z; empty: as `unit`.
  std::string marker_set{};            ///< A file; empty: the 53-marker body set.
  std::string subjects = "true";
  std::size_t cameras = 16;
  std::string rig{};  ///< A file; empty: a ring of `cameras`.
  double rate_hz = 240;
  std::vector<std::string> bumps{};  ///< CAMERA@SECOND:PX
  bool no_body_occlusion = false;
  std::size_t threads = 1;
  std::string settings{};  ///< Pipeline settings, TOML; read by the tool.
  std::uint64_t frames = 0;
  double seconds = 0;
  source::StageSettings stage{};

  /// Number of frames asked for, or of `default_seconds` if neither flag was given.
  std::uint64_t frameCount(double default_seconds) const;
};

/// Registers every simulated-stage flag on the program.
void addSimulationFlags(CLI::App& app, SimulationFlags& flags);

/// The simulated-stage flags that were given, as name and value, for reports.
std::vector<std::pair<std::string, std::string>> changedFlags(const CLI::App& app);

/// Fails on wrong usage (exit code 2): values out of range, flags that exclude each other, kinds
/// of files that cannot be read.
core::Result<void> check(const SimulationFlags& flags);

/// What retargeting wants to know of a performer beyond the subject's skeleton; empty for marker
/// files.
struct RetargetSource {
  anim::Skeleton standing;            ///< The clip's skeleton in a standing rest pose.
  std::optional<float> ankle_height;  ///< Of the standing performer, metres.
};

/// Everything that is simulated.
struct Simulation {
  source::SimulatedStage stage;
  subject::MarkerSet marker_set;
  std::vector<std::string> motion_files;  ///< One per motion.
  std::vector<std::string> warnings;      ///< Of files and stage, one line each.
  std::vector<subject::Subject>
      subjects;  ///< Performers, then props, as the pipeline is to know them.
  std::vector<RetargetSource> retarget;  ///< One per subject; empty for props.
  /// Per motion: what a recording's own names are worth; `really` is empty where all hold, and for
  /// clips.
  std::vector<solve::RecordedNames> names{};
  bool unnamed = false;  ///< A marker file whose markers have numbers for names.
};

/// Loads motions, marker set and rig and sets up the stage; the flags have passed `check`. Failure
/// is exit code 1. With `range_of_motion_seconds` over 0, performers that have a clip move every
/// joint through its range for so long instead of playing it.
core::Result<Simulation> makeSimulation(const SimulationFlags& flags,
                                        double range_of_motion_seconds = 0.0);

/// A file of ours in assets/, such as "markersets/body53.toml": looked for in the folders above
/// the executable (source tree and build) and in share/understudy beside it (installed).
core::Result<std::filesystem::path> findAsset(const std::string& relative);

}  // namespace understudy::simulation
