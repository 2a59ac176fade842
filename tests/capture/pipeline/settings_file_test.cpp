#include "capture/pipeline/settings_file.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/support/text.h"

using namespace understudy;

namespace {

using test::has;

std::string errorOf(const std::string& toml) {
  return test::errorOf(pipeline::parseSettings(toml, "settings.toml"));
}

}  // namespace

TEST_SUITE("pipeline/settings_file") {
  TEST_CASE("an empty file is the defaults") {
    const auto settings = pipeline::parseSettings("", "settings.toml");
    REQUIRE(settings);
    CHECK(settings->kernels == pipeline::KernelChoice::automatic);
    CHECK(settings->solve.iterations == solve::SolveSettings{}.iterations);
    CHECK(settings->assembly.deadline_us == sync::AssemblySettings{}.deadline_us);
  }

  TEST_CASE("every table sets its own stage and leaves the rest alone") {
    const auto settings = pipeline::parseSettings(
        "kernels = \"baseline\"\n"
        "recover_every = 3\n"
        "[assembly]\nlost_after = 20\n"
        "[reconstruct]\nsmallest_angle = 0.1\ncold_tests = 1000\n"
        "[label]\nsmallest_gate = 0.03\n"
        "[tracks]\nmost_missed = 6\n"
        "[recognise]\nhypotheses = 5\n"
        "[solve]\nmarker_sigma = 0.006\niterations = 3\n"
        "[foresight]\nmemory = 2\n"
        "[props]\ntolerance = 0.003\nevery = 2\n"
        "[prop_solve]\nmarker_sigma = 0.001\n",
        "settings.toml");
    REQUIRE_MESSAGE(settings, (settings ? "" : settings.error().message));
    CHECK(settings->kernels == pipeline::KernelChoice::baseline);
    CHECK(settings->recover_every == 3);
    CHECK(settings->assembly.lost_after == 20);
    CHECK(settings->reconstruct.smallest_angle == 0.1);
    CHECK(settings->reconstruct.cold_tests == 1000);
    CHECK(settings->label.smallest_gate == 0.03);
    CHECK(settings->tracks.most_missed == 6);
    CHECK(settings->recognise.hypotheses == 5);
    CHECK(settings->solve.marker_sigma == 0.006);
    CHECK(settings->solve.iterations == 3);
    CHECK(settings->foresight.memory == 2.0);
    CHECK(settings->props.tolerance == 0.003);
    CHECK(settings->props.every == 2);
    CHECK(settings->prop_solve.marker_sigma == 0.001);
    CHECK(settings->prop_solve.robust_radius == solve::propSolveSettings().robust_radius);
    CHECK(settings->reconstruct.gate_sigmas == reconstruct::ReconstructSettings{}.gate_sigmas);
  }

  TEST_CASE("slips are errors that name place and remedy") {
    CHECK(has(errorOf("[solve]\nmarker_sigmo = 1"), "settings.toml:2"));
    CHECK(has(errorOf("[solve]\nmarker_sigmo = 1"), "marker_sigma"));
    CHECK(has(errorOf("[solver]\niterations = 1"), "solve"));
    CHECK(has(errorOf("kernels = \"fast\""), "settings.toml:1"));
    CHECK(has(errorOf("kernels = \"fast\""), "baseline"));
    CHECK(has(errorOf("[solve]\niterations = \"two\""), "iterations"));
    CHECK(has(errorOf("[solve]\nmarker_sigma = nan"), "marker_sigma"));
    CHECK(has(errorOf("[assembly]\ndeadline_us = -1"), "deadline_us"));
    CHECK(has(errorOf("[recognise]\nsmallest_share = 2"), "smallest_share"));
    CHECK(has(errorOf("[foresight]\nseconds = 3"), "foresight"));
    CHECK(has(errorOf("recover_every = 0"), "recover_every"));
    CHECK(has(errorOf("not toml"), "settings.toml:1"));
    CHECK_FALSE(pipeline::loadSettings("/nonexistent/settings.toml"));
  }
}
