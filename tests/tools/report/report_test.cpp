#include "tools/report/report.h"

#include <doctest/doctest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <limits>

#include "tools/report/progress.h"

using namespace understudy;

TEST_SUITE("report") {
  TEST_CASE("times have exactly the keys of the contract, in microseconds") {
    core::Histogram histogram;
    for (int i = 0; i < 10; ++i) histogram.record(100);
    CHECK(report::timesJson(histogram.summary()).dump() ==
          R"({"count":10,"mean":0.1,"p50":0.1,"p90":0.1,"p99":0.1,"p99_9":0.1,"max":0.1})");
  }

  TEST_CASE("a report starts with program, version, command, machine and seed") {
    const char* arguments[] = {"understudy-x", "--frames", "3"};
    const report::Json json = report::makeReport(
        {.program = "understudy-x", .argument_count = 3, .arguments = arguments, .seed = 9});
    CHECK(json["program"] == "understudy-x");
    CHECK(json["version"].is_string());
    CHECK(json["command"] == report::Json{"--frames", "3"});
    CHECK(json["machine"]["cores"].get<int>() >= 1);
    CHECK(json["machine"]["gpu"].is_null());
    CHECK(json["seed"] == 9);
  }

  TEST_CASE("a written report is read back; what JSON cannot say becomes null") {
    const std::filesystem::path path =
        std::filesystem::temp_directory_path() / "understudy_report_test.json";
    report::Json json{{"name", "bad \xff text"},
                      {"error_mm", std::numeric_limits<double>::quiet_NaN()}};
    REQUIRE(report::writeReport(json, path.string()).has_value());
    std::ifstream file(path);
    const report::Json back = report::Json::parse(file);
    CHECK(back["error_mm"].is_null());
    std::filesystem::remove(path);
  }

  TEST_CASE("a report that cannot be written is an error with the file's name") {
    const core::Result<void> result = report::writeReport({}, "/nowhere/report.json");
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().message.starts_with("/nowhere/report.json: "));
    CHECK_FALSE(report::writeReport({{"a", 1}}, "/dev/full").has_value());
  }

  TEST_CASE("where a report cannot go is known before the work, and trying leaves nothing behind") {
    const std::filesystem::path path =
        std::filesystem::temp_directory_path() / "understudy_report_try.json";
    std::filesystem::remove(path);
    CHECK(report::checkWritable(path.string()).has_value());
    CHECK_FALSE(std::filesystem::exists(path));
    REQUIRE(report::writeReport({{"a", 1}}, path.string()).has_value());
    const auto size = std::filesystem::file_size(path);
    CHECK(report::checkWritable(path.string()).has_value());
    CHECK(std::filesystem::file_size(path) == size);
    std::filesystem::remove(path);
    CHECK(report::checkWritable("-").has_value());
    CHECK(report::checkWritable("").has_value());
    const core::Result<void> result = report::checkWritable("/nowhere/report.json");
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().message.starts_with("/nowhere/report.json: cannot be written"));
    CHECK_FALSE(report::checkWritable("/tmp").has_value());
  }

  TEST_CASE("progress says what is done, how fast, and what is left") {
    using std::chrono::seconds;
    CHECK(report::progressText("frames", 1200, 2400, seconds(5)) ==
          "1200 of 2400 frames, 240/s, 5 s left");
    CHECK(report::progressText("files", 3, 0, seconds(2)) == "3 files, 1.5/s");
    CHECK(report::progressText("files", 0, 10, seconds(0)) == "0 of 10 files");
    CHECK(report::progressText("files", 1, 301, seconds(1)) == "1 of 301 files, 1.0/s, 5 min left");
  }
}
