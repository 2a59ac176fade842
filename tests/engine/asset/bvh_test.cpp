#include "engine/asset/bvh.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "engine/anim/kinematics.h"
#include "tests/support/text.h"

using namespace understudy;

namespace {

using test::replaced;

const std::string kTwoJoints = R"(HIERARCHY
ROOT Hips
{
  OFFSET 1 2 3
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT Knee
  {
    OFFSET 0 -10 0
    CHANNELS 3 Zrotation Yrotation Xrotation
    End Site
    {
      OFFSET 0 -5 0
    }
  }
}
MOTION
Frames: 2
Frame Time: .0083333
4 5 6 0 0 0 0 0 0
4 5 6 90 0 0 0 0 90
)";

core::Result<anim::Clip> read(const std::string& text) { return asset::readBvh(text, "test.bvh"); }

std::vector<math::RigidTransform> worldPose(const anim::Clip& clip, std::size_t frame) {
  std::vector<math::RigidTransform> world(clip.skeleton.size());
  const std::size_t joints = clip.skeleton.size();
  anim::worldFromJoints(clip.skeleton, {&clip.parent_from_joint[frame * joints], joints}, world);
  return world;
}

bool near(const glm::vec3& a, const glm::vec3& b, float tolerance = 1e-5f) {
  return glm::length(a - b) <= tolerance;
}

std::string errorOf(const std::string& text) { return test::errorOf(read(text)); }

}  // namespace

TEST_SUITE("asset/bvh") {
  TEST_CASE("two joints land where the hand computation puts them") {
    const auto clip = read(kTwoJoints);
    REQUIRE(clip.has_value());
    CHECK(clip->skeleton.names == std::vector<std::string>{"Hips", "Knee"});
    CHECK(clip->skeleton.parents == std::vector<int>{-1, 0});
    CHECK(clip->frames == 2);
    CHECK(clip->rate_hz == 120.0);
    CHECK(clip->warnings.empty());
    CHECK(near(clip->skeleton.parent_from_joint[0].translation, {1, 2, 3}));
    CHECK(near(worldPose(*clip, 0)[1].translation, {4, -5, 6}));
    const auto turned = worldPose(*clip, 1);
    // A quarter turn about z sends the thigh from -y to +x; then one about x in the knee.
    CHECK(near(turned[1].translation, {14, 5, 6}));
    CHECK(near(turned[1] * glm::vec3(0, -1, 0), {14, 5, 5}));
  }

  TEST_CASE("the listed order of rotations is obeyed, the first outermost") {
    const auto clip = read(replaced(
        replaced(kTwoJoints, "Zrotation Yrotation Xrotation", "Xrotation Yrotation Zrotation"),
        "4 5 6 90 0 0 0 0 90", "0 0 0 0 0 0 90 0 90"));
    REQUIRE(clip.has_value());
    // Rx(90) * Rz(90): x -> y -> z.
    CHECK(near(worldPose(*clip, 1)[1].rotation * glm::vec3(1, 0, 0), {0, 0, 1}));
  }

  TEST_CASE("line ends, tabs, namespaces, case and joints without channels do not matter") {
    std::string text = replaced(kTwoJoints, "JOINT Knee", "joint\tActor:Left Knee ");
    text = replaced(text, "CHANNELS 3 Zrotation Yrotation Xrotation", "CHANNELS 0");
    text = replaced(text, "4 5 6 0 0 0 0 0 0", "4\t5 6 0 +0 -0");
    text = replaced(text, "4 5 6 90 0 0 0 0 90", "4 5 6 9e1 0 0");
    std::string crlf;
    for (const char c : text) crlf += c == '\n' ? std::string("\r\n") : std::string(1, c);
    const auto clip = read(crlf);
    REQUIRE(clip.has_value());
    CHECK(clip->skeleton.names[1] == "Actor:Left Knee");
    CHECK(clip->frames == 2);
    CHECK(near(worldPose(*clip, 1)[1].translation, {14, 5, 6}));
  }

  TEST_CASE("positions of a joint below the root replace its offset") {
    std::string text =
        replaced(kTwoJoints, "CHANNELS 3 Zrotation Yrotation Xrotation",
                 "CHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation");
    text = replaced(text, "4 5 6 0 0 0 0 0 0", "4 5 6 0 0 0 0 -12 1 0 0 0");
    text = replaced(text, "4 5 6 90 0 0 0 0 90", "4 5 6 0 0 0 0 -10 0 0 0 0");
    const auto clip = read(text);
    REQUIRE(clip.has_value());
    CHECK(clip->warnings.empty());
    CHECK(near(worldPose(*clip, 0)[1].translation, {4, -7, 7}));
  }

  TEST_CASE("positions below the root that are all nearly zero are added, and it is said") {
    std::string text =
        replaced(kTwoJoints, "CHANNELS 3 Zrotation Yrotation Xrotation",
                 "CHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation");
    text = replaced(text, "4 5 6 0 0 0 0 0 0", "4 5 6 0 0 0 0 0 0.01 0 0 0");
    text = replaced(text, "4 5 6 90 0 0 0 0 90", "4 5 6 0 0 0 0 0 0 0 0 0");
    const auto clip = read(text);
    REQUIRE(clip.has_value());
    CHECK(clip->warnings.size() == 1);
    CHECK(near(worldPose(*clip, 0)[1].translation, {4, -5, 6.01f}));
  }

  TEST_CASE("equal names are made unique and reported") {
    const auto clip = read(replaced(kTwoJoints, "JOINT Knee", "JOINT Hips"));
    REQUIRE(clip.has_value());
    CHECK(clip->skeleton.names[1] == "Hips_2");
    CHECK(clip->warnings.size() == 1);
  }

  TEST_CASE("wrong frame counts are repaired and reported") {
    const auto many = read(replaced(kTwoJoints, "Frames: 2", "Frames: 4000000000000"));
    REQUIRE(many.has_value());
    CHECK(many->frames == 2);
    CHECK(many->warnings.size() == 1);
    const auto few = read(replaced(kTwoJoints, "Frames: 2", "Frames: 1"));
    REQUIRE(few.has_value());
    CHECK(few->frames == 1);
    CHECK(few->warnings.size() == 1);
    const auto none = read(replaced(kTwoJoints, "Frames: 2\n", ""));
    REQUIRE(none.has_value());
    CHECK(none->frames == 2);
  }

  TEST_CASE("a missing frame time and a last row cut off are repaired and reported") {
    const auto clip = read(replaced(kTwoJoints, "Frame Time: .0083333\n", ""));
    REQUIRE(clip.has_value());
    CHECK(clip->rate_hz == 30.0);
    CHECK(clip->warnings.size() == 1);
    const auto cut = read(replaced(kTwoJoints, "90 0 0 0 0 90\n", "90 0"));
    REQUIRE(cut.has_value());
    CHECK(cut->frames == 1);
    CHECK(cut->warnings.size() == 2);  // The row, and the count that it no longer meets.
  }

  TEST_CASE("what cannot be repaired is an error that names the line") {
    CHECK(errorOf("").find("HIERARCHY") != std::string::npos);
    CHECK(errorOf(replaced(kTwoJoints, "OFFSET 0 -10 0", "OFFSET 0 nan 0")).find("test.bvh:8:") ==
          0);
    CHECK(errorOf(replaced(kTwoJoints, "OFFSET 0 -10 0", "OFFSET 0 1,5 0")).find("test.bvh:8:") ==
          0);
    CHECK(errorOf(replaced(kTwoJoints, "4 5 6 90", "4 5 6 inf")).find("test.bvh:20:") == 0);
    CHECK(errorOf(replaced(kTwoJoints, "4 5 6 90", "4 5 6 NaN")).find("\"NaN\"") !=
          std::string::npos);
    CHECK(errorOf(replaced(kTwoJoints, "4 5 6 90", "4 5 6 1e999")).find("test.bvh:20:") == 0);
    CHECK(errorOf(replaced(kTwoJoints, "4 5 6 90", "4 5 6 7 90")).find("10 values") !=
          std::string::npos);
    CHECK(errorOf(replaced(kTwoJoints, "CHANNELS 3", "CHANNELS 7")).find("0 to 6") !=
          std::string::npos);
    CHECK(errorOf(
              replaced(kTwoJoints, "Yrotation Xrotation\n    End", "Yrotation Wrotation\n    End"))
              .find("Wrotation") != std::string::npos);
    CHECK(errorOf(kTwoJoints.substr(0, kTwoJoints.find("MOTION"))).find("cut off") !=
          std::string::npos);
  }

  TEST_CASE("deep nesting and joints that cost no bytes are refused") {
    std::string deep = "HIERARCHY\nROOT a\n{\nOFFSET 0 0 0\n";
    for (int i = 0; i < 100000; ++i) deep += "JOINT a\n{\n";
    CHECK(errorOf(deep).find("nested deeper") != std::string::npos);

    std::string wide = "HIERARCHY\nROOT a\n{\nCHANNELS 1 Xrotation\n";
    for (int i = 0; i < 10000; ++i) wide += "JOINT a{}\n";
    wide += "}\nMOTION\nFrames: 100000\nFrame Time: 1\n";
    for (int i = 0; i < 100000; ++i) wide += "0\n";
    CHECK(errorOf(wide).find("more than its size allows") != std::string::npos);
  }

  TEST_CASE("a file cut off anywhere or with damaged bytes gives a clip or an error") {
    for (std::size_t length = 0; length < kTwoJoints.size(); ++length) {
      const auto result = read(kTwoJoints.substr(0, length));
      if (result.has_value()) CHECK(result->parent_from_joint.size() == result->frames * 2);
    }
    std::mt19937_64 random(1);
    for (int round = 0; round < 20000; ++round) {
      std::string text = kTwoJoints;
      for (int flips = 0; flips < 3; ++flips) {
        text[random() % text.size()] = static_cast<char>(random() % 256);
      }
      const auto result = read(text);
      if (result.has_value()) {
        CHECK(result->parent_from_joint.size() == result->frames * result->skeleton.size());
      } else {
        CHECK(result.error().message.find('\n') == std::string::npos);
      }
    }
  }
}
