#include "engine/asset/environment_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "engine/asset/radiance_picture.h"
#include "engine/core/read_file.h"
#include "engine/core/settings_file.h"

namespace understudy::asset {

namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kLeastRows = 16, kMostRows = 4096;
constexpr float kMostRadiance = 65000.0f;
// A picture of the largest size that does not compress at all.
constexpr std::size_t kMostBytes = std::size_t{9} * kMostRows * kMostRows;

core::Result<void> readPicture(const fs::path& path, scene::Environment& environment) {
  auto bytes = core::readFile(path, kMostBytes);
  if (!bytes) return bytes.error();
  auto picture = readRadiance(*bytes, path.string(), 2 * kMostRows);
  if (!picture) return picture.error();
  const std::uint32_t width = picture->width_px, height = picture->height_px;
  if (height < kLeastRows || height > kMostRows || width != 2 * height) {
    return core::makeError(fmt::format(
        "{}: {} x {} px; an environment is equirectangular, twice as wide as high, {} to {} rows",
        path.string(), width, height, kLeastRows, kMostRows));
  }
  environment.width_px = width;
  environment.height_px = height;
  environment.radiance = std::move(picture->pixels);
  for (glm::vec3& c : environment.radiance) c = glm::min(c, glm::vec3(kMostRadiance));
  return {};
}

core::Result<void> readSettings(const fs::path& path, scene::Environment& environment) {
  auto file = core::SettingsFile::load(path.string());
  if (!file) return file.error();
  core::SettingsTable root = file->root();
  root.read("exposure_ev", environment.exposure_ev, {-16.0, 16.0});
  core::SettingsTable key = root.table("key");
  scene::KeyLight& light = environment.key;
  key.read("to_light", std::span(&light.to_light.x, 3), {-1e6, 1e6}, core::Need::required);
  key.read("irradiance", std::span(&light.irradiance.x, 3), {0.0, 1e4}, core::Need::required);
  key.read("angular_size", light.angular_size, {0.0, 1.0});
  key.read("falloff", light.falloff, {0.0, 10.0});
  key.read("visible", light.visible);
  const float size = glm::length(light.to_light);
  if (!(size > 1e-6f) || light.to_light.y < 0.02f * size) {
    key.fail("to_light", "must point above the horizon by a degree or more");
  } else if (std::abs(size - 1.0f) > 1e-6f) {
    light.to_light /= size;
  }
  core::SettingsTable floor = root.table("floor");
  scene::StageFloor& ground = environment.floor;
  floor.read("color", std::span(&ground.color.x, 3), {0.0, 1.0});
  floor.read("reflection", ground.reflection, {0.0, 1.0});
  floor.read("roughness", ground.roughness, {0.0, 1.0});
  floor.read("fade_near", ground.fade_near, {0.1, 1e4});
  floor.read("fade_far", ground.fade_far, {0.1, 1e4});
  if (ground.fade_far <= ground.fade_near) floor.fail("fade_far", "must be above fade_near");
  return file->finish();
}

/// The light of the picture's brightest direction and what lies about it, for pictures that come
/// without a description: a key whose shadow falls the right way.
void guessKey(scene::Environment& environment) {
  const std::uint32_t width = environment.width_px, height = environment.height_px;
  glm::vec3 best(0.0f, 1.0f, 0.0f);
  float brightest = -1.0f;
  // The lowest elevation of a key that has a shadow on the stage.
  const std::uint32_t rows = height * 15 / 32;
  for (std::uint32_t y = 0; y < rows; ++y) {
    for (std::uint32_t x = 0; x < width; ++x) {
      const glm::vec3& c = environment.radiance[std::size_t{y} * width + x];
      const float bright = 0.2126f * c.x + 0.7152f * c.y + 0.0722f * c.z;
      if (bright <= brightest) continue;
      brightest = bright;
      best = scene::directionAt((static_cast<float>(x) + 0.5f) / static_cast<float>(width),
                                (static_cast<float>(y) + 0.5f) / static_cast<float>(height));
    }
  }
  environment.key.to_light = best;
  environment.key.angular_size = 0.06f;
  // It takes over the light of a disk of that size, which leaves the picture.
  const float edge = std::cos(0.5f * environment.key.angular_size);
  const float limit = 0.25f * brightest;
  for (std::uint32_t y = 0; y < rows; ++y) {
    const float v = (static_cast<float>(y) + 0.5f) / static_cast<float>(height);
    const float texel = 2.0f * std::numbers::pi_v<float> * std::numbers::pi_v<float> /
                        static_cast<float>(width * height) *
                        std::sin(v * std::numbers::pi_v<float>);
    for (std::uint32_t x = 0; x < width; ++x) {
      const float u = (static_cast<float>(x) + 0.5f) / static_cast<float>(width);
      if (glm::dot(scene::directionAt(u, v), best) < edge) continue;
      glm::vec3& c = environment.radiance[std::size_t{y} * width + x];
      const float bright = 0.2126f * c.x + 0.7152f * c.y + 0.0722f * c.z;
      if (bright <= limit) continue;
      environment.key.irradiance += c * ((1.0f - limit / bright) * texel);
      c *= limit / bright;
    }
  }
}

/// The shortest text that gives the same float again.
std::string number(float value) {
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string numbers(const glm::vec3& v) {
  return fmt::format("[{}, {}, {}]", number(v.x), number(v.y), number(v.z));
}

}  // namespace

core::Result<scene::Environment> loadEnvironment(const fs::path& picture) {
  scene::Environment environment{.name = picture.stem().string()};
  if (auto read = readPicture(picture, environment); !read) return read.error();
  fs::path settings = picture;
  settings.replace_extension(".toml");
  std::error_code error;
  if (!fs::exists(settings, error)) {
    guessKey(environment);
    return environment;
  }
  if (auto read = readSettings(settings, environment); !read) return read.error();
  return environment;
}

core::Result<scene::Environment> openEnvironment(const std::string& name, const fs::path& folder) {
  if (name == "room") return scene::softBoxRoom();
  if (name.ends_with(".hdr")) return loadEnvironment(name);
  const fs::path file = folder / (name + ".hdr");
  std::error_code error;
  if (name.find('/') == std::string::npos && fs::exists(file, error)) return loadEnvironment(file);
  std::vector<std::string> names{"room"};
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".hdr") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return core::makeError(fmt::format("no environment \"{}\"; there are {}, or give a .hdr file",
                                     name, fmt::join(names, ", ")));
}

std::string formatEnvironment(const scene::Environment& environment) {
  const scene::KeyLight& key = environment.key;
  const scene::StageFloor& floor = environment.floor;
  return fmt::format(
      "# What {}.hdr cannot say; scene::Environment in engine/scene/environment.h explains it.\n"
      "exposure_ev = {}\n\n"
      "[key]\n"
      "to_light = {}\n"
      "irradiance = {}\n"
      "angular_size = {}\n"
      "falloff = {}\n"
      "visible = {}\n\n"
      "[floor]\n"
      "color = {}\n"
      "reflection = {}\n"
      "roughness = {}\n"
      "fade_near = {}\n"
      "fade_far = {}\n",
      environment.name, number(environment.exposure_ev), numbers(key.to_light),
      numbers(key.irradiance), number(key.angular_size), number(key.falloff), key.visible,
      numbers(floor.color), number(floor.reflection), number(floor.roughness),
      number(floor.fade_near), number(floor.fade_far));
}

}  // namespace understudy::asset
