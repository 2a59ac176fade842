#include "engine/render/environment_light.h"

#include <doctest/doctest.h>

#include <cmath>
#include <glm/gtc/packing.hpp>
#include <numbers>
#include <random>

#include "engine/render/reflectance.h"
#include "engine/render/renderer.h"
#include "shaders/shared/environment.h"
#include "tests/support/box_man.h"
#include "tests/support/gpu.h"
#include "tests/support/text.h"

using namespace understudy;

namespace {

constexpr double kPi = std::numbers::pi;

glm::vec3 randomDirection(std::mt19937& random) {
  std::normal_distribution<float> normal;
  return glm::normalize(glm::vec3(normal(random), normal(random), normal(random)));
}

/// Sums `weight(d) * radiance` over the sphere, texel by texel.
template <class Weight>
glm::dvec3 integral(const scene::Environment& environment, const Weight& weight) {
  glm::dvec3 sum(0.0);
  const std::uint32_t width = environment.width_px, height = environment.height_px;
  for (std::uint32_t y = 0; y < height; ++y) {
    const double solid_angle =
        2.0 * kPi / width * (std::cos(kPi * y / height) - std::cos(kPi * (y + 1) / height));
    for (std::uint32_t x = 0; x < width; ++x) {
      const glm::vec3 d =
          scene::directionAt((static_cast<float>(x) + 0.5f) / static_cast<float>(width),
                             (static_cast<float>(y) + 0.5f) / static_cast<float>(height));
      sum += solid_angle * weight(d) * glm::dvec3(environment.radiance[std::size_t{y} * width + x]);
    }
  }
  return sum;
}

glm::dvec3 irradianceByHand(const scene::Environment& environment, const glm::vec3& normal) {
  return integral(environment, [&](const glm::vec3& d) {
    return std::max(0.0, static_cast<double>(glm::dot(d, normal)));
  });
}

/// The picture weighted as Karis' first sum does: GGX normal distribution times the cosine of the
/// mirrored direction, looked at head on.
glm::dvec3 mirroredByHand(const scene::Environment& environment, const glm::vec3& axis,
                          double roughness) {
  const double square = std::pow(roughness, 4.0);
  const auto lobe = [&](const glm::vec3& d) {
    const double n_l = static_cast<double>(glm::dot(d, axis));
    if (n_l <= 0.0) return 0.0;
    const double n_h_square = 0.5 * (1.0 + n_l);  // Half way between d and the axis.
    const double base = n_h_square * (square - 1.0) + 1.0;
    return n_l * square / (base * base);
  };
  scene::Environment white = environment;
  for (glm::vec3& c : white.radiance) c = glm::vec3(1.0f);
  return integral(environment, lobe) / integral(white, lobe);
}

/// A level looked up as the sampler does.
glm::vec3 texelsAt(const render::EnvironmentLight& light, std::size_t level, const glm::vec3& d) {
  const int side = static_cast<int>(light.side_px >> level);
  const glm::vec2 at = render::environmentPlace(d) * static_cast<float>(side) - 0.5f;
  const int x = static_cast<int>(at.x), y = static_cast<int>(at.y);
  const auto texel = [&](int column, int row) {
    return render::unpackLight(light.levels[level][static_cast<std::size_t>(row * side + column)]);
  };
  const glm::vec2 f = at - glm::vec2(x, y);
  return glm::mix(glm::mix(texel(x, y), texel(x + 1, y), f.x),
                  glm::mix(texel(x, y + 1), texel(x + 1, y + 1), f.x), f.y);
}

double misfit(const glm::vec3& a, const glm::dvec3& b) {
  return glm::length(glm::dvec3(a) - b) / glm::length(b);
}

}  // namespace

TEST_SUITE("render/environment_light") {
  TEST_CASE(
      "a place in the map and its direction belong together, and the border repeats the map") {
    std::mt19937 random(1);
    for (int i = 0; i < 2000; ++i) {
      const glm::vec3 d = randomDirection(random);
      const glm::vec2 place = render::environmentPlace(d);
      CHECK(glm::distance(render::environmentDirection(place), d) < 1e-5f);
      const float edge = 0.5f * (1.0f - shaders::kOctahedronShare);
      CHECK(std::min(place.x, place.y) >= edge - 1e-6f);
      CHECK(std::max(place.x, place.y) <= 1.0f - edge + 1e-6f);
    }
    // Going straight on across the map's edges, the direction never jumps.
    std::uniform_real_distribution<float> anywhere(0.07f, 0.93f);
    for (int i = 0; i < 200; ++i) {
      const float along = anywhere(random);
      for (const bool upright : {false, true}) {
        glm::vec3 before(0.0f);
        for (float across = 0.005f; across < 1.0f; across += 0.005f) {
          const glm::vec3 d = render::environmentDirection(upright ? glm::vec2(along, across)
                                                                   : glm::vec2(across, along));
          if (across > 0.006f) CHECK(glm::distance(d, before) < 0.04f);
          before = d;
        }
      }
    }
  }

  TEST_CASE("light in the texels of the maps keeps its ten bits") {
    std::mt19937 random(2);
    std::uniform_real_distribution<float> stops(-12.0f, 15.5f), share(0.0f, 1.0f);
    for (int i = 0; i < 5000; ++i) {
      const float most = std::exp2(stops(random));
      const glm::vec3 light(most, share(random) * most, share(random) * most);
      const glm::vec3 back = render::unpackLight(render::packLight(light));
      for (int c = 0; c < 3; ++c) CHECK(std::abs(back[c] - light[c]) <= most / 2000.0f);
    }
    CHECK(render::unpackLight(render::packLight(glm::vec3(0.0f))) == glm::vec3(0.0f));
    CHECK(render::unpackLight(render::packLight(glm::vec3(1e9f))).x == render::kMostLight);
    CHECK(render::unpackLight(render::packLight(glm::vec3(0.99999f))).x == 1.0f);
  }

  TEST_CASE("irradiance from nine numbers is near the integral over the picture") {
    const scene::Environment room = scene::softBoxRoom();
    const auto light = render::makeEnvironmentLight(room);
    std::mt19937 random(3);
    for (int i = 0; i < 40; ++i) {
      const glm::vec3 normal = randomDirection(random);
      // Ramamoorthi and Hanrahan: at most 9 % for any picture, 1 % on average of natural ones.
      CHECK(misfit(render::irradianceOverPi(light.irradiance, normal),
                   irradianceByHand(room, normal) / kPi) < 0.09);
    }
  }

  TEST_CASE("an even picture lights and mirrors evenly") {
    scene::Environment even = scene::softBoxRoom();
    for (glm::vec3& c : even.radiance) c = {0.5f, 0.25f, 2.0f};
    const auto light = render::makeEnvironmentLight(even);
    CHECK(misfit(render::irradianceOverPi(light.irradiance, {0.0f, 0.6f, 0.8f}), {0.5, 0.25, 2.0}) <
          1e-4);
    for (const auto& level : light.levels) {
      for (const std::uint64_t texel : level) {
        REQUIRE(misfit(render::unpackLight(texel), {0.5, 0.25, 2.0}) < 0.001);
      }
    }
  }

  TEST_CASE("every level of the map is near the integral of its lobe") {
    const scene::Environment room = scene::softBoxRoom();
    const auto light = render::makeEnvironmentLight(room);
    CHECK(light.side_px == 128);
    CHECK(light.sharp_level == 0);
    REQUIRE(light.levels.size() == 4);
    std::mt19937 random(4);
    for (std::size_t level = 1; level < light.levels.size(); ++level) {
      const double roughness = static_cast<double>(level) / 3.0;
      const std::uint32_t side = light.side_px >> level;
      for (int i = 0; i < 12; ++i) {
        CAPTURE(level);
        const std::uint32_t x = random() % side, y = random() % side;
        const glm::vec3 d =
            render::environmentDirection((glm::vec2(x, y) + 0.5f) / static_cast<float>(side));
        CHECK(misfit(render::unpackLight(light.levels[level][y * side + x]),
                     mirroredByHand(room, d, roughness)) < 0.05);
        // Between texels the sampler's straight lines add to that.
        const glm::vec3 between = randomDirection(random);
        CHECK(misfit(texelsAt(light, level, between), mirroredByHand(room, between, roughness)) <
              0.10);
      }
    }
  }

  TEST_CASE("a large picture keeps its sharpness for the sky, and level 0 shows it") {
    scene::Environment large{.width_px = 1024, .height_px = 512};
    for (std::uint32_t y = 0; y < 512; ++y) {
      for (std::uint32_t x = 0; x < 1024; ++x) {
        const glm::vec3 d = scene::directionAt((static_cast<float>(x) + 0.5f) / 1024.0f,
                                               (static_cast<float>(y) + 0.5f) / 512.0f);
        large.radiance.push_back(2.0f + d);
      }
    }
    const auto light = render::makeEnvironmentLight(large);
    CHECK(light.side_px == 1024);
    CHECK(light.sharp_level == 2);
    CHECK(light.levels.size() == 7);
    std::mt19937 random(6);
    for (int i = 0; i < 300; ++i) {
      const glm::vec3 d = randomDirection(random);
      CHECK(misfit(texelsAt(light, 0, d), glm::dvec3(2.0f + d)) < 0.01);
      CHECK(misfit(texelsAt(light, 2, d), glm::dvec3(2.0f + d)) < 0.01);
    }
  }

  TEST_CASE("environments that do not fit together are refused with the reason") {
    const auto why = [](const auto& spoil) {
      scene::Environment room = scene::softBoxRoom();
      spoil(room);
      return test::errorOf(render::check(room));
    };
    CHECK(why([](scene::Environment&) {}) == "no error");
    CHECK(test::has(why([](auto& e) { e.radiance.pop_back(); }), "128 x 64 px"));
    CHECK(test::has(why([](auto& e) { e.width_px = 64; }), "64 x 64 px"));
    CHECK(test::has(why([](auto& e) { e.radiance[7].y = -1.0f; }), "below 0"));
    CHECK(test::has(why([](auto& e) { e.radiance[7].y = std::nanf(""); }), "no number"));
    CHECK(test::has(why([](auto& e) { e.key.to_light.y = -0.5f; }), "horizon"));
  }
}

namespace {

constexpr std::uint32_t kWidth = 96, kHeight = 64;

/// Light towards the eye from a level surface under key and room: the textbook's sums, with the
/// room integrated texel by texel.
glm::dvec3 lightByHand(const scene::Environment& room, const scene::Material& material,
                       const glm::vec3& position, const glm::vec3& eye) {
  const glm::dvec3 base(material.base_color), normal(0.0, 1.0, 0.0);
  const double metallic = static_cast<double>(material.metallic);
  const double alpha = static_cast<double>(material.roughness * material.roughness);
  const double square = alpha * alpha;
  const glm::dvec3 to_eye = glm::normalize(glm::dvec3(eye - position)), to_key(room.key.to_light);
  const glm::dvec3 half_way = glm::normalize(to_eye + to_key);
  const double n_v = to_eye.y, n_l = to_key.y, n_h = half_way.y, v_h = glm::dot(to_eye, half_way);
  const glm::dvec3 f0 = glm::mix(glm::dvec3(0.04), base, metallic),
                   diffuse = base * (1.0 - metallic);
  const glm::vec2 split = render::reflectance(static_cast<float>(n_v), material.roughness);
  const double all = static_cast<double>(split.x + split.y);
  const glm::dvec3 gain = 1.0 + f0 * (1.0 / all - 1.0);
  const glm::dvec3 reflected = f0 * static_cast<double>(split.x) + static_cast<double>(split.y);

  const auto masked = [&](double c) { return std::sqrt(c * c * (1.0 - square) + square); };
  const double tangent = std::tan(0.5 * static_cast<double>(room.key.angular_size));
  const double wide = square + 0.25 * tangent * tangent;
  const double base_d = n_h * n_h * (wide - 1.0) + 1.0;
  const double distribution = wide / (kPi * base_d * base_d);
  const double visibility = 0.5 / (n_l * masked(n_v) + n_v * masked(n_l));
  const glm::dvec3 fresnel = f0 + (1.0 - f0) * std::pow(1.0 - v_h, 5.0);
  const double pool =
      1.0 / (1.0 + static_cast<double>(room.key.falloff) *
                       static_cast<double>(position.x * position.x + position.z * position.z));
  const glm::dvec3 key =
      glm::dvec3(room.key.irradiance) * n_l * pool *
      (diffuse * (1.0 - fresnel) / kPi + fresnel * gain * distribution * visibility);
  const glm::vec3 mirror = glm::vec3(glm::reflect(-to_eye, normal));
  return key + diffuse * (1.0 - reflected) * irradianceByHand(room, normal) / kPi +
         reflected * gain * mirroredByHand(room, mirror, static_cast<double>(material.roughness));
}

}  // namespace

TEST_SUITE("render/renderer") {
  TEST_CASE("a lit pixel has the light that is computed by hand") {
    test::CheckedDevice device;
    if (!device) return;
    auto made =
        render::Renderer::create(*device, {.width_px = kWidth,
                                           .height_px = kHeight,
                                           .quality = render::qualitySettings(render::Quality::low),
                                           .linear_readback = true});
    REQUIRE(made);
    render::Renderer& renderer = **made;
    const scene::Environment room = scene::softBoxRoom();
    const scene::View view{.eye = {0.4f, 2.6f, 1.2f}, .target = {0.1f, 1.0f, 0.0f}};
    for (const scene::Material& material :
         {scene::Material{.base_color = {0.5f, 0.3f, 0.1f, 1.0f}, .roughness = 1.0f},
          scene::Material{.base_color = {0.02f, 0.02f, 0.02f, 1.0f}, .roughness = 2.0f / 3.0f},
          scene::Material{.base_color = {0.9f, 0.6f, 0.3f, 1.0f},
          .metallic = 1.0f,
          .roughness = 1.0f / 3.0f}}) {
      const auto model = renderer.addModel(test::slab(material));
      REQUIRE(model);
      REQUIRE(renderer.setCast(std::vector{*model}));
      const std::vector<glm::mat4> palette{glm::mat4(1.0f)};
      const std::vector<std::span<const glm::mat4>> palettes{palette};
      const auto image =
          renderer.render({.view = view, .palettes = palettes}, {.linear_readback = true});
      REQUIRE(image);
      REQUIRE(image->linear.size() == std::size_t{4} * kWidth * kHeight);
      // The pixel in the middle shows the target, as nearly as half a pixel.
      const std::size_t pixel = std::size_t{4} * (kHeight / 2 * kWidth + kWidth / 2);
      glm::vec3 seen;
      for (int c = 0; c < 3; ++c) {
        seen[c] = glm::unpackHalf1x16(image->linear[pixel + static_cast<std::size_t>(c)]);
      }
      const glm::dvec3 expected = lightByHand(room, material, view.target, view.eye);
      CAPTURE(material.roughness);
      CAPTURE(seen.x);
      CAPTURE(expected.x);
      CHECK(misfit(seen, expected) < 0.05);
    }
  }

  TEST_CASE("exposure doubles light with each stop, and plain shows it clipped and encoded") {
    test::CheckedDevice device;
    if (!device) return;
    scene::Environment even = scene::softBoxRoom();
    for (glm::vec3& c : even.radiance) c = {0.18f, 0.09f, 0.36f};
    even.exposure_ev = 1.0f;
    const auto skyOf = [&](render::ViewTransform transform, float stops) {
      auto made = render::Renderer::create(
          *device, {.width_px = 32,
                    .height_px = 32,
                    .quality = render::qualitySettings(render::Quality::low),
                    .view_transform = transform,
                    .exposure_ev = stops});
      REQUIRE(made);
      REQUIRE((*made)->setEnvironment(even));
      const auto image = (*made)->render({.view = {.eye = {0, 1, 0}, .target = {0, 2, -1}}});
      REQUIRE(image);
      CHECK(image->linear.empty());
      return test::pixelAt(image->rgba, 32, 16, 16);
    };
    const auto encoded = [](double x) {
      x = std::min(x, 1.0);
      return 255.0 * (x <= 0.0031308 ? 12.92 * x : 1.055 * std::pow(x, 1.0 / 2.4) - 0.055);
    };
    for (const float stops : {-1.0f, 0.0f, 1.0f, 4.0f}) {
      const double gain = std::exp2(static_cast<double>(stops) + 1.0);
      const auto plain = skyOf(render::ViewTransform::plain, stops);
      CHECK(std::abs(plain.r - encoded(0.18 * gain)) < 1.5);
      CHECK(std::abs(plain.g - encoded(0.09 * gain)) < 1.5);
      CHECK(std::abs(plain.b - encoded(0.36 * gain)) < 1.5);
    }
    // Grey stays grey and where it was, whatever the transform; bright colours pale in film.
    for (glm::vec3& c : even.radiance) c = glm::vec3(0.18f);
    for (const auto transform : {render::ViewTransform::film, render::ViewTransform::print}) {
      const auto grey = skyOf(transform, -1.0f);
      CHECK(std::abs(grey.r - encoded(0.18)) < 3.0);
      CHECK(std::abs(grey.r - grey.g) <= 1);
      CHECK(std::abs(grey.b - grey.g) <= 1);
    }
    for (glm::vec3& c : even.radiance) c = {0.18f, 0.02f, 0.02f};
    const auto red = skyOf(render::ViewTransform::film, -1.0f);
    const auto bright = skyOf(render::ViewTransform::film, 5.0f);
    CHECK(red.r > red.g + 70);
    CHECK(bright.g > 150);
    CHECK(bright.r > 240);
  }

  TEST_CASE("the sky shows the environment's picture where it lies, and its sun") {
    test::CheckedDevice device;
    if (!device) return;
    for (const auto quality : {render::Quality::low, render::Quality::high}) {
      auto made = render::Renderer::create(*device, {.width_px = 64,
                                                     .height_px = 64,
                                                     .quality = render::qualitySettings(quality),
                                                     .linear_readback = true});
      REQUIRE(made);
      scene::Environment painted{.width_px = 256, .height_px = 128};
      for (std::uint32_t y = 0; y < 128; ++y) {
        for (std::uint32_t x = 0; x < 256; ++x) {
          painted.radiance.push_back(1.5f +
                                     scene::directionAt((static_cast<float>(x) + 0.5f) / 256.0f,
                                                        (static_cast<float>(y) + 0.5f) / 128.0f));
        }
      }
      painted.key = {.to_light = glm::normalize(glm::vec3(0.2f, 0.5f, 0.7f)),
                     .irradiance = glm::vec3(3.0f),
                     .angular_size = 0.05f,
                     .visible = true};
      REQUIRE((*made)->setEnvironment(painted));
      const auto middle = [&](const glm::vec3& toward) {
        const scene::View view{.eye = {0, 1, 0}, .target = glm::vec3(0, 1, 0) + toward};
        const auto image = (*made)->render({.view = view}, {.linear_readback = true});
        REQUIRE(image);
        glm::vec3 seen;
        for (std::size_t c = 0; c < 3; ++c) {
          seen[static_cast<int>(c)] = glm::unpackHalf1x16(image->linear[4 * (32 * 64 + 32) + c]);
        }
        return seen;
      };
      for (const glm::vec3& toward :
           {glm::vec3(1, 0.2f, 0), glm::vec3(-1, 0.3f, 0), glm::vec3(0, 0.1f, 1),
            glm::vec3(0.1f, 0.4f, -1), glm::vec3(0.1f, 1, 0.1f)}) {
        CHECK(misfit(middle(toward), glm::dvec3(1.5f + glm::normalize(toward))) < 0.03);
      }
      const double disk = 3.0 / (2.0 * kPi * (1.0 - std::cos(0.025)));
      CHECK(misfit(middle(painted.key.to_light), glm::dvec3(1.5f + painted.key.to_light) + disk) <
            0.02);
    }
  }

  TEST_CASE("another environment while frames run leaves no trace of the one before") {
    test::CheckedDevice device;
    if (!device) return;
    auto made =
        render::Renderer::create(*device, {.width_px = 64,
                                           .height_px = 64,
                                           .quality = render::qualitySettings(render::Quality::low),
                                           .frames_in_flight = 3});
    REQUIRE(made);
    const auto first = test::copyOf((*made)->render({})->rgba);
    scene::Environment dark = scene::softBoxRoom();
    for (glm::vec3& c : dark.radiance) c *= 0.1f;
    for (int i = 0; i < 5; ++i) {
      REQUIRE((*made)->beginFrame());
      (*made)->latch({});
      REQUIRE((*made)->submit());
    }
    REQUIRE((*made)->setEnvironment(dark));
    CHECK(test::copyOf((*made)->render({})->rgba) != first);
    REQUIRE((*made)->setEnvironment(scene::softBoxRoom()));
    CHECK(test::copyOf((*made)->render({})->rgba) == first);
    dark.radiance.clear();
    CHECK_FALSE((*made)->setEnvironment(dark));
    CHECK(test::copyOf((*made)->render({})->rgba) == first);
  }
}
