#include "engine/asset/asf_amc.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "engine/anim/humanoid.h"
#include "engine/anim/kinematics.h"
#include "engine/asset/bvh.h"
#include "engine/asset/clip_file.h"
#include "tests/support/shared_data.h"
#include "tests/support/text.h"

using namespace understudy;

namespace {

using test::has;
using test::replaced;

const std::string kAsf = R"(# made for this test
:version 1.10
:name leg
:units
  mass 1.0
  length 0.5
  angle deg
:root
  order TX TY TZ RX RY RZ
  axis XYZ
  position 0 1 0
  orientation 0 0 0
:bonedata
  begin
    id 1
    name thigh
    direction 0 -1 0
    length 2
    axis 0 0 90 XYZ
    dof rx rz
    limits (-160.0 20.0)
           (-60.0 70.0)
  end
  begin
    id 2
    name shin
    direction 0 -1 0
    length 1.5
    axis 0 0 0 XYZ
    dof rx
  end
  begin
    id 3
    name foot
    direction 0 0 1
    length 0.5
    axis 0 0 0 XYZ
  end
:hierarchy
  begin
    root thigh
    thigh shin
    shin foot
  end
)";
const std::string kAmc = R"(#!OML:ASF leg.asf
:FULLY-SPECIFIED
:DEGREES
1
root 1 2 3 0 0 0
thigh 0 0
shin 0
2
root 1 2 3 0 90 0
thigh 90 0
shin 90
)";

std::string asfError(const std::string& text) {
  return test::errorOf(asset::readAsf(text, "leg.asf"));
}

std::string amcError(const std::string& text) {
  const auto asf = asset::readAsf(kAsf, "leg.asf");
  REQUIRE(asf.has_value());
  return test::errorOf(asset::readAmc(text, "leg.amc", *asf));
}

std::vector<math::RigidTransform> worldPose(const anim::Clip& clip, std::size_t frame) {
  std::vector<math::RigidTransform> world(clip.skeleton.size());
  const std::size_t joints = clip.skeleton.size();
  anim::worldFromJoints(clip.skeleton, {&clip.parent_from_joint[frame * joints], joints}, world);
  return world;
}

bool near(const glm::vec3& a, const glm::vec3& b) { return glm::length(a - b) < 1e-5f; }

}  // namespace

TEST_SUITE("asset/asf_amc") {
  TEST_CASE("a leg lands where the hand computation puts it") {
    const auto asf = asset::readAsf(kAsf, "leg.asf");
    REQUIRE(asf.has_value());
    CHECK(asf->skeleton.names == std::vector<std::string>{"root", "thigh", "shin", "foot"});
    CHECK(asf->skeleton.parents == std::vector<int>{-1, 0, 1, 2});
    const auto clip = asset::readAmc(kAmc, "leg.amc", *asf);
    REQUIRE(clip.has_value());
    CHECK(clip->frames == 2);
    CHECK(clip->rate_hz == 120.0);
    // Lengths are divided by 0.5.
    const auto straight = worldPose(*clip, 0);
    CHECK(near(straight[0].translation, {2, 6, 6}));
    CHECK(near(straight[1].translation, {2, 6, 6}));
    CHECK(near(straight[2].translation, {2, 2, 6}));
    CHECK(near(straight[3].translation, {2, -1, 6}));
    // The root turns by 90 degrees about y: x goes to -z. The thigh's own x axis is the world's y
    // (its axes are turned by 90 degrees about z), so that it only twists; the shin, a quarter
    // about x in its parent's frame, then points along -z turned by the twist: -x, and by the root:
    // +z.
    const auto bent = worldPose(*clip, 1);
    CHECK(near(bent[2].translation, {2, 2, 6}));
    CHECK(near(bent[3].translation, glm::vec3(2, 2, 6) + glm::vec3(0, 0, 3)));
  }

  TEST_CASE("errors of the skeleton name file, line and what belongs there") {
    CHECK(has(asfError(""), "leg.asf:0: holds nothing"));
    CHECK(has(asfError("hello\n"), "leg.asf:1: \"hello\" where a section"));
    CHECK(has(asfError(kAsf.substr(0, kAsf.find(":hierarchy"))), "has no :hierarchy"));
    CHECK(has(asfError(kAsf.substr(0, kAsf.find("name shin"))), "ends within a bone"));
    CHECK(has(asfError(replaced(kAsf, "dof rx rz", "dof rx ry2")), ":20: channel \"ry2\""));
    CHECK(has(asfError(replaced(kAsf, "dof rx rz", "dof rx rx")), "stands twice"));
    CHECK(has(asfError(replaced(kAsf, "length 2\n", "length nan\n")), "needs 1 finite numbers"));
    CHECK(has(asfError(replaced(kAsf, "length 0.5\n  angle", "length 0\n  angle")), "length must"));
    CHECK(has(asfError(replaced(kAsf, "0 0 90 XYZ", "0 0 90 XXZ")), "\"XXZ\" must be such as XYZ"));
    CHECK(has(asfError(replaced(kAsf, "name shin", "name thigh")), "stands twice"));
    CHECK(has(asfError(replaced(kAsf, "shin foot\n", "shin feet\n")), "\"feet\" is not in"));
    CHECK(has(asfError(replaced(kAsf, "shin foot\n", "shin thigh\n")), "has two parents"));
    CHECK(has(asfError(replaced(kAsf, "shin foot\n", "shin root\n")), "has two parents"));
  }

  TEST_CASE("bones that hang on nothing are left out, and said") {
    const auto asf = asset::readAsf(replaced(kAsf, "    thigh shin\n", ""), "leg.asf");
    REQUIRE(asf.has_value());
    CHECK(asf->skeleton.names == std::vector<std::string>{"root", "thigh"});
    REQUIRE(asf->warnings.size() == 1);
    CHECK(has(asf->warnings[0], "2 bones"));
  }

  TEST_CASE("errors of the motion name file, line and what belongs there") {
    CHECK(has(amcError(""), "has no frame"));
    CHECK(has(amcError("root 1 2 3 0 0 0\n"), "leg.amc:1: \"root\" where the number"));
    CHECK(has(amcError(replaced(kAmc, "thigh 90 0", "thigh 90")), ":10: bone \"thigh\" has 1 "));
    CHECK(has(amcError(replaced(kAmc, "shin 90", "arm 90")), "\"arm\" is not in the skeleton"));
    CHECK(has(amcError(replaced(kAmc, "shin 90", "shin inf")), "\"inf\" where a finite number"));
    // Frames that cost two bytes each do not buy memory.
    std::string bones, ring = "root", many;
    for (int i = 0; i < 1000; ++i) {
      const std::string name = "b" + std::to_string(i);
      bones += "begin\nname " + name + "\nend\n";
      ring += " " + name;
    }
    for (int i = 0; i < 100000; ++i) many += "1\n";
    const auto wide =
        asset::readAsf(":bonedata\n" + bones + ":hierarchy\n" + ring + "\n", "wide.asf");
    REQUIRE(wide.has_value());
    const auto refused = asset::readAmc(many, "leg.amc", *wide);
    REQUIRE_FALSE(refused.has_value());
    CHECK(has(refused.error().message, "more frames than its size allows"));
  }

  TEST_CASE("a bone that a frame leaves out stays as it was, and it is said") {
    const auto asf = asset::readAsf(kAsf, "leg.asf");
    const auto clip = asset::readAmc(kAmc + "3\nroot 1 2 3 0 90 0\nthigh 90 0\n", "leg.amc", *asf);
    REQUIRE(clip.has_value());
    CHECK(clip->frames == 3);
    CHECK(near(worldPose(*clip, 2)[3].translation, worldPose(*clip, 1)[3].translation));
    CHECK(has(clip->warnings.back(), "1 times"));
  }

  TEST_CASE("radians and angles of the skeleton's unit are obeyed") {
    const auto asf = asset::readAsf(kAsf, "leg.asf");
    std::string text = replaced(kAmc, ":DEGREES", ":RADIANS");
    for (const char* word : {" 90 0\nthigh", "thigh 90", "shin 90"}) {
      std::string turned(word);
      turned.replace(turned.find("90"), 2, "1.5707963267948966");
      text = replaced(text, word, turned);
    }
    const auto clip = asset::readAmc(text, "leg.amc", *asf);
    const auto degrees = asset::readAmc(kAmc, "leg.amc", *asf);
    REQUIRE(clip.has_value());
    CHECK(near(worldPose(*clip, 1)[3].translation, worldPose(*degrees, 1)[3].translation));
  }

  TEST_CASE("broken files are errors or bodies, never a crash") {
    std::mt19937 random(7);
    const auto asf = asset::readAsf(kAsf, "leg.asf");
    const char kBytes[] = "\0\n\t :#()-.0123456789eEnaxyzXYZ\xff";
    for (int i = 0; i < 3000; ++i) {
      std::string skeleton = kAsf, motion = kAmc;
      for (int hit = 0; hit < 4; ++hit) {
        const char byte = kBytes[random() % (sizeof kBytes - 1)];
        skeleton[random() % skeleton.size()] = byte;
        motion[random() % motion.size()] = byte;
      }
      if (i % 3 == 0) skeleton.resize(random() % skeleton.size());
      if (i % 3 == 1) motion.resize(random() % motion.size());
      const auto broken = asset::readAsf(skeleton, "leg.asf");
      (void)asset::readAmc(motion, "leg.amc", broken ? *broken : *asf);
    }
  }

  TEST_CASE("a motion without its skeleton says where it belongs") {
    const auto folder =
        std::filesystem::temp_directory_path() / ("understudy_amc_" + std::to_string(getpid()));
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "07_02.amc") << kAmc;
    const auto alone = asset::loadClip(folder / "07_02.amc");
    REQUIRE_FALSE(alone.has_value());
    CHECK(
        has(alone.error().message, "no .asf lies beside it; put its skeleton there as 07_02.asf"));
    std::ofstream(folder / "07.asf") << kAsf;
    std::ofstream(folder / "08.asf") << "nothing";
    CHECK(asset::loadAmc(folder / "07_02.amc").has_value());
    std::filesystem::remove_all(folder);
  }

  TEST_CASE("CMU's motion moves as the BVH file of the same motion does") {
    const auto amc_path = test::sharedData("asf_amc/cmuasf/01/01_01.amc");
    const auto bvh_path = test::sharedData("bvh/assimp/BVH/01_01.bvh");
    if (!amc_path || !bvh_path) return;
    const auto amc = asset::loadClip(*amc_path);
    const auto bvh = asset::loadClip(*bvh_path);
    REQUIRE(amc.has_value());
    REQUIRE(bvh.has_value());
    CHECK(amc->kind == "amc");
    const anim::HumanoidMap ours = anim::recogniseHumanoid(amc->clip.skeleton);
    const anim::HumanoidMap theirs = anim::recogniseHumanoid(bvh->clip.skeleton);
    REQUIRE(anim::isHumanoid(ours));
    // The BVH conversion begins with a T-pose that the AMC file does not have, and it lost the bone
    // "thorax": arms and head are compared from where they begin.
    struct Way {
      anim::HumanoidJoint from, to;
    };
    using enum anim::HumanoidJoint;
    double squares = 0.0, ways = 0.0;
    for (std::size_t f = 0; f < 2700; f += 50) {
      const auto a = worldPose(amc->clip, f), b = worldPose(bvh->clip, f + 1);
      for (const Way way :
           {Way{hips, left_lower_leg}, Way{hips, right_toes}, Way{hips, upper_chest},
            Way{neck, head}, Way{left_shoulder, left_hand}, Way{right_shoulder, right_lower_arm}}) {
        const auto along = [&](const auto& world, const anim::HumanoidMap& map) {
          return world[static_cast<std::size_t>(map[way.to])].translation -
                 world[static_cast<std::size_t>(map[way.from])].translation;
        };
        const glm::vec3 off = along(a, ours) - along(b, theirs);
        squares += static_cast<double>(glm::dot(off, off));
        ways += 1.0;
      }
    }
    MESSAGE("rms distance of joints: ", 1000.0 * std::sqrt(squares / ways), " mm");
    CHECK(std::sqrt(squares / ways) < 0.001);
  }
}
