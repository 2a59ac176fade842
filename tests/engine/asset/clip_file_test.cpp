#include "engine/asset/clip_file.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "engine/anim/kinematics.h"
#include "tests/support/shared_data.h"

using namespace understudy;

namespace {

/// A standing figure of simple proportions, 1.7 m tall, written in the given unit and up axis.
std::filesystem::path writeFigure(double unit_m, char up) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("understudy_figure_" + std::to_string(getpid()) + ".bvh");
  std::ofstream file(path);
  const auto offset = [&](double x, double y, double z) {
    const double s = 1.0 / unit_m;
    file << " OFFSET " << x * s << ' ' << (up == 'y' ? y : -z) * s << ' ' << (up == 'y' ? z : y) * s
         << '\n';
  };
  const auto open = [&](const char* name, double x, double y, double z) {
    file << "JOINT " << name << "\n{\n";
    offset(x, y, z);
    file << " CHANNELS 3 Zrotation Yrotation Xrotation\n";
  };
  file << "HIERARCHY\nROOT Hips\n{\n OFFSET 0 0 0\n CHANNELS 6 Xposition Yposition Zposition "
          "Zrotation Yrotation Xrotation\n";
  open("Chest", 0, 0.4, 0);
  open("Head", 0, 0.25, 0);
  file << "}\n";
  for (const double side : {1.0, -1.0}) {
    open(side > 0 ? "LeftArm" : "RightArm", 0.18 * side, 0.1, 0);
    open(side > 0 ? "LeftHand" : "RightHand", 0.55 * side, 0, 0);
    file << "}\n}\n";
  }
  file << "}\n";
  for (const double side : {1.0, -1.0}) {
    open(side > 0 ? "LeftUpLeg" : "RightUpLeg", 0.1 * side, 0, 0);
    open(side > 0 ? "LeftLeg" : "RightLeg", 0, -0.42, 0);
    open(side > 0 ? "LeftFoot" : "RightFoot", 0, -0.42, 0);
    open(side > 0 ? "LeftToe" : "RightToe", 0, -0.05, 0.15);
    file << "}\n}\n}\n}\n";
  }
  file << "}\nMOTION\nFrames: 1\nFrame Time: 0.01\n";
  const double height = 0.9 / unit_m;
  file << 0 << ' ' << (up == 'y' ? height : 0) << ' ' << (up == 'z' ? height : 0);
  for (int i = 0; i < 3 * 15; ++i) file << " 0";
  return path;
}

glm::vec3 worldPosition(const anim::Clip& clip, const std::string& name) {
  std::vector<math::RigidTransform> world(clip.skeleton.size());
  anim::worldFromJoints(clip.skeleton, {clip.parent_from_joint.data(), clip.skeleton.size()},
                        world);
  const int joint = anim::findJoint(clip.skeleton, name);
  REQUIRE(joint >= 0);
  return world[static_cast<std::size_t>(joint)].translation;
}

}  // namespace

TEST_SUITE("asset/clip_file") {
  TEST_CASE("unit and upward axis are recognised from the body") {
    for (const double unit_m : {1.0, 0.1, 0.0254 / 0.45, 0.0254, 0.01, 0.001}) {
      for (const char up : {'y', 'z'}) {
        CAPTURE(unit_m);
        CAPTURE(up);
        const auto file = asset::loadClip(writeFigure(unit_m, up));
        REQUIRE(file.has_value());
        CHECK(file->unit_m == doctest::Approx(unit_m));
        CHECK(file->unit_source == asset::UnitSource::recognised);
        CHECK(file->up == up);
        CHECK_FALSE(file->clip.warnings.empty());
        const glm::vec3 head = worldPosition(file->clip, "Head");
        CHECK(head.y == doctest::Approx(1.55f).epsilon(1e-4));
        const glm::vec3 toe = worldPosition(file->clip, "LeftToe");
        CHECK(toe.x == doctest::Approx(0.1f).epsilon(1e-4));
        CHECK(toe.z == doctest::Approx(0.15f).epsilon(1e-4));
      }
    }
  }

  TEST_CASE("given unit and axis stand, and the source says so") {
    const auto file = asset::loadClip(writeFigure(0.01, 'y'), {.unit_m = 0.001, .up = 'z'});
    REQUIRE(file.has_value());
    CHECK(file->unit_m == 0.001);
    CHECK(file->unit_source == asset::UnitSource::flag);
    CHECK(file->up == 'z');
    CHECK(worldPosition(file->clip, "Head").z == doctest::Approx(-0.155f).epsilon(1e-4));
  }

  TEST_CASE("a kind that cannot be read names those that can") {
    CHECK_FALSE(asset::isReadableClipKind("a/clip.fbx"));
    CHECK(asset::isReadableClipKind("a/CLIP.BVH"));
    const auto file = asset::loadClip("a/clip.fbx");
    REQUIRE_FALSE(file.has_value());
    CHECK(file.error().message.find(".bvh") != std::string::npos);
  }

  TEST_CASE("missing and empty files and folders are errors") {
    const auto folder = std::filesystem::temp_directory_path() /
                        ("understudy_folder_" + std::to_string(getpid()) + ".bvh");
    std::filesystem::create_directories(folder);
    const auto empty = std::filesystem::temp_directory_path() /
                       ("understudy_empty_" + std::to_string(getpid()) + ".bvh");
    std::ofstream(empty).flush();
    for (const auto& path : {std::filesystem::path("/nowhere/at/all.bvh"), folder, empty}) {
      const auto file = asset::loadClip(path);
      REQUIRE_FALSE(file.has_value());
      CHECK(file.error().message.find(path.string()) == 0);
    }
  }

  TEST_CASE("the units of real recordings are recognised") {
    struct Known {
      const char* path;
      double unit_m;
      char up;
    };
    for (const Known& known :
         {Known{"bvh/assimp/BVH/01_01.bvh", 0.0254 / 0.45, 'y'},
          Known{"bvh/assimp/BVH/Boxing_Toes.bvh", 0.01, 'y'},
          Known{"bvh/alinen/t-pose.bvh", 0.01, 'y'},
          Known{"bvh/dme/xia_test/sexy_01_000.bvh", 0.0254 / 0.45, 'y'},
          Known{"bvh/pymo/demos/data/AV_8Walk_Meredith_HVHA_Rep1.bvh", 0.0254, 'y'},
          Known{"bvh/makehuman/poses/tpose.bvh", 0.1, 'z'},
          Known{"bvh/makehuman/animations/walks/walk1.bvh", 0.1, 'z'},
          Known{"bvh/bandai/Bandai-Namco-Research-Motiondataset-1/data/"
                "dataset-1_dance-short_normal_001.bvh",
                0.01, 'y'}}) {
      const auto path = test::sharedData(known.path);
      if (!path) continue;
      CAPTURE(known.path);
      const auto file = asset::loadClip(*path);
      REQUIRE(file.has_value());
      CHECK(file->unit_m == doctest::Approx(known.unit_m));
      CHECK(file->up == known.up);
      for (const auto& warning : file->clip.warnings) MESSAGE(warning);
    }
  }
}
