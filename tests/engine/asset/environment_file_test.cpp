#include "engine/asset/environment_file.h"

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <numbers>
#include <random>

#include "tests/support/text.h"
#include "tools/environment/radiance_file.h"

using namespace understudy;
namespace fs = std::filesystem;

namespace {

/// A folder of its own that goes when the test ends.
struct Folder {
  fs::path path = fs::temp_directory_path() / "understudy_environment_test";
  Folder() {
    fs::remove_all(path);
    fs::create_directories(path);
  }
  ~Folder() { fs::remove_all(path); }
  fs::path write(const std::string& name, const std::string& bytes) const {
    std::ofstream(path / name, std::ios::binary) << bytes;
    return path / name;
  }
};

std::vector<glm::vec3> somePixels(std::uint32_t width, std::uint32_t height) {
  std::mt19937 random(5);
  std::uniform_real_distribution<float> stops(-8.0f, 8.0f);
  std::vector<glm::vec3> pixels;
  for (std::uint32_t i = 0; i < width * height; ++i) {
    // Runs of equal pixels too.
    if (i % 7 > 3 && !pixels.empty()) {
      pixels.push_back(pixels.back());
      continue;
    }
    const float bright = std::exp2(stops(random));
    pixels.emplace_back(bright, 0.5f * bright, 0.8f * bright);
  }
  return pixels;
}

const std::string kSettings =
    "exposure_ev = 1.5\n[key]\nto_light = [0.0, 2.0, 0.0]\nirradiance = [3.0, 2.0, 1.0]\n";

}  // namespace

TEST_SUITE("asset/environment_file") {
  TEST_CASE("pixels come back within the format's precision") {
    const Folder folder;
    const auto pixels = somePixels(64, 32);
    folder.write("some.toml", kSettings);
    const auto read =
        asset::loadEnvironment(folder.write("some.hdr", environment::radianceFile(pixels, 64, 32)));
    REQUIRE(read);
    CHECK(read->name == "some");
    CHECK(read->width_px == 64);
    REQUIRE(read->radiance.size() == pixels.size());
    for (std::size_t i = 0; i < pixels.size(); ++i) {
      const float step = pixels[i].x / 128.0f;
      for (int c = 0; c < 3; ++c) CHECK(std::abs(read->radiance[i][c] - pixels[i][c]) <= step);
    }
    CHECK(read->exposure_ev == 1.5f);
    CHECK(read->key.to_light == glm::vec3(0.0f, 1.0f, 0.0f));
    CHECK(read->key.irradiance == glm::vec3(3.0f, 2.0f, 1.0f));
    CHECK(read->floor.color == scene::StageFloor{}.color);
  }

  TEST_CASE("settings that are written are read back to the last bit") {
    const Folder folder;
    scene::Environment made{.name = "made", .exposure_ev = 0.1f};
    made.key = {.to_light = glm::normalize(glm::vec3(0.3f, 0.4f, -0.7f)),
                .irradiance = {1.0f / 3.0f, 1e-7f, 1234.567f},
                .angular_size = 0.0093f,
                .falloff = 0.0022f,
                .visible = true};
    made.floor = {.color = {0.1f, 0.2f, 0.3f},
                  .reflection = 0.7f,
                  .roughness = 0.11f,
                  .fade_near = 3.3f,
                  .fade_far = 44.4f};
    folder.write("made.toml", asset::formatEnvironment(made));
    const auto read = asset::loadEnvironment(
        folder.write("made.hdr", environment::radianceFile(somePixels(32, 16), 32, 16)));
    REQUIRE(read);
    CHECK(read->exposure_ev == made.exposure_ev);
    CHECK(read->key.to_light == made.key.to_light);
    CHECK(read->key.irradiance == made.key.irradiance);
    CHECK(read->key.angular_size == made.key.angular_size);
    CHECK(read->key.falloff == made.key.falloff);
    CHECK(read->key.visible);
    CHECK(read->floor.color == made.floor.color);
    CHECK(read->floor.reflection == made.floor.reflection);
    CHECK(read->floor.roughness == made.floor.roughness);
    CHECK(read->floor.fade_near == made.floor.fade_near);
    CHECK(read->floor.fade_far == made.floor.fade_far);
  }

  TEST_CASE(
      "without settings the brightest part becomes the key, and its light is not counted twice") {
    const Folder folder;
    constexpr std::uint32_t kWidth = 512, kHeight = 256;
    std::vector<glm::vec3> pixels(kWidth * kHeight, glm::vec3(0.25f));
    const glm::vec3 to_sun = glm::normalize(glm::vec3(0.5f, 0.6f, 0.4f));
    double sun = 0.0;  // Irradiance of what is put in.
    for (std::uint32_t y = 0; y < kHeight; ++y) {
      for (std::uint32_t x = 0; x < kWidth; ++x) {
        const float u = (static_cast<float>(x) + 0.5f) / kWidth,
                    v = (static_cast<float>(y) + 0.5f) / kHeight;
        if (glm::dot(scene::directionAt(u, v), to_sun) < std::cos(0.02f)) continue;
        pixels[y * kWidth + x] = glm::vec3(1024.0f);
        sun += 1024.0 * 2.0 * std::numbers::pi * std::numbers::pi / (kWidth * kHeight) *
               std::sin(static_cast<double>(v) * std::numbers::pi);
      }
    }
    const auto read = asset::loadEnvironment(
        folder.write("sun.hdr", environment::radianceFile(pixels, kWidth, kHeight)));
    REQUIRE(read);
    CHECK(glm::dot(read->key.to_light, to_sun) > std::cos(0.03f));
    // A quarter stays in the picture.
    CHECK(read->key.irradiance.y == doctest::Approx(0.75 * sun).epsilon(0.3));
    float most = 0.0f;
    for (const glm::vec3& c : read->radiance) most = std::max(most, c.y);
    CHECK(most <= 1024.0f);
  }

  TEST_CASE("what is no environment is refused with the reason") {
    const Folder folder;
    const auto pixels = somePixels(64, 32);
    const std::string good = environment::radianceFile(pixels, 64, 32);
    using test::errorOf, test::has;
    CHECK(has(errorOf(asset::loadEnvironment(folder.path / "none.hdr")), "none.hdr"));
    CHECK(has(errorOf(asset::loadEnvironment(folder.path)), folder.path.string()));
    CHECK(has(errorOf(asset::loadEnvironment(folder.write("a.hdr", "hello"))),
              "no Radiance picture"));
    CHECK(has(errorOf(asset::loadEnvironment(folder.write("b.hdr", "#?RADIANCE\n"))), "b.hdr"));
    CHECK(has(errorOf(asset::loadEnvironment(
                  folder.write("c.hdr", environment::radianceFile(pixels, 32, 64)))),
              "32 x 64 px"));
    CHECK(has(errorOf(asset::loadEnvironment(folder.write(
                  "d.hdr", test::replaced(good, "-Y 32 +X 64", "-Y 99999 +X 199998")))),
              "d.hdr"));
    CHECK(
        has(errorOf(asset::loadEnvironment(folder.write("f.hdr", good.substr(0, good.size() - 9)))),
            "row 31: ends too early"));
    const auto setting = [&](const std::string& from, const std::string& to) {
      folder.write("e.toml", test::replaced(kSettings, from, to));
      return errorOf(asset::loadEnvironment(folder.write("e.hdr", good)));
    };
    CHECK(has(setting("2.0, 0.0", "0.0, 0.0"), "to_light must point above the horizon"));
    CHECK(has(setting("2.0, 0.0", "-2.0, 0.0"), "e.toml:3"));
    CHECK(has(setting("irradiance", "irradience"), "irradiance"));
    CHECK(has(setting("3.0,", "-3.0,"), "irradiance"));
    CHECK(has(setting("1.5", "nan"), "exposure_ev"));
  }

  TEST_CASE("broken pictures of any kind are read or refused, never more") {
    const Folder folder;
    const std::string good = environment::radianceFile(somePixels(64, 32), 64, 32);
    std::mt19937 random(9);
    for (int round = 0; round < 400; ++round) {
      std::string bytes = good;
      if (round % 3 == 0) bytes.resize(random() % bytes.size());
      for (unsigned i = 0; i < 1 + random() % 8 && !bytes.empty(); ++i) {
        bytes[random() % bytes.size()] = static_cast<char>(random());
      }
      const auto read = asset::loadEnvironment(folder.write("broken.hdr", bytes));
      if (!read) continue;
      CHECK(read->radiance.size() == std::size_t{read->width_px} * read->height_px);
      for (const glm::vec3& c : read->radiance) {
        const bool sound = c.x >= 0.0f && c.y >= 0.0f && c.z >= 0.0f && c.x + c.y + c.z < 2e5f;
        if (!sound) FAIL_CHECK("a value is below 0, no number or too large");
      }
    }
  }

  TEST_CASE("environments are found by name, and a wrong name lists the right ones") {
    const fs::path folder = UNDERSTUDY_SOURCE_DIR "/assets/environments";
    const auto studio = asset::openEnvironment("studio", folder);
    REQUIRE(studio);
    CHECK(studio->height_px == 512);
    CHECK(asset::openEnvironment("room", folder)->name == "room");
    CHECK(asset::openEnvironment((folder / "dusk.hdr").string(), "")->key.visible);
    CHECK(test::has(test::errorOf(asset::openEnvironment("moon", folder)), "dusk, room, studio"));
    CHECK(test::has(test::errorOf(asset::openEnvironment("../dusk", folder)), "no environment"));
  }
}
