#include "engine/core/settings_file.h"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

using namespace understudy;
using core::Need;
using core::SettingsFile;
using core::SettingsTable;

namespace {

// The first error of a file from which `read` reads.
template <class Read>
std::string errorOf(const std::string& text, const Read& read) {
  core::Result<SettingsFile> file = SettingsFile::parse(text, "rig.toml");
  if (!file) return file.error().message;
  SettingsTable root = file->root();
  read(root);
  const core::Result<void> finished = file->finish();
  return finished ? "" : finished.error().message;
}

void nothing(SettingsTable&) {}

}  // namespace

TEST_SUITE("core/settings_file") {
  TEST_CASE("an endless file and a folder are refused with one line") {
    CHECK(SettingsFile::load("/dev/zero").error().message ==
          "/dev/zero: is larger than 16 MiB; check what it is");
    CHECK(SettingsFile::load("/").error().message == "/: is a folder; name a file in it");
  }

  TEST_CASE("every kind of value is read, and what is missing keeps its default") {
    bool flag = false;
    int whole = 0;
    std::uint32_t size = 0;
    double number = 0, missing = 4.5;
    float single = 0;
    std::string text;
    std::array<double, 3> triple{};
    std::vector<std::string> names;
    std::vector<double> list;
    const std::string error = errorOf(
        "flag = true\nwhole = -3\nsize = 9\nnumber = 2\nsingle = 0.5\ntext = 'hip'\n"
        "triple = [1, 2.5, 3]\nnames = ['a', 'b']\nlist = [1]\n",
        [&](SettingsTable& root) {
          root.read("flag", flag);
          root.read("whole", whole);
          root.read("size", size);
          root.read("number", number);
          root.read("missing", missing);
          root.read("single", single);
          root.read("text", text);
          root.read("triple", std::span<double>(triple));
          root.read("names", names);
          root.read("list", list);
        });
    CHECK(error == "");
    CHECK(flag);
    CHECK(whole == -3);
    CHECK(size == 9);
    CHECK(number == 2.0);
    CHECK(missing == 4.5);
    CHECK(single == 0.5f);
    CHECK(text == "hip");
    CHECK(triple == std::array<double, 3>{1, 2.5, 3});
    CHECK(names == std::vector<std::string>{"a", "b"});
    CHECK(list == std::vector<double>{1});
  }

  TEST_CASE("an unknown key is an error that names its line and the nearest known key") {
    double gate = 1;
    const std::string error = errorOf("\nmax_residul_px = 2\n", [&](SettingsTable& root) {
      root.read("max_residual_px", gate);
      root.read("rays", gate);
    });
    CHECK(error == "rig.toml:2: unknown key max_residul_px; did you mean max_residual_px?");
    CHECK(errorOf("zzz = 1", nothing) == "rig.toml:1: unknown key zzz; remove it");
  }

  TEST_CASE("an unknown key inside a table or a list of tables is found") {
    const auto read = [](SettingsTable& root) {
      double value = 0;
      root.table("solve").read("prior", value);
      for (SettingsTable& camera : root.tables("camera")) camera.read("fx_px", value);
    };
    CHECK(errorOf("[solve]\nprior = 1\n[[camera]]\nfx_px = 3\n", read) == "");
    CHECK(errorOf("[solve]\nprio = 1", read) ==
          "rig.toml:2: unknown key prio; did you mean prior?");
    CHECK(errorOf("[[camera]]\nfx_px = 3\n[[camera]]\nfy_px = 3", read) ==
          "rig.toml:4: unknown key fy_px; did you mean fx_px?");
  }

  TEST_CASE("a number out of its range is refused with line, key and range") {
    double fx = 7;
    const auto read = [&](SettingsTable& root) {
      root.read("fx_px", fx, {.least = 1, .most = 1e5});
    };
    CHECK(errorOf("# rig\nfx_px = -3.5", read) ==
          "rig.toml:2: fx_px must be from 1 to 100000, not -3.5");
    CHECK(errorOf("fx_px = nan", read) == "rig.toml:1: fx_px must be finite");
    CHECK(errorOf("fx_px = inf", read) == "rig.toml:1: fx_px must be finite");
    CHECK(fx == 7);
  }

  TEST_CASE("wrong kinds, wrong lengths and what does not fit are refused") {
    int whole = 1;
    std::uint32_t size = 1;
    float single = 1;
    std::string text;
    std::array<float, 2> pair{};
    CHECK(errorOf("a = 1.5", [&](auto& root) { root.read("a", whole); }) ==
          "rig.toml:1: a must be a whole number, not a number");
    CHECK(errorOf("a = -1", [&](auto& root) { root.read("a", size); }) ==
          "rig.toml:1: a = -1 does not fit");
    CHECK(errorOf("a = 1e200", [&](auto& root) { root.read("a", single); }) != "");
    CHECK(errorOf("a = 3", [&](auto& root) { root.read("a", text); }) ==
          "rig.toml:1: a must be text in quotes, not a whole number");
    CHECK(errorOf("a = [1]", [&](auto& root) { root.read("a", std::span<float>(pair)); }) ==
          "rig.toml:1: a must be an array of 2 numbers");
    CHECK(errorOf("a = 3", [](auto& root) { root.table("a"); }) ==
          "rig.toml:1: a must be a table, not a whole number");
    CHECK(errorOf("a = [3]", [](auto& root) { root.tables("a"); }) ==
          "rig.toml:1: a must be tables, written [[a]], not a whole number");
  }

  TEST_CASE("a missing required key is named") {
    double fx = 0;
    CHECK(errorOf("[[camera]]\n", [&](SettingsTable& root) {
            for (SettingsTable& camera : root.tables("camera")) {
              camera.read("fx_px", fx, {}, Need::required);
            }
          }) == "rig.toml:1: fx_px is missing; add it");
  }

  TEST_CASE("the first error wins, and the caller can add one with its place") {
    const std::string error = errorOf("a = 1\nrotation = [0, 0]\n", [](SettingsTable& root) {
      std::vector<double> rotation;
      double a = 0;
      root.read("a", a);
      root.read("rotation", rotation);
      root.fail("rotation", "is not a rotation");
      root.fail("a", "comes too late");
    });
    CHECK(error == "rig.toml:2: rotation is not a rotation");
  }

  TEST_CASE("broken syntax and a missing file are one clear line") {
    CHECK(errorOf("a = \n b", nothing).starts_with("rig.toml:1: not valid TOML: "));
    const core::Result<SettingsFile> file = SettingsFile::load("/nowhere/rig.toml");
    REQUIRE_FALSE(file.has_value());
    CHECK(file.error().message.starts_with("/nowhere/rig.toml: cannot be opened"));
    CHECK_FALSE(SettingsFile::load("/").has_value());
    CHECK(errorOf("", nothing) == "");
  }

  TEST_CASE("the nearest name forgives slips and swaps, but makes nothing up") {
    const std::vector<std::string> names{"fx_px", "width_px", "height_px"};
    CHECK(core::nearestName("wdith_px", names) == "width_px");
    CHECK(core::nearestName("HEIGHT_PX", names) == "height_px");
    CHECK(core::nearestName("colour", names) == "");
    CHECK(core::nearestName("x", {}) == "");
  }
}
