#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/call.h"
#include "tests/support/shared_data.h"

// The commands as scripts call them: exit codes, error lines and report keys.

using namespace understudy;
using nlohmann::json;

using test::call;
using test::Outcome;

namespace {

std::string quoted(const std::string& text) { return "'" + text + "'"; }

void checkHeader(const json& report, const std::string& program) {
  CHECK(report["program"] == program);
  for (const char* key : {"version", "command", "machine", "seed"}) CHECK(report.contains(key));
}

const char* kDemo = "/usr/share/assimp/models/BVH/01_01.bvh";

}  // namespace

TEST_SUITE("tools/commands") {
  TEST_CASE("wrong usage is 2, failed work is 1, and both say why in one line") {
    for (const std::string program : {"understudy-retarget", "understudy-take"}) {
      CAPTURE(program);
      const std::string verb = program == "understudy-take" ? "info " : "inspect ";
      CHECK(call(program, "--version").code == 0);
      CHECK(call(program, "--help").code == 0);
      CHECK(call(program, "").code == 2);
      CHECK(call(program, verb).code == 2);
      CHECK(call(program, verb + "--nonsense x.bvh").code == 2);
      const Outcome unknown = call(program, verb + "motion.htr");
      CHECK(unknown.code == 2);
      CHECK(unknown.error.find(".bvh") != std::string::npos);
      const Outcome missing = call(program, verb + "/nowhere/motion.bvh");
      CHECK(missing.code == 1);
      CHECK(missing.error.find("/nowhere/motion.bvh") != std::string::npos);
      CHECK(std::count(missing.error.begin(), missing.error.end(), '\n') == 1);
    }
    CHECK(call("understudy-retarget", "inspect --unit furlong x.bvh").code == 2);
    CHECK(call("understudy-retarget", "inspect --up x x.bvh").code == 2);
  }

  TEST_CASE("inspect reports a clip with the keys that scripts rely on") {
    if (!std::filesystem::exists(kDemo)) {
      MESSAGE("SKIPPED: the package assimp-testmodels is not installed");
      return;
    }
    const Outcome outcome =
        call("understudy-retarget", std::string("inspect --frame 100 --json - ") + kDemo);
    REQUIRE(outcome.code == 0);
    const json report = json::parse(outcome.output);
    checkHeader(report, "understudy-retarget");
    CHECK(report["kind"] == "bvh");
    CHECK(report["joints"].size() == 31);
    CHECK(report["joints"][0]["name"] == "Hips");
    CHECK(report["joints"][0]["parent"] == -1);
    CHECK(report["frames"] == 2752);
    CHECK(report["rate"] == 120.0);
    CHECK(report["unit_source"] == "recognised");
    CHECK(report["up"] == "y");
    REQUIRE(report["world_positions_m"].size() == 31);
    CHECK(report["world_positions_m"][0][1].get<double>() == doctest::Approx(1.0078).epsilon(1e-3));
    const Outcome metres =
        call("understudy-retarget", std::string("inspect --unit m --json - ") + kDemo);
    CHECK(json::parse(metres.output)["unit_source"] == "flag");
    CHECK(call("understudy-retarget", std::string("inspect --frame 2752 ") + kDemo).code == 1);
  }

  TEST_CASE("inspect reports a character") {
    const auto path = test::sharedData("characters/kaykit/gltf/Knight.glb");
    if (!path) return;
    const Outcome outcome = call("understudy-retarget", "inspect --json - " + quoted(*path));
    REQUIRE(outcome.code == 0);
    const json report = json::parse(outcome.output);
    CHECK(report["triangles"] == 6952);
    CHECK(report["vertices"] == 7024);
    CHECK(report["joints"].size() == 41);
    CHECK(report["unit_source"] == "file");
  }

  TEST_CASE("info reports a marker file with the keys that scripts rely on") {
    const auto path = test::sharedData("c3d/ezc3d/Vicon.c3d");
    if (!path) return;
    const Outcome outcome = call("understudy-take", "info --frame 0 --json - " + quoted(*path));
    REQUIRE(outcome.code == 0);
    const json report = json::parse(outcome.output);
    checkHeader(report, "understudy-take");
    CHECK(report["format"] == "c3d");
    CHECK(report["vendor"] == "Vicon Vicon Nexus 2.4.0.91647h");
    CHECK(report["rate"] == 100.0);
    CHECK(report["frames"] == 580);
    CHECK(report["points"] == 51);
    CHECK(report["labels"].size() == 51);
    CHECK(report["units"] == "mm");
    CHECK(report["missing_share"].get<double>() == doctest::Approx(0.01).epsilon(0.06));
    CHECK(report["analog_channels"] == 38);
    CHECK(report["analog_rate"] == 2000.0);
    CHECK(report["subjects"] == json({"boite", "Daphnee"}));
    CHECK(report["warnings"].empty());
    CHECK(report["positions_mm"].size() == 51);
    const auto empty = test::sharedData("c3d/btk/others/Empty.c3d");
    CHECK(call("understudy-take", "info " + quoted(*empty)).code == 1);
  }
}
