#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "capture/subject/subject_file.h"
#include "tests/support/call.h"
#include "tests/support/shared_data.h"
#include "tests/support/text.h"

// understudy-calibrate as scripts call it.

using namespace understudy;
using nlohmann::json;
using test::call;

namespace {

using test::has;

const char* kDemo = "/usr/share/assimp/models/BVH/01_01.bvh";

std::string scratch(const std::string& name) {
  return (std::filesystem::temp_directory_path() /
          ("understudy_calibrate_test_" + std::to_string(getpid()) + name))
      .string();
}

std::string asset(const std::string& name) {
  return std::string(UNDERSTUDY_SOURCE_DIR) + "/assets/markersets/" + name;
}

bool oneLine(const std::string& text) {
  return !text.empty() && text.find('\n') == text.size() - 1;
}

// A TRC file of eight markers that make a body's lower half; `cell` says frame, marker and axis.
void writeTrc(const std::string& path, int frames,
              const std::function<std::string(int, int, int)>& cell) {
  std::ofstream file(path);
  file << "PathFileType\t4\t(X/Y/Z)\tx.trc\n"
          "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\n100\t100\t"
       << frames << "\t8\tmm\nFrame#\tTime";
  for (const char* name : {"LASI", "RASI", "LPSI", "RPSI", "LKNE", "RKNE", "LANK", "RANK"}) {
    file << "\t" << name << "\t\t";
  }
  file << "\n\n";
  for (int f = 0; f < frames; ++f) {
    file << f + 1 << "\t" << 0.01 * f;
    for (int m = 0; m < 8; ++m) {
      for (int k = 0; k < 3; ++k) file << "\t" << cell(f, m, k);
    }
    file << "\n";
  }
}

}  // namespace

TEST_SUITE("calibrate/commands") {
  TEST_CASE("a simulated performer is calibrated within what is promised") {
    if (!std::filesystem::exists(kDemo)) {
      MESSAGE("SKIPPED: the demo performance is not installed");
      return;
    }
    const std::string out = scratch(".toml");
    const test::Outcome outcome =
        call("understudy-calibrate", "subject --seconds 15 --rate 60 --out " + out + " --json -");
    CAPTURE(outcome.error);
    REQUIRE(outcome.code == 0);
    const json report = json::parse(outcome.output);
    CHECK(report["program"] == "understudy-calibrate");
    CHECK(report["observed_share"] >= 0.8);
    CHECK(report["bone_mm"]["rms"] < 3.0);
    CHECK(report["offset_mm"]["rms"] < 3.0);
    CHECK(report["seconds"].is_number());
    CHECK(report["bones"].size() + report["markers"].size() > 70);
    for (const json& size : report["markers"]) {
      CHECK(size["value"].size() == 3);
      CHECK(size["sigma_mm"].is_number());
      CHECK(size["observed"].get<bool>() == size["hint"].get<std::string>().empty());
    }
    const auto subject = subject::loadSubject(out);
    REQUIRE(subject);
    CHECK(subject->markers.size() == 53);
    std::filesystem::remove(out);
  }

  TEST_CASE("a recording with gaps is calibrated from its set's names") {
    const auto path = test::sharedData("c3d/nimble/data/c3d/nick_freeform_001.c3d");
    if (!path) return;
    const std::string out = scratch("nick.toml");
    const test::Outcome outcome = call(
        "understudy-calibrate", "subject " + *path + " --markerset " + asset("front_waist53.toml") +
                                    " --name Nick --out " + out + " --json -");
    CAPTURE(outcome.error);
    REQUIRE(outcome.code == 0);
    const json report = json::parse(outcome.output);
    CHECK(report["subject"] == "Nick");
    CHECK(report["marker_rms_mm"] < 8.0);
    CHECK_FALSE(report.contains("bone_mm"));
    CHECK(subject::loadSubject(out));
    std::filesystem::remove(out);
  }

  TEST_CASE("what cannot be calibrated ends with 2 and one line") {
    const auto refused = [](const std::string& arguments, const std::string& reason) {
      CAPTURE(arguments);
      const test::Outcome outcome = call("understudy-calibrate", arguments);
      CAPTURE(outcome.error);
      CHECK(outcome.code == 2);
      CHECK(outcome.output.empty());
      CHECK(has(outcome.error, reason));
      CHECK(oneLine(outcome.error));
    };
    // Notes on what was read may come before the one line.
    const auto refusedAtLast = [](const std::string& arguments, const std::string& reason) {
      CAPTURE(arguments);
      const test::Outcome outcome = call("understudy-calibrate", arguments);
      CAPTURE(outcome.error);
      CHECK(outcome.code == 2);
      CHECK(outcome.output.empty());
      const auto last = outcome.error.rfind("understudy-calibrate: ");
      REQUIRE(last != std::string::npos);
      CHECK(has(outcome.error.substr(last), reason));
      CHECK(oneLine(outcome.error.substr(last)));
    };
    refused("subject /nowhere/x.c3d", "/nowhere/x.c3d");
    refused("subject clip.fbx", "clip.fbx");
    refused("subject --play take.mcap", "--play");
    refused("subject --with standing.trc", "--with adds to a marker file");
    refused("subject walk.trc --with standing.bvh", "standing.bvh");
    refused("subject --json /nowhere/report.json", "/nowhere/report.json");
    refused("subject --out /nowhere/s.toml", "/nowhere/s.toml");
    const std::string two = scratch(".trc"), empty = scratch("empty.trc");
    std::ofstream(two) << "PathFileType\t4\t(X/Y/Z)\ttwo.trc\n"
                          "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\t"
                          "OrigDataStartFrame\tOrigNumFrames\n"
                          "100\t100\t3\t2\tmm\t100\t1\t3\n"
                          "Frame#\tTime\tLKNE\t\t\tRKNE\t\t\t\n"
                          "\t\tX1\tY1\tZ1\tX2\tY2\tZ2\n\n"
                          "1\t0.00\t1\t500\t3\t200\t500\t6\n"
                          "2\t0.01\t1\t501\t3\t200\t501\t6\n"
                          "3\t0.02\t1\t502\t3\t200\t502\t6\n";
    std::ofstream(empty).flush();
    const test::Outcome outcome = call("understudy-calibrate", "subject " + two);
    CHECK(outcome.code == 2);
    CHECK(has(outcome.error, "2 markers make no body"));
    refused("subject " + empty, empty);
    std::filesystem::remove(two);
    std::filesystem::remove(empty);
    if (const auto path = test::sharedData("c3d/nimble/data/c3d/cmu_02_05.c3d")) {
      refused("subject " + *path + " --markerset " + asset("optitrack37.toml"), "make no body");
      refused("subject " + *path + " --markerset /nowhere/set.toml", "/nowhere/set.toml");
      refused("subject " + *path + " --motion x.bvh", "--motion");
    }
    writeTrc(two, 50, [](int, int, int) { return std::string("NaN"); });
    refused("subject " + two, "no labelled marker that was ever seen");
    writeTrc(two, 50, [](int, int, int) { return std::string("1e300"); });
    refused("subject " + two, "no labelled marker that was ever seen");
    writeTrc(two, 1, [](int, int m, int k) { return std::to_string(100 * m + 30 * k); });
    refusedAtLast("subject " + two, two + ": only 1 frames show enough markers");
    writeTrc(two, 50, [](int, int, int) { return std::string("1000"); });
    refusedAtLast("subject " + two, two + ": the markers span 0 m");
    writeTrc(two, 50, [](int f, int m, int k) {
      return std::to_string((f * 1299709 + m * 7919 + k * 104729) % 1700);
    });
    refusedAtLast("subject " + two, "do not carry the names of their places");
    std::filesystem::remove(two);
    const std::string set = scratch("set.toml");
    writeTrc(two, 50, [](int, int m, int k) { return std::to_string(100 * m + 30 * k); });
    const std::string head = "name = \"x\"\n[[marker]]\nname = \"Q\"\n";
    const std::string place = "along = 0.5\naround_deg = 0\n";
    for (const auto& [toml, reason] :
         {std::pair(std::string(), "set.toml:1: name is missing"),
          std::pair(head + "joint = \"hip\"\n" + place, "did you mean hips?"),
          std::pair(head + "joint = \"hips\"\nalong = \"far\"\naround_deg = 0\n",
                    "along must be a number, not text"),
          std::pair(head + "joint = \"hips\"\n" + place, "no marker name matches"),
          std::pair(std::string("name = \"x"), "not valid TOML")}) {
      std::ofstream(set) << toml;
      refused("subject " + two + " --markerset " + set, reason);
    }
    std::filesystem::remove(set);
    std::filesystem::remove(two);
    CHECK(call("understudy-calibrate", "").code == 2);
    CHECK(call("understudy-calibrate", "rig").code == 2);
    CHECK(call("understudy-calibrate", "--help").code == 0);
  }
}
