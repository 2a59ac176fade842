#include "engine/scene/view.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace understudy;

TEST_SUITE("scene/view") {
  TEST_CASE("the target lies in the middle, up is up and near is 1") {
    const scene::View view{.eye = {1.0f, 2.0f, 5.0f}, .target = {0.0f, 1.0f, 0.0f}};
    const glm::mat4 clip_from_world =
        scene::clipFromView(view, 16.0f / 9.0f, 0.1f) * scene::viewFromWorld(view);
    const glm::vec4 middle = clip_from_world * glm::vec4(view.target, 1.0f);
    CHECK(middle.x / middle.w == doctest::Approx(0.0).epsilon(1e-5));
    CHECK(std::abs(middle.y / middle.w) < 1e-5f);
    const glm::vec4 above = clip_from_world * glm::vec4(0.0f, 1.2f, 0.0f, 1.0f);
    CHECK(above.y / above.w < 0.0f);
    const glm::vec3 forward = glm::normalize(view.target - view.eye);
    const glm::vec4 near = clip_from_world * glm::vec4(view.eye + 0.1f * forward, 1.0f);
    CHECK(near.z / near.w == doctest::Approx(1.0).epsilon(1e-4));
    const glm::vec4 far = clip_from_world * glm::vec4(view.eye + 10000.0f * forward, 1.0f);
    CHECK(far.z / far.w > 0.0f);
    CHECK(far.z / far.w < 1e-4f);
  }

  TEST_CASE("the vertical field of view reaches the image's edge") {
    const scene::View view{
        .eye = {0.0f, 0.0f, 1.0f}, .target = {0.0f, 0.0f, 0.0f}, .vertical_fov = 0.8f};
    const glm::vec4 edge = scene::clipFromView(view, 2.0f) * scene::viewFromWorld(view) *
                           glm::vec4(0.0f, std::tan(0.4f), 0.0f, 1.0f);
    CHECK(edge.y / edge.w == doctest::Approx(-1.0).epsilon(1e-5));
  }

  TEST_CASE("looking straight down gives a finite view") {
    const scene::View view{.eye = {0.0f, 5.0f, 0.0f}, .target = {0.0f, 0.0f, 0.0f}};
    const glm::vec4 p = scene::viewFromWorld(view) * glm::vec4(0.0f, 0.0f, 0.0f, 1.0f);
    CHECK(p.z == doctest::Approx(-5.0f));
  }
}
