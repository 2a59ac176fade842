#include "engine/scene/light.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace understudy;

TEST_SUITE("scene/light") {
  TEST_CASE("a point falls off with the square of the distance and ends at its reach") {
    const scene::Light light{.position = {1.0f, 2.0f, 3.0f}, .reach = 100.0f};
    const auto at = [&](float distance) {
      return scene::lightShare(light, light.position + glm::vec3(0.0f, 0.0f, distance));
    };
    CHECK(at(1.0f) == doctest::Approx(1.0f).epsilon(1e-3));
    CHECK(at(2.0f) == doctest::Approx(0.25f).epsilon(1e-3));
    CHECK(at(100.0f) == 0.0f);
    CHECK(at(150.0f) == 0.0f);
    CHECK(std::isfinite(at(0.0f)));
  }

  TEST_CASE("a spot is bright within its inner cone and dark outside the outer") {
    const scene::Light light{
        .position = glm::vec3(0.0f), .reach = 1e4f, .cone_inner = 0.6f, .cone_outer = 1.0f};
    const auto at = [&](float angle) {
      return scene::lightShare(light, {std::sin(angle), -std::cos(angle), 0.0f});
    };
    CHECK(at(0.0f) == doctest::Approx(1.0f));
    CHECK(at(0.29f) == doctest::Approx(1.0f));
    CHECK(at(0.4f) < 1.0f);
    CHECK(at(0.4f) > 0.0f);
    CHECK(at(0.51f) == 0.0f);
    CHECK(at(3.0f) == 0.0f);
  }
}
