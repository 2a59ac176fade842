#include "tools/simulation/simulation.h"

#include <doctest/doctest.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/shared_data.h"
#include "tests/support/text.h"

using namespace understudy;

namespace {

using test::has;

// The flags of a command line, or what is wrong with it.
core::Result<simulation::SimulationFlags> parse(
    std::vector<std::string> arguments,
    std::vector<std::pair<std::string, std::string>>* changed = nullptr) {
  CLI::App app;
  simulation::SimulationFlags flags;
  simulation::addSimulationFlags(app, flags);
  std::reverse(arguments.begin(), arguments.end());
  try {
    app.parse(arguments);
  } catch (const CLI::Error& error) {
    return core::makeError(error.what());
  }
  if (changed != nullptr) *changed = simulation::changedFlags(app);
  if (const auto checked = simulation::check(flags); !checked) return checked.error();
  return flags;
}

std::string errorOf(const std::vector<std::string>& arguments) {
  return test::errorOf(parse(arguments));
}

}  // namespace

TEST_SUITE("simulation/flags") {
  TEST_CASE("flags reach the stage, and the report lists those that were changed") {
    std::vector<std::pair<std::string, std::string>> changed;
    const auto flags = parse({"--actors", "2", "--noise-px", "0.2", "--bump", "3@2.5:1", "--still",
                              "--seconds", "10", "--motion", "a.bvh", "--motion", "b.bvh"},
                             &changed);
    REQUIRE_MESSAGE(flags, (flags ? "" : flags.error().message));
    CHECK(flags->stage.actors == 2);
    CHECK(flags->stage.noise_px == 0.2);
    CHECK(flags->stage.still);
    CHECK(flags->motions.size() == 2);
    CHECK(flags->frameCount(5.0) == 2400);
    CHECK(changed.size() == 6);
    CHECK(parse({"--props", "3"})->stage.props == 3);
    CHECK(parse({})->stage.props == 0);
    CHECK(has(errorOf({"--props", "65"}), "--props must be from 0 to 64"));
    CHECK(parse({})->frameCount(5.0) == 1200);
    CHECK(parse({"--frames", "7"})->frameCount(5.0) == 7);
  }

  TEST_CASE("wrong usage is one line that names the flag") {
    CHECK(has(errorOf({"--cameras", "0"}), "--cameras"));
    CHECK(has(errorOf({"--cameras", "300"}), "--cameras"));
    CHECK(has(errorOf({"--rate", "nan"}), "--rate"));
    for (const char* flag : {"--cameras", "--actors", "--frames", "--threads", "--seed"}) {
      CHECK(has(errorOf({flag, "-1"}), std::string(flag) + ": must be a whole number from"));
      CHECK(has(errorOf({flag, "3.5"}), "not 3.5"));
      CHECK(has(errorOf({flag, "99999999999999999999999"}), "must be a whole number"));
      CHECK(has(errorOf({flag, ""}), flag));
    }
    CHECK(errorOf({"--seed", "18446744073709551615"}) == "no error");
    CHECK(has(errorOf({"--frames", "0"}), "from 1"));
    CHECK(has(errorOf({"--noise-px", "-1"}), "--noise-px"));
    CHECK(has(errorOf({"--bump", "3"}), "CAMERA@SECOND:PX"));
    CHECK(has(errorOf({"--bump", "99@1:1"}), "cameras 0 to 15"));
    CHECK(has(errorOf({"--motion", "dance.fbx"}), ".bvh"));
    CHECK(has(errorOf({"--motion", "dance.fbx"}), ".c3d"));
    CHECK(has(errorOf({"--unit", "mile"}), "--unit"));
    CHECK(has(errorOf({"--up", "x"}), "--up"));
    CHECK(has(errorOf({"--rig", "stage.mcal"}), "--rig"));
    CHECK(has(errorOf({"--subjects", "guessed"}), "--subjects"));
    CHECK(has(errorOf({"--frames", "3", "--seconds", "2"}), "--frames"));
    CHECK(has(errorOf({"--nonsense"}), "nonsense"));
  }

  TEST_CASE("what cannot be loaded is one line") {
    const auto error = [](const std::vector<std::string>& arguments) {
      const auto flags = parse(arguments);
      REQUIRE_MESSAGE(flags, (flags ? "" : flags.error().message));
      const auto made = simulation::makeSimulation(*flags);
      return made ? std::string("no error") : made.error().message;
    };
    CHECK(has(error({"--motion", "/nonexistent/a.bvh"}), "/nonexistent/a.bvh"));
    CHECK(has(error({"--motion", "/nonexistent/a.c3d"}), "/nonexistent/a.c3d"));
  }

  TEST_CASE("the demo performance is staged without odd findings") {
    if (!std::filesystem::exists(simulation::kDemoMotion)) {
      MESSAGE("SKIPPED: the demo performance is not installed");
      return;
    }
    const auto flags = parse({});
    REQUIRE(flags);
    auto made = simulation::makeSimulation(*flags);
    REQUIRE_MESSAGE(made, (made ? "" : made.error().message));
    CHECK(made->stage.subjects()[0].markers.size() == 53);
    source::StageFrame frame = made->stage.makeFrame();
    for (int i = 0; i < 240; ++i) made->stage.simulate(frame);
    const source::StageStatistics s = made->stage.statistics();
    CHECK(double(s.unseen) / double(s.marker_frames) < 0.03);
  }

  TEST_CASE("real recordings of others are staged, joints or markers") {
    for (const char* name :
         {"bvh/assimp/BVH/Boxing_Toes.bvh", "bvh/pymo/demos/data/AV_8Walk_Meredith_HVHA_Rep1.bvh",
          "bvh/bandai/Bandai-Namco-Research-Motiondataset-1/data/"
          "dataset-1_dash_masculinity_001.bvh",
          "bvh/dme/xia_test/strutting_01_000.bvh"}) {
      const auto path = test::sharedData(name);
      if (!path) continue;
      const auto flags = parse({"--motion", *path, "--actors", "2"});
      REQUIRE(flags);
      auto made = simulation::makeSimulation(*flags);
      REQUIRE_MESSAGE(made, (made ? "" : made.error().message));
      source::StageFrame frame = made->stage.makeFrame();
      for (int i = 0; i < 120; ++i) made->stage.simulate(frame);
      const source::StageStatistics s = made->stage.statistics();
      CHECK(double(s.unseen) / double(s.marker_frames) < 0.10);
    }
  }
}
