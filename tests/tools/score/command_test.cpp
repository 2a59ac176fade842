#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/call.h"
#include "tests/support/shared_data.h"
#include "tests/support/text.h"

// understudy-score as scripts call it.

using namespace understudy;
using nlohmann::json;
using test::call;

namespace {

using test::has;

const char* kDemo = "/usr/share/assimp/models/BVH/01_01.bvh";

std::filesystem::path scratch(const std::string& name) {
  return std::filesystem::temp_directory_path() /
         ("understudy_score_test_" + std::to_string(getpid()) + name);
}

std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool hasDemo() {
  if (std::filesystem::exists(kDemo)) return true;
  MESSAGE("SKIPPED: the demo performance is not installed");
  return false;
}

}  // namespace

TEST_SUITE("score/commands") {
  TEST_CASE("wrong arguments end with 2 and name the flag, before any work") {
    for (const std::string arguments :
         {"stage --cameras -1", "stage --seed 99999999999999999999", "stage --seed -1",
          "stage --frames -1", "stage --seconds nan", "stage --noise-px inf", "stage --actors 1e9",
          "stage --seconds 1e300", "stage --held-out-frames -3", "stage --cameras 2.5",
          "view --camera -1 --out /tmp/x.png", "scorecard --jobs 0 --html /tmp/x.html",
          "scorecard --seconds nan --html /tmp/x.html"}) {
      CAPTURE(arguments);
      const test::Outcome outcome = call("understudy-score", arguments);
      CHECK(outcome.code == 2);
      const std::size_t flag = arguments.find("--");
      CHECK(has(outcome.error, arguments.substr(flag, arguments.find(' ', flag) - flag)));
    }
    for (const std::string arguments :
         {"stage --seconds 100000 --json /nowhere/report.json", "view --out /nowhere/view.png",
          "scorecard --html /nowhere/card.html"}) {
      CAPTURE(arguments);
      const test::Outcome outcome = call("understudy-score", arguments);
      CHECK(outcome.code == 2);
      CHECK(has(outcome.error, "/nowhere/"));
    }
    CHECK(call("understudy-score", "scorecard").code == 2);
    CHECK(call("understudy-score", "view --out picture.jpg").code == 2);
  }

  TEST_CASE("a recording is solved beside another solver's result, or one line says why not") {
    const auto refused = [](const std::string& arguments, const std::string& reason) {
      CAPTURE(arguments);
      const test::Outcome outcome = call("understudy-score", "solve " + arguments);
      CAPTURE(outcome.error);
      CHECK(outcome.code == 2);
      CHECK(outcome.output.empty());
      CHECK(has(outcome.error, reason));
    };
    refused("", "file is required");
    refused("a.bvh", "a.bvh");
    refused("/nowhere/a.trc", "/nowhere/a.trc");
    refused("a.trc --reference a.xml", "cannot compare with files of kind \".xml\"");
    refused("a.trc --with a.mot", "a.mot");
    refused("a.trc --html /nowhere/x.html", "/nowhere/x.html");
    const auto path = test::sharedData("c3d/nimble/data/c3d/cmu_02_05.c3d");
    const auto reference = test::sharedData("asf_amc/cmuasf/02/02_05.amc");
    if (!path || !reference) return;
    refused(*path + " --reference /nowhere/a.vsk", "/nowhere/a.vsk");
    refused(*path + " --subject /nowhere/s.toml", "/nowhere/s.toml");
    const std::string page = (std::filesystem::temp_directory_path() /
                              ("understudy_solve_" + std::to_string(getpid()) + ".html"))
                                 .string();
    const test::Outcome outcome =
        call("understudy-score", "solve " + *path + " --no-held-out --reference " + *reference +
                                     " --html " + page + " --json -");
    CAPTURE(outcome.error);
    REQUIRE(outcome.code == 0);
    const json report = json::parse(outcome.output);
    CHECK(report["program"] == "understudy-score");
    CHECK(report["frames"] == 1854);
    CHECK(report["solve"]["marker_mm"]["rms"] < 5.0);
    CHECK(report["solve"]["marker_mm"]["held_out_rms"].is_null());
    CHECK(report["reference"]["kind"] == "amc");
    CHECK(report["reference"]["angles"].size() == 8);
    CHECK(report["reference"]["best_marker_mm"]["rms"] >
          report["reference"]["our_best_marker_mm"]["rms"]);
    CHECK(report["per_marker"].size() == 41);
    CHECK(std::filesystem::file_size(page) > 10000);
    std::filesystem::remove(page);
  }

  TEST_CASE("work that fails ends with 1") {
    const test::Outcome outcome = call("understudy-score", "stage --motion /nonexistent/a.bvh");
    CHECK(outcome.code == 1);
    CHECK(has(outcome.error, "/nonexistent/a.bvh"));
  }

  TEST_CASE("the stage report has the keys of the contract, and says why one is null") {
    if (!hasDemo()) return;
    const test::Outcome outcome =
        call("understudy-score", "stage --cameras 8 --frames 60 --json -");
    REQUIRE(outcome.code == 0);
    const json report = json::parse(outcome.output);
    CHECK(report["frames"] == 60);
    CHECK(report["markers"] == 53);
    CHECK(report["cameras"] == 8);
    for (const char* pointer : {"/reconstruct/recall",
                                "/reconstruct/recall_3",
                                "/reconstruct/ghosts_per_frame",
                                "/reconstruct/error_mm/rms",
                                "/reconstruct/error_mm/p50",
                                "/reconstruct/error_mm/p99",
                                "/reconstruct/crb_ratio",
                                "/reconstruct/nees",
                                "/reconstruct/cpu_us/p99_9",
                                "/reconstruct/after_last_packet_us/p50",
                                "/label/correct",
                                "/label/swaps",
                                "/label/swaps_over_100ms",
                                "/label/boot_frame",
                                "/label/boot_cpu_ms",
                                "/label/idf1",
                                "/label/cpu_us/p50",
                                "/label/right_at_first",
                                "/label/recovery_ms/count",
                                "/solve/joint_mm/mean",
                                "/solve/joint_mm/p50",
                                "/solve/joint_mm/p99",
                                "/solve/joint_deg/mean",
                                "/solve/joint_deg/p99",
                                "/solve/marker_mm/rms",
                                "/solve/marker_mm/held_out_rms",
                                "/solve/cpu_us_per_actor/p50",
                                "/solve/diverged",
                                "/solve/predict_20ms_mm/p50",
                                "/solve/predict_20ms_mm/p99",
                                "/stage/hidden_by_body",
                                "/stage/merged",
                                "/stage/false_blobs",
                                "/stage/dropped/mean",
                                "/stage/missing/worst_marker",
                                "/stage/production/sets/0/gap_frames/p99"}) {
      CAPTURE(pointer);
      CHECK(report.contains(json::json_pointer(pointer)));
      if (report.contains(json::json_pointer(pointer))) {
        CHECK(report.at(json::json_pointer(pointer)).is_number());
      }
    }
    CHECK(report["hash"].is_string());
    CHECK(report["changed_flags"] == json({{"--cameras", "8"}, {"--frames", "60"}}));
    CHECK(report.contains("allocations_per_frame"));
    for (const char* key : {"jitter_mm", "props"}) CHECK(report.contains(key));
    REQUIRE(report["solve"].contains("nees"));
    if (report["solve"]["nees"].is_null()) CHECK(report["notes"].contains("solve.nees"));
  }

  TEST_CASE("the view is a picture of the sensor's size with a legend below, the same each time") {
    if (!hasDemo()) return;
    const std::filesystem::path one = scratch("1.png"), two = scratch("2.png");
    for (const auto& path : {one, two}) {
      REQUIRE(call("understudy-score",
                   "view --actors 2 --spacing 0.5 --frame 20 --names --out " + path.string())
                  .code == 0);
    }
    const std::string picture = contents(one);
    REQUIRE(picture.size() > 1000);
    CHECK(picture.substr(1, 3) == "PNG");
    const auto number = [&](std::size_t at) {
      std::uint32_t value = 0;
      for (std::size_t i = 0; i < 4; ++i) {
        value = value << 8 | static_cast<unsigned char>(picture[at + i]);
      }
      return value;
    };
    CHECK(number(16) == 2048);
    CHECK(number(20) > 1088);
    CHECK(picture == contents(two));
    std::filesystem::remove(one);
    std::filesystem::remove(two);
    CHECK(call("understudy-score", "view --cameras 4 --camera 4 --out " + one.string()).code == 2);
  }

  TEST_CASE("a scorecard whose runs fail shows each of them as failed, and ends with 1") {
    const std::filesystem::path html = scratch(".html"), report = scratch(".json");
    const test::Outcome outcome =
        call("understudy-score", "scorecard --quick --jobs 4 --motion /nonexistent/a.bvh --html " +
                                     html.string() + " --json " + report.string());
    CHECK(outcome.code == 1);
    const std::string page = contents(html);
    CHECK(has(page, "19 of 19 runs failed"));
    CHECK(has(page, ">failed</text>"));
    CHECK(has(page, "/nonexistent/a.bvh"));
    const json runs = json::parse(contents(report))["runs"];
    REQUIRE(runs.size() == 19);
    for (const json& run : runs) {
      CHECK(run["ok"] == false);
      CHECK(has(run["failure"], "/nonexistent/a.bvh"));
    }
    std::filesystem::remove(html);
    std::filesystem::remove(report);
  }
}
