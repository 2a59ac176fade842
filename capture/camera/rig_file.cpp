#include "capture/camera/rig_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <optional>
#include <set>

#include "engine/core/settings_file.h"
#include "engine/core/toml_text.h"

namespace understudy::camera {
namespace {

/// What is wrong with a camera, and at which key.
struct Problem {
  const char* key;
  std::string message;
};

std::optional<Problem> findProblem(const Camera& camera) {
  if (camera.name.empty()) return Problem{"name", "must not be empty"};
  constexpr std::uint32_t kMostPixels = 16384;  // What a packet's positions can say.
  if (camera.width_px == 0 || camera.height_px == 0 || camera.width_px > kMostPixels ||
      camera.height_px > kMostPixels) {
    return Problem{"size_px", fmt::format("must be from 1 to {} each, not {} x {}", kMostPixels,
                                          camera.width_px, camera.height_px)};
  }
  if (!(camera.fx_px > 0.0 && camera.fy_px > 0.0 && camera.fx_px < 1e6 && camera.fy_px < 1e6)) {
    return Problem{"focal_px", fmt::format("must be > 0 and below 1e6, not {}, {}", camera.fx_px,
                                           camera.fy_px)};
  }
  if (!(std::abs(camera.cx_px) < 1e6 && std::abs(camera.cy_px) < 1e6)) {
    return Problem{"centre_px", "must be finite and below 1e6"};
  }
  const math::Lens& lens = camera.lens;
  for (const double term : {lens.k1, lens.k2, lens.k3}) {
    if (!(std::abs(term) < 1e3)) return Problem{"radial", "must be finite and below 1000"};
  }
  for (const double term : {lens.p1, lens.p2}) {
    if (!(std::abs(term) < 1e3)) return Problem{"tangential", "must be finite and below 1000"};
  }
  const glm::dquat& q = camera.camera_from_world.rotation;
  const double length = q.x * q.x + q.y * q.y + q.z * q.z + q.w * q.w;
  if (!(std::abs(length - 1.0) < 1e-6)) {
    return Problem{"rotation_xyzw", "must be a quaternion of length 1"};
  }
  for (int i = 0; i < 3; ++i) {
    if (!(std::abs(camera.camera_from_world.translation[i]) < 1e6)) {
      return Problem{"translation", "must be finite and below 1e6 m"};
    }
  }
  return std::nullopt;
}

// A 3 x 4 matrix [R t], row by row.
void readMatrix(core::SettingsTable& table, math::RigidTransformd& transform) {
  std::array<double, 12> m{};
  table.read("camera_from_world", std::span<double>(m));
  glm::dmat3 rotation;
  for (int row = 0; row < 3; ++row) {
    for (int column = 0; column < 3; ++column) {
      rotation[column][row] = m[static_cast<std::size_t>(4 * row + column)];
    }
    transform.translation[row] = m[static_cast<std::size_t>(4 * row + 3)];
  }
  const double determinant = glm::determinant(rotation);
  const glm::dmat3 product = rotation * glm::transpose(rotation);
  double worst = 0.0;
  for (int row = 0; row < 3; ++row) {
    for (int column = 0; column < 3; ++column) {
      const double wanted = row == column ? 1.0 : 0.0;
      const double error = std::abs(product[column][row] - wanted);
      worst = error < 1e300 ? std::max(worst, error) : 1e300;
    }
  }
  if (!(std::abs(determinant) > 1e-6)) {
    table.fail("camera_from_world", "is singular; its first three columns must be a rotation");
  } else if (!(worst < 1e-4)) {
    table.fail("camera_from_world",
               "is no rotation: its first three columns must be orthonormal; give metres and no "
               "scale");
  } else if (determinant < 0.0) {
    table.fail("camera_from_world", "mirrors; its first three columns must be a rotation");
  } else {
    transform.rotation = glm::normalize(glm::quat_cast(rotation));
  }
}

void readQuaternion(core::SettingsTable& table, math::RigidTransformd& transform) {
  std::array<double, 4> q{0, 0, 0, 1};
  std::array<double, 3> t{};
  table.read("rotation_xyzw", std::span<double>(q), {}, core::Need::required);
  table.read("translation", std::span<double>(t), {}, core::Need::required);
  transform.rotation = math::quaternionXyzw(q[0], q[1], q[2], q[3]);
  transform.translation = {t[0], t[1], t[2]};
  const double length = std::sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3]);
  if (!(std::abs(length - 1.0) < 1e-3)) {
    table.fail("rotation_xyzw", "must be a quaternion of length 1");
  } else if (std::abs(length - 1.0) > 1e-12) {  // Written by hand; what we wrote stays as it is.
    transform.rotation /= length;
  }
}

Camera readCamera(core::SettingsTable& table) {
  Camera camera;
  table.read("name", camera.name, core::Need::required);
  std::array<double, 2> size{}, focal{}, centre{}, tangential{};
  std::array<double, 3> radial{};
  table.read("size_px", std::span<double>(size), {1.0, 16384.0}, core::Need::required);
  table.read("focal_px", std::span<double>(focal), {}, core::Need::required);
  centre = {size[0] / 2.0, size[1] / 2.0};
  table.read("centre_px", std::span<double>(centre));
  table.read("radial", std::span<double>(radial));
  table.read("tangential", std::span<double>(tangential));
  camera.width_px = static_cast<std::uint32_t>(size[0]);
  camera.height_px = static_cast<std::uint32_t>(size[1]);
  camera.fx_px = focal[0];
  camera.fy_px = focal[1];
  camera.cx_px = centre[0];
  camera.cy_px = centre[1];
  camera.lens = {
      .k1 = radial[0], .k2 = radial[1], .k3 = radial[2], .p1 = tangential[0], .p2 = tangential[1]};
  if (table.has("camera_from_world")) {
    readMatrix(table, camera.camera_from_world);
  } else {
    readQuaternion(table, camera.camera_from_world);
  }
  if (const auto problem = findProblem(camera)) table.fail(problem->key, problem->message);
  return camera;
}

core::Result<Rig> readRig(core::SettingsFile file) {
  Rig rig;
  core::SettingsTable root = file.root();
  root.read("rate_hz", rig.rate_hz, {1.0, 10000.0});
  std::set<std::string> names;
  std::vector<core::SettingsTable> tables = root.tables("camera");
  if (tables.empty()) root.fail("camera", "is missing: a rig needs at least one [[camera]]");
  if (tables.size() > kMaxCameras) {
    root.fail("camera", fmt::format("is there {} times; a rig has at most {} cameras",
                                    tables.size(), kMaxCameras));
    tables.resize(kMaxCameras, tables.front());
  }
  for (core::SettingsTable& table : tables) {
    rig.cameras.push_back(readCamera(table));
    if (!names.insert(rig.cameras.back().name).second) {
      table.fail("name", fmt::format("\"{}\" is used twice; give each camera its own",
                                     rig.cameras.back().name));
    }
  }
  if (const core::Result<void> finished = file.finish(); !finished) return finished.error();
  return rig;
}

}  // namespace

core::Result<void> check(const Rig& rig, const std::string& place) {
  if (rig.cameras.empty()) {
    return core::makeError(place + ": the rig has no camera; it needs at least one");
  }
  if (rig.cameras.size() > kMaxCameras) {
    return core::makeError(fmt::format("{}: the rig has {} cameras; at most {} can be used", place,
                                       rig.cameras.size(), kMaxCameras));
  }
  if (!(rig.rate_hz >= 1.0 && rig.rate_hz <= 10000.0)) {
    return core::makeError(
        fmt::format("{}: rate_hz must be from 1 to 10000, not {}", place, rig.rate_hz));
  }
  std::set<std::string> names;
  for (const Camera& camera : rig.cameras) {
    if (const auto problem = findProblem(camera)) {
      return core::makeError(
          fmt::format("{}: camera {}: {} {}", place, camera.name, problem->key, problem->message));
    }
    if (!names.insert(camera.name).second) {
      return core::makeError(
          fmt::format("{}: camera name {} is used twice; give each its own", place, camera.name));
    }
  }
  return {};
}

core::Result<Rig> parseRig(std::string_view toml, const std::string& name) {
  core::Result<core::SettingsFile> file = core::SettingsFile::parse(toml, name);
  if (!file) return file.error();
  return readRig(*std::move(file));
}

core::Result<Rig> loadRig(const std::filesystem::path& path) {
  core::Result<core::SettingsFile> file = core::SettingsFile::load(path.string());
  if (!file) return file.error();
  return readRig(*std::move(file));
}

std::string formatRig(const Rig& rig) {
  std::string text =
      "# A calibrated camera rig. Metres, +Y up; camera axes: +X right, +Y down, +Z "
      "out of the lens.\n# Each camera maps world points by rotation_xyzw and "
      "translation, or by camera_from_world = a 3 x 4 matrix, row by row.\n";
  text += fmt::format("rate_hz = {}\n", core::tomlNumber(rig.rate_hz));
  for (const Camera& camera : rig.cameras) {
    const glm::dquat& q = camera.camera_from_world.rotation;
    const glm::dvec3& t = camera.camera_from_world.translation;
    const math::Lens& lens = camera.lens;
    text += fmt::format("\n[[camera]]\nname = {}\nsize_px = [{}, {}]\n",
                        core::tomlText(camera.name), camera.width_px, camera.height_px);
    text += fmt::format("focal_px = [{}, {}]\ncentre_px = [{}, {}]\n",
                        core::tomlNumber(camera.fx_px), core::tomlNumber(camera.fy_px),
                        core::tomlNumber(camera.cx_px), core::tomlNumber(camera.cy_px));
    text += fmt::format("radial = [{}, {}, {}]\ntangential = [{}, {}]\n", core::tomlNumber(lens.k1),
                        core::tomlNumber(lens.k2), core::tomlNumber(lens.k3),
                        core::tomlNumber(lens.p1), core::tomlNumber(lens.p2));
    text += fmt::format("rotation_xyzw = [{}, {}, {}, {}]\ntranslation = [{}, {}, {}]\n",
                        core::tomlNumber(q.x), core::tomlNumber(q.y), core::tomlNumber(q.z),
                        core::tomlNumber(q.w), core::tomlNumber(t.x), core::tomlNumber(t.y),
                        core::tomlNumber(t.z));
  }
  return text;
}

core::Result<void> saveRig(const Rig& rig, const std::filesystem::path& path) {
  std::ofstream file(path, std::ios::binary);
  file << formatRig(rig);
  file.close();
  if (!file) {
    return core::makeError(
        fmt::format("{}: the rig cannot be written; check the folder, permissions and free space",
                    path.string()));
  }
  return {};
}

}  // namespace understudy::camera
