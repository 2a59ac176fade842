#include "capture/pipeline/presence.h"

#include <doctest/doctest.h>

#include <limits>

using namespace understudy;

TEST_SUITE("pipeline/presence") {
  TEST_CASE("a lost subject is held, then fades, then is gone") {
    const pipeline::PresenceSettings settings{.hold_seconds = 0.5, .fade_seconds = 2.0};
    CHECK(pipeline::presenceAfter(0.0, settings) == 1.0f);
    CHECK(pipeline::presenceAfter(0.5, settings) == 1.0f);
    CHECK(pipeline::presenceAfter(1.0, settings) == doctest::Approx(0.75));
    CHECK(pipeline::presenceAfter(2.5, settings) == 0.0f);
    CHECK(pipeline::presenceAfter(1e9, settings) == 0.0f);
  }

  TEST_CASE("without hold and fade it is gone at once") {
    const pipeline::PresenceSettings settings{.hold_seconds = 0.0, .fade_seconds = 0.0};
    CHECK(pipeline::presenceAfter(0.0, settings) == 1.0f);
    CHECK(pipeline::presenceAfter(0.001, settings) == 0.0f);
  }

  TEST_CASE("times that mean nothing are refused") {
    CHECK(pipeline::check(pipeline::PresenceSettings{}));
    CHECK_FALSE(pipeline::check(pipeline::PresenceSettings{.hold_seconds = -1.0}));
    CHECK_FALSE(pipeline::check(
        pipeline::PresenceSettings{.fade_seconds = std::numeric_limits<double>::quiet_NaN()}));
  }
}
