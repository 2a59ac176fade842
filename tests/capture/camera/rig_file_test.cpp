#include "capture/camera/rig_file.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

#include "capture/camera/ring_rig.h"
#include "tests/support/text.h"

using namespace understudy;

namespace {

using test::has;

std::string errorOf(const std::string& toml) {
  return test::errorOf(camera::parseRig(toml, "rig.toml"));
}

const std::string kCamera =
    "[[camera]]\nname = \"a\"\nsize_px = [2048, 1088]\nfocal_px = [1500, 1500]\n";
const std::string kPose = "rotation_xyzw = [0, 0, 0, 1]\ntranslation = [0, 0, 5]\n";

}  // namespace

TEST_SUITE("camera/rig_file") {
  TEST_CASE("a rig comes back to the last bit") {
    camera::Rig rig = camera::perturbRig(camera::makeRingRig(16, 8, 240.0), 0.3, 7);
    rig.cameras[0].name = "quoted \"name\" \\ with tab\t";
    rig.cameras[1].lens.p1 = -0.0;
    const auto back = camera::parseRig(camera::formatRig(rig), "rig.toml");
    REQUIRE_MESSAGE(back, (back ? "" : back.error().message));
    REQUIRE(back->cameras.size() == 16);
    CHECK(back->rate_hz == 240.0);
    for (std::size_t i = 0; i < 16; ++i) {
      const camera::Camera &a = rig.cameras[i], &b = back->cameras[i];
      CHECK(a.name == b.name);
      CHECK(a.width_px == b.width_px);
      CHECK(a.fx_px == b.fx_px);
      CHECK(a.cy_px == b.cy_px);
      CHECK(a.lens == b.lens);
      CHECK(a.camera_from_world == b.camera_from_world);
    }
    CHECK(std::signbit(back->cameras[1].lens.p1));
    CHECK(camera::check(*back, "rig.toml"));
  }

  TEST_CASE("a camera may give its pose as a matrix") {
    const auto rig = camera::parseRig(
        kCamera + "camera_from_world = [0,0,1,0.1, 0,1,0,0.2, -1,0,0,5.0]\n", "rig.toml");
    REQUIRE_MESSAGE(rig, (rig ? "" : rig.error().message));
    const glm::dvec3 p = rig->cameras[0].camera_from_world * glm::dvec3(1.0, 2.0, 3.0);
    CHECK(glm::distance(p, glm::dvec3(3.1, 2.2, 4.0)) < 1e-12);
    CHECK(rig->cameras[0].cx_px == 1024.0);
  }

  TEST_CASE("every error names file, line and reason") {
    CHECK(has(errorOf(""), "rig.toml"));
    CHECK(has(errorOf(""), "at least one [[camera]]"));
    CHECK(errorOf(kCamera + kPose) == "no error");
    CHECK(errorOf(kCamera + "focal_pix = 3\n" + kPose) ==
          "rig.toml:5: unknown key focal_pix; did you mean focal_px?");
    CHECK(has(errorOf(kCamera + "camera_from_world = [1,0,0,0, 1,0,0,0, 0,0,1,0]\n"),
              "rig.toml:5: camera_from_world is singular"));
    CHECK(has(errorOf(kCamera + "camera_from_world = [2,0,0,0, 0,2,0,0, 0,0,2,0]\n"),
              "is no rotation"));
    CHECK(has(errorOf(kCamera + "camera_from_world = [1,0,0,0, 0,1,0,0, 0,0,-1,0]\n"), "mirrors"));
    CHECK(has(errorOf(kCamera + "camera_from_world = [nan,0,0,0, 0,1,0,0, 0,0,1,0]\n"), "finite"));
    CHECK(has(errorOf(kCamera + "camera_from_world = [1,0,0]\n"), "12 numbers"));
    CHECK(has(errorOf(kCamera + "rotation_xyzw = [0,0,0,0]\ntranslation = [0,0,0]\n"),
              "rig.toml:5: rotation_xyzw"));
    CHECK(has(errorOf(kCamera + kPose + kCamera + kPose), "used twice"));
    CHECK(has(errorOf("[[camera]]\nname = \"a\"\nsize_px = [0, 10]\nfocal_px = [1, 1]\n" + kPose),
              "rig.toml:3: size_px"));
    CHECK(has(errorOf("[[camera]]\nname = \"a\"\nsize_px = [9, 10]\nfocal_px = [-1, 1]\n" + kPose),
              "rig.toml:4: focal_px must be > 0"));
    CHECK(has(errorOf("[[camera"), "rig.toml:1: not valid TOML"));
    std::string many;
    for (int i = 0; i < 257; ++i) {
      std::string text = kCamera + kPose;
      text.replace(text.find("\"a\""), 3, "\"camera " + std::to_string(i) + "\"");
      many += text;
    }
    CHECK(has(errorOf(many), "at most 256 cameras"));
    for (const std::string& text : {errorOf(many), errorOf("[[camera"), errorOf("")}) {
      CHECK_FALSE(has(text, "\n"));
    }
    CHECK_FALSE(camera::loadRig("/nonexistent/rig.toml"));
  }

  TEST_CASE("a rig made by a program is checked alike") {
    camera::Rig rig = camera::makeRingRig(4, 1, 240.0);
    CHECK(camera::check(rig, "here"));
    rig.cameras[2].fx_px = std::numeric_limits<double>::quiet_NaN();
    CHECK(has(camera::check(rig, "here").error().message, "focal_px"));
    rig.cameras[2].fx_px = 1500.0;
    rig.cameras[3].camera_from_world.translation.x = std::numeric_limits<double>::infinity();
    CHECK_FALSE(camera::check(rig, "here"));
    CHECK_FALSE(camera::check(camera::Rig{}, "here"));
  }
}
