#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <vector>

#include "engine/render/joint_shapes.h"
#include "engine/render/reflectance.h"
#include "engine/render/sky_exposure.h"
#include "tests/support/light_fit.h"

using namespace understudy;

namespace {

const glm::vec3 kToKey = glm::normalize(glm::vec3(-0.5f, 0.9f, 0.6f));

glm::vec3 mapped(const test::ShadowFit& fit, const glm::vec3& p) {
  return glm::vec3(fit.shadow_from_world * glm::vec4(p, 1.0f));
}

}  // namespace

TEST_SUITE("render/light_fit") {
  TEST_CASE("all casters and the floor under the map lie inside the shadow map") {
    std::mt19937 random(3);
    std::uniform_real_distribution<float> place(-4.0f, 4.0f), height(0.1f, 2.0f);
    for (int round = 0; round < 50; ++round) {
      std::vector<test::CasterBall> casters;
      for (int i = 0; i < 1 + round % 20; ++i) {
        casters.push_back({{place(random), height(random), place(random)}, 0.2f});
      }
      const auto fit = test::fitShadow(casters, kToKey, 1024);
      CHECK(fit.metres > 0.0f);
      for (const auto& ball : casters) {
        for (const glm::vec3& axis : {glm::vec3(1, 0, 0), glm::vec3(0, 1, 0), glm::vec3(0, 0, 1)}) {
          for (const float side : {-1.0f, 1.0f}) {
            const glm::vec3 at = mapped(fit, ball.centre + side * ball.radius * axis);
            CHECK(glm::all(glm::greaterThan(at, glm::vec3(0.0f))));
            CHECK(glm::all(glm::lessThan(at, glm::vec3(1.0f))));
          }
        }
        const glm::vec3 floor = ball.centre - kToKey * (ball.centre.y / kToKey.y);
        const glm::vec3 at = mapped(fit, floor);
        CHECK(at.z > 0.0f);
        CHECK(at.z < 1.0f);
        // The shadow of a point lies at the same place of the map, deeper by the way between.
        const glm::vec3 from = mapped(fit, ball.centre);
        CHECK(at.x == doctest::Approx(from.x).epsilon(1e-4));
        CHECK(at.y == doctest::Approx(from.y).epsilon(1e-4));
        CHECK((at.z - from.z) * fit.range ==
              doctest::Approx(ball.centre.y / kToKey.y).epsilon(1e-3));
      }
    }
  }

  TEST_CASE("the map moves by whole texels") {
    const auto corner = [](float x) {
      const std::vector<test::CasterBall> casters{{{x, 1.0f, 0.0f}, 0.9f}};
      const auto fit = test::fitShadow(casters, kToKey, 512);
      return mapped(fit, glm::vec3(0.0f)) * 512.0f;
    };
    const glm::vec3 start = corner(0.0f);
    for (int i = 1; i < 40; ++i) {
      const glm::vec3 moved = corner(static_cast<float>(i) * 0.0037f) - start;
      CHECK(moved.x == doctest::Approx(std::round(moved.x)).epsilon(1e-2).scale(1.0));
      CHECK(moved.y == doctest::Approx(std::round(moved.y)).epsilon(1e-2).scale(1.0));
    }
  }

  TEST_CASE("an empty stage has no shadow map") {
    CHECK(test::fitShadow({}, kToKey, 512).metres == 0.0f);
  }
}

TEST_SUITE("render/reflectance") {
  TEST_CASE("a smooth surface reflects as Fresnel says, a rough one loses some light") {
    for (const float n_v : {0.2f, 0.5f, 0.9f}) {
      const glm::vec2 smooth = render::reflectance(n_v, 0.05f);
      const float fresnel = std::pow(1.0f - n_v, 5.0f);
      CHECK(smooth.x == doctest::Approx(1.0f - fresnel).epsilon(0.02));
      CHECK(smooth.y == doctest::Approx(fresnel).epsilon(0.1));
      const glm::vec2 rough = render::reflectance(n_v, 1.0f);
      CHECK(rough.x + rough.y < smooth.x + smooth.y);
      CHECK(rough.x + rough.y > 0.3f);
    }
  }

  TEST_CASE("the map holds the function at texel centres") {
    const auto texels = render::reflectanceMap(8);
    REQUIRE(texels.size() == 128);
    const glm::vec2 value = render::reflectance(2.5f / 8.0f, 5.5f / 8.0f);
    CHECK(texels[2 * (5 * 8 + 2)] == doctest::Approx(value.x * 65535.0f).epsilon(1e-3));
  }
}

TEST_SUITE("render/joint_shapes") {
  TEST_CASE("a cylinder's stick has its axis and radius, its ball holds every vertex") {
    std::vector<shaders::BindVertex> vertices;
    for (int ring = 0; ring <= 20; ++ring) {
      for (int i = 0; i < 24; ++i) {
        const float angle = 6.2831853f * static_cast<float>(i) / 24.0f;
        vertices.push_back(
            {.position = {0.3f + 0.05f * std::cos(angle), 0.5f + 0.02f * static_cast<float>(ring),
                          0.05f * std::sin(angle)},
             .joints01 = 1,
             .weights = {1.0f, 0.0f, 0.0f, 0.0f}});
      }
    }
    const auto shapes = render::jointShapes(vertices, 3);
    CHECK(shapes[0].reach < 0.0f);
    CHECK(shapes[2].radius == 0.0f);
    const shaders::JointFlesh& shape = shapes[1];
    CHECK(shape.radius == doctest::Approx(0.05f).epsilon(0.02));
    CHECK(glm::length(shape.to - shape.from) == doctest::Approx(0.3f).epsilon(0.03));
    CHECK(std::abs(glm::normalize(shape.to - shape.from).y) > 0.999f);
    for (const auto& vertex : vertices) {
      CHECK(glm::distance(vertex.position, shape.centre) <= shape.reach + 1e-5f);
    }
  }
}

TEST_SUITE("render/sky_exposure") {
  TEST_CASE("an open plate sees everything, a pit's bottom little") {
    std::vector<shaders::BindVertex> vertices;
    std::vector<std::uint32_t> indices;
    const auto quad = [&](glm::vec3 a, glm::vec3 b, glm::vec3 c, glm::vec3 d) {
      const auto base = static_cast<std::uint32_t>(vertices.size());
      const glm::vec3 normal = glm::normalize(glm::cross(b - a, d - a));
      for (const glm::vec3& p : {a, b, c, d}) {
        vertices.push_back({.position = p, .normal = normal});
      }
      for (const std::uint32_t i : {0u, 1u, 2u, 0u, 2u, 3u}) indices.push_back(base + i);
    };
    // A plate 0.2 m wide, and beside it a pit 0.04 m wide and 0.12 m deep.
    quad({-0.1f, 0, 0.1f}, {0.1f, 0, 0.1f}, {0.1f, 0, -0.1f}, {-0.1f, 0, -0.1f});
    const float x = 0.5f, r = 0.02f, d = 0.12f;
    quad({x - r, -d, r}, {x + r, -d, r}, {x + r, -d, -r}, {x - r, -d, -r});
    quad({x - r, -d, r}, {x - r, -d, -r}, {x - r, 0, -r}, {x - r, 0, r});
    quad({x + r, -d, -r}, {x + r, -d, r}, {x + r, 0, r}, {x + r, 0, -r});
    quad({x - r, -d, -r}, {x + r, -d, -r}, {x + r, 0, -r}, {x - r, 0, -r});
    quad({x + r, -d, r}, {x - r, -d, r}, {x - r, 0, r}, {x + r, 0, r});
    vertices.push_back({.position = {x, -d, 0.0f}, .normal = {0.0f, 1.0f, 0.0f}});
    std::vector<shaders::FixedVertex> fixed(vertices.size());
    render::fillSkyExposure(vertices, indices, fixed);
    for (int i = 0; i < 4; ++i) {
      CHECK(fixed[static_cast<std::size_t>(i)].exposure > 0.9f);
    }
    CHECK(fixed.back().exposure < 0.5f);
  }
}
