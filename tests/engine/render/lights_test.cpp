#include "shaders/shared/lights.h"

#include <doctest/doctest.h>

#include <cmath>
#include <glm/gtc/packing.hpp>
#include <numbers>
#include <random>

#include "engine/render/renderer.h"
#include "tests/support/box_man.h"
#include "tests/support/gpu.h"

using namespace understudy;

namespace {

constexpr std::uint32_t kWidth = 96, kHeight = 64;

/// A stage in the dark: no light but what the frame brings, a grey matt floor without end.
scene::Environment darkness() {
  scene::Environment dark = scene::softBoxRoom();
  for (glm::vec3& c : dark.radiance) c = glm::vec3(0.0f);
  dark.key.irradiance = glm::vec3(0.0f);
  dark.floor = {.color = glm::vec3(0.5f),
                .reflection = 0.0f,
                .roughness = 1.0f,
                .fade_near = 1000.0f,
                .fade_far = 2000.0f};
  return dark;
}

std::vector<scene::Light> randomLights(std::size_t count, std::mt19937& random) {
  std::uniform_real_distribution<float> place(-9.0f, 9.0f), height(0.2f, 5.0f), one(0.0f, 1.0f);
  std::vector<scene::Light> lights;
  for (std::size_t i = 0; i < count; ++i) {
    scene::Light light{.position = {place(random), height(random), place(random)},
                       .intensity = {one(random), one(random), one(random)},
                       .reach = 0.5f + 5.0f * one(random)};
    if (i % 2 == 1) {
      light.direction = glm::normalize(glm::vec3(one(random) - 0.5f, -1.0f, one(random) - 0.5f));
      light.cone_inner = 0.4f + 0.5f * one(random);
      light.cone_outer = light.cone_inner + 0.1f + 0.6f * one(random);
    }
    lights.push_back(light);
  }
  return lights;
}

struct DarkStage {
  test::CheckedDevice device;
  std::unique_ptr<render::Renderer> renderer;
  DarkStage() {
    if (!device) return;
    auto made =
        render::Renderer::create(*device, {.width_px = kWidth,
                                           .height_px = kHeight,
                                           .quality = render::qualitySettings(render::Quality::low),
                                           .linear_readback = true});
    REQUIRE(made);
    renderer = std::move(*made);
    REQUIRE(renderer->setEnvironment(darkness()));
  }
  explicit operator bool() const { return renderer != nullptr; }
  std::vector<glm::vec3> picture(const render::FrameContent& content) {
    const auto image = renderer->render(content, {.linear_readback = true, .grid = false});
    REQUIRE(image);
    std::vector<glm::vec3> light;
    for (std::size_t i = 0; i < image->linear.size(); i += 4) {
      light.emplace_back(glm::unpackHalf1x16(image->linear[i]),
                         glm::unpackHalf1x16(image->linear[i + 1]),
                         glm::unpackHalf1x16(image->linear[i + 2]));
    }
    return light;
  }
};

/// Where the ray through a pixel's middle meets the floor; false above the horizon.
bool floorAt(const scene::View& view, std::uint32_t x, std::uint32_t y, glm::vec3& point) {
  const glm::mat3 world_from_view = glm::transpose(glm::mat3(scene::viewFromWorld(view)));
  const float tangent = std::tan(0.5f * view.vertical_fov);
  const glm::vec2 at(
      (2.0f * (static_cast<float>(x) + 0.5f) / kWidth - 1.0f) * tangent * kWidth / kHeight,
      (1.0f - 2.0f * (static_cast<float>(y) + 0.5f) / kHeight) * tangent);
  const glm::vec3 ray = world_from_view * glm::vec3(at, -1.0f);
  if (ray.y > -1e-3f) return false;
  point = view.eye - ray * (view.eye.y / ray.y);
  return true;
}

}  // namespace

TEST_SUITE("render/lights") {
  TEST_CASE("256 lamps light every pixel of the floor as all of them summed by hand") {
    DarkStage stage;
    if (!stage) return;
    std::mt19937 random(21);
    for (const std::size_t count : {std::size_t{1}, std::size_t{33}, std::size_t{256}}) {
      const auto lights = randomLights(count, random);
      for (const scene::View& view :
           {scene::View{.eye = {1.0f, 1.6f, 6.0f}, .target = {0.0f, 0.4f, 0.0f}},
            scene::View{
                .eye = {-3.0f, 7.0f, 2.0f}, .target = {0.5f, 0.0f, 0.0f}, .vertical_fov = 1.3f}}) {
        const auto picture = stage.picture({.view = view, .lights = lights});
        std::size_t lit = 0;
        double worst = 0.0;
        for (std::uint32_t y = 0; y < kHeight; ++y) {
          for (std::uint32_t x = 0; x < kWidth; ++x) {
            glm::vec3 point;
            if (!floorAt(view, x, y, point) || glm::distance(point, view.eye) > 60.0f) continue;
            glm::vec3 irradiance(0.0f);
            for (const scene::Light& light : lights) {
              const float cosine = light.position.y / glm::distance(light.position, point);
              irradiance += light.intensity * (scene::lightShare(light, point) * cosine);
            }
            const glm::vec3 expected = 0.5f * irradiance / std::numbers::pi_v<float>;
            const glm::vec3 seen = picture[y * kWidth + x];
            lit += expected.y > 1e-3f ? 1 : 0;
            worst = std::max(worst, static_cast<double>(glm::length(seen - expected) /
                                                        (glm::length(expected) + 0.01f)));
          }
        }
        CAPTURE(count);
        CHECK(lit >= (count == 1 ? 0u : 400u));
        CHECK(worst < 0.02);
      }
    }
  }

  TEST_CASE("a lamp far away lights a body as a key light of the same irradiance does") {
    DarkStage stage;
    if (!stage) return;
    const scene::Character man = test::boxMan();
    const auto model = stage.renderer->addModel(man);
    REQUIRE(model);
    REQUIRE(stage.renderer->setCast(std::vector{*model}));
    const std::vector<glm::mat4> palette = test::restPalette(man);
    const std::vector<std::span<const glm::mat4>> palettes{palette};
    const glm::vec3 to_light = glm::normalize(glm::vec3(0.2f, 0.5f, 0.8f));
    const scene::Light lamp{
        .position = 4000.0f * to_light, .intensity = glm::vec3(2.0f * 16e6f), .reach = 1e6f};
    const scene::View view{.eye = {0.0f, 1.3f, 3.0f}, .target = {0.0f, 1.3f, 0.0f}};
    const auto by_lamp =
        stage.picture({.view = view, .palettes = palettes, .lights = std::span(&lamp, 1)});
    scene::Environment keyed = darkness();
    keyed.key = {.to_light = to_light, .irradiance = glm::vec3(2.0f), .angular_size = 0.0f};
    REQUIRE(stage.renderer->setEnvironment(keyed));
    const auto by_key = stage.picture({.view = view, .palettes = palettes});
    const std::size_t chest = kHeight / 2 * kWidth + kWidth / 2;
    CHECK(by_key[chest].y > 0.1f);
    CHECK(glm::distance(by_lamp[chest], by_key[chest]) < 0.01f * by_key[chest].y);
  }

  TEST_CASE("without lamps the stage stays dark, and more than there is room for are left out") {
    DarkStage stage;
    if (!stage) return;
    std::mt19937 random(4);
    const auto many = randomLights(300, random);
    const auto dark = stage.picture({});
    for (const glm::vec3& c : dark) REQUIRE(c == glm::vec3(0.0f));
    CHECK(stage.picture({.lights = many}) ==
          stage.picture({.lights = std::span(many).first(shaders::kMostLights)}));
    CHECK(stage.picture({}) == dark);
  }
}
