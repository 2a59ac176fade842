#include "capture/file/vsk.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <string>

#include "capture/subject/vsk_subject.h"
#include "tests/support/shared_data.h"
#include "tests/support/text.h"

using namespace understudy;

namespace {

using test::has;
using test::replaced;

const std::string kBlade = R"(<?xml version="1.0" standalone="yes"?>
<KinematicModel>
  <Parameters>
    <Parameter NAME="Thigh" VALUE="430" />
    <Parameter NAME="KneeX" VALUE="51.5" />
  </Parameters>
  <Skeleton>
    <Segment NAME="Hips" POSITION="0 0 0" ORIENTATION="-0 -0 -0">
      <JointFree />
      <Segment NAME="LeftUpLeg" POSITION="100 0 0" ORIENTATION="0 0 1.5707963267948966">
        <JointBall />
        <Segment NAME="LeftLeg" POSITION="0 -Thigh 0" ORIENTATION="0 0 0">
          <JointHinge AXIS="2 0 0" />
          <Segment NAME="LeftFoot" POSITION="0 -400 0" ORIENTATION="0 0 0"><JointDummy /></Segment>
        </Segment>
      </Segment>
    </Segment>
  </Skeleton>
  <MarkerSet>
    <Markers>
      <Marker NAME="LASI" SEGMENT="Hips" POSITION="110 20 90" />
      <Marker NAME="LKNE" SEGMENT="LeftUpLeg" POSITION="KneeX -Thigh 1e1" />
      <Marker NAME="LANK" SEGMENT="LeftLeg" POSITION="50 -390 0" />
    </Markers>
  </MarkerSet>
</KinematicModel>
)";
const std::string kNexus = R"(<?xml version="1.0"?>
<KinematicModel VERSION="3.2">
  <Parameters><Parameter NAME="Lx" VALUE="80"/></Parameters>
  <Skeleton>
    <Segment NAME="Root">
      <JointFree PRE-ORIENTATION="-0 2.221441 2.221441" PRE-POSITION="0 0 0">
        <JointTemplate PRE-POSITION="0 nothing 0"/>
      </JointFree>
      <Segment NAME="Elbow">
        <JointHardySpicer PRE-ORIENTATION="0 0 0" PRE-POSITION="0 280.5 0"
          AXIS-PAIR="1 0 0 0 1 0"/>
      </Segment>
    </Segment>
  </Skeleton>
  <MarkerSet><Markers><Marker NAME="LELB" RADIUS="7"/></Markers></MarkerSet>
  <TargetSet><Targets>
    <TargetLocalPointToWorldPoint MARKER="LELB" SEGMENT="Elbow" POSITION="Lx 0 -1"/>
  </Targets></TargetSet>
</KinematicModel>
)";

std::string errorOf(const std::string& text) { return test::errorOf(file::readVsk(text, "a.vsk")); }

}  // namespace

TEST_SUITE("file/vsk") {
  TEST_CASE("Blade's skeleton comes in metres, parameters put in") {
    const auto vsk = file::readVsk(kBlade, "a.vsk");
    REQUIRE(vsk.has_value());
    REQUIRE(vsk->segments.size() == 4);
    CHECK(vsk->segments[2].name == "LeftLeg");
    CHECK(vsk->segments[2].parent == 1);
    CHECK(glm::distance(vsk->segments[2].position, glm::dvec3(0, -0.43, 0)) < 1e-12);
    CHECK(vsk->segments[2].motion == file::VskMotion::hinge);
    CHECK(vsk->segments[2].axis == glm::dvec3(1, 0, 0));
    CHECK(vsk->segments[3].motion == file::VskMotion::fixed);
    // A rotation vector: a quarter about z.
    CHECK(glm::distance(vsk->segments[1].rotation * glm::dvec3(1, 0, 0), glm::dvec3(0, 1, 0)) <
          1e-9);
    REQUIRE(vsk->markers.size() == 3);
    CHECK(vsk->markers[1].segment == 1);
    CHECK(glm::distance(vsk->markers[1].position, glm::dvec3(0.0515, -0.43, 0.01)) < 1e-12);
  }

  TEST_CASE("Nexus' skeleton says places at joints and markers as targets") {
    const auto vsk = file::readVsk(kNexus, "a.vsk");
    REQUIRE(vsk.has_value());
    REQUIRE(vsk->segments.size() == 2);
    CHECK(vsk->segments[1].motion == file::VskMotion::universal);
    CHECK(glm::distance(vsk->segments[1].position, glm::dvec3(0, 0.2805, 0)) < 1e-12);
    REQUIRE(vsk->markers.size() == 1);
    CHECK(glm::distance(vsk->markers[0].position, glm::dvec3(0.08, 0, -0.001)) < 1e-12);
    const auto subject = subject::makeSubject(*vsk, "a", "a.vsk");
    REQUIRE(subject.has_value());
    CHECK(subject->skeleton.parent_from_joint[0] == math::RigidTransform{});
    CHECK(subject->joints[1].abduction.limits());
    CHECK_FALSE(subject->joints[1].flexion.limits());
  }

  TEST_CASE("a hinge becomes a joint that is held about its other axes") {
    const auto vsk = file::readVsk(kBlade, "a.vsk");
    REQUIRE(vsk.has_value());
    const auto subject = subject::makeSubject(*vsk, "Nick", "a.vsk");
    REQUIRE(subject.has_value());
    const subject::JointModel& knee = subject->joints[2];
    CHECK(knee.motion == subject::JointMotion::ball);
    CHECK(knee.twist.limits());
    CHECK(knee.abduction.limits());
    CHECK_FALSE(knee.flexion.limits());
    CHECK(glm::distance(knee.joint_from_anatomical * glm::vec3(1, 0, 0), glm::vec3(1, 0, 0)) <
          1e-5f);
    CHECK(subject->joints[3].motion == subject::JointMotion::fixed);
    CHECK(subject->humanoid[anim::HumanoidJoint::left_lower_leg] == 2);
  }

  TEST_CASE("errors name file, line and remedy") {
    CHECK(has(errorOf(""), "a.vsk:1: no sound XML"));
    CHECK(has(errorOf("<html></html>"), "has no KinematicModel; is this a Vicon subject"));
    CHECK(has(errorOf(kBlade.substr(0, kBlade.size() / 2)), "no sound XML"));
    CHECK(has(errorOf(replaced(kBlade, "\"0 -Thigh 0\"", "\"0 -Thihg 0\"")),
              "a.vsk:12: POSITION of Segment: \"-Thihg\" is neither"));
    CHECK(has(errorOf(replaced(kBlade, "\"50 -390 0\"", "\"50 -390\"")), "needs three numbers"));
    CHECK(has(errorOf(replaced(kBlade, "\"50 -390 0\"", "\"50 nan 0\"")), "neither a finite"));
    CHECK(has(errorOf(replaced(kBlade, "\"50 -390 0\"", "\"50 1e9 0\"")), "neither a finite"));
    CHECK(has(errorOf(replaced(kBlade, "SEGMENT=\"LeftLeg\"", "SEGMENT=\"Tail\"")),
              "which the skeleton does not have"));
    CHECK(has(errorOf(replaced(kBlade, "NAME=\"LANK\"", "NAME=\"LKNE\"")), "stands twice"));
    CHECK(has(errorOf(replaced(kBlade, "NAME=\"LeftLeg\"", "NAME=\"Hips\"")), "stands twice"));
    CHECK(has(errorOf(replaced(kBlade, "<JointBall />", "")), "no joint of a known kind"));
    CHECK(has(errorOf(replaced(kBlade, "AXIS=\"2 0 0\"", "AXIS=\"0 0 0\"")), "has no direction"));
    CHECK(has(errorOf("<KinematicModel><Skeleton/></KinematicModel>"), "has no Segment"));
    CHECK(has(errorOf(std::string(file::kMostVskBytes + 1, ' ')), "is larger than"));
  }

  TEST_CASE("segments nested without end are an error, not a deep recursion") {
    std::string text = "<KinematicModel><Skeleton>";
    for (int i = 0; i < 300; ++i) {
      text += "<Segment NAME=\"s" + std::to_string(i) +
              "\" POSITION=\"0 0 0\" ORIENTATION=\"0 0 0\"><JointBall/>";
    }
    for (int i = 0; i < 300; ++i) text += "</Segment>";
    CHECK(has(errorOf(text + "</Skeleton></KinematicModel>"), "nest deeper than 256"));
    std::string deep;
    for (int i = 0; i < 200000; ++i) deep += "<a>";
    CHECK(has(errorOf(deep), "no sound XML"));
  }

  TEST_CASE("entities of the file's own do not expand") {
    const std::string bomb =
        "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>" + kBlade.substr(39);
    (void)file::readVsk(bomb, "a.vsk");
    CHECK(has(errorOf(replaced(kBlade, "\"0 -Thigh 0\"", "\"&b; 0 0\"")), "neither"));
  }

  TEST_CASE("broken files are errors or skeletons, never a crash") {
    std::mt19937 random(11);
    const char kBytes[] = "\0\n <>/=\"'&;-.019eEnN\xff";
    for (int i = 0; i < 4000; ++i) {
      std::string text = i % 2 == 0 ? kBlade : kNexus;
      for (int hit = 0; hit < 4; ++hit) {
        text[random() % text.size()] = kBytes[random() % (sizeof kBytes - 1)];
      }
      if (i % 5 == 0) text.resize(random() % text.size());
      const auto vsk = file::readVsk(text, "a.vsk");
      if (vsk) (void)subject::makeSubject(*vsk, "a", "a.vsk");
    }
  }

  TEST_CASE("subjects of Blade and Nexus have the markers of their recordings") {
    struct Known {
      const char* path;
      std::size_t segments, markers;
    };
    for (const Known& known : {Known{"vsk/nimble/data/vsk/Nick01.vsk", 30, 53},
                               Known{"vsk/pycgm/Test_Files/Test.vsk", 22, 39}}) {
      const auto path = test::sharedData(known.path);
      if (!path) continue;
      CAPTURE(known.path);
      const auto vsk = file::loadVsk(*path);
      REQUIRE(vsk.has_value());
      CHECK(vsk->segments.size() == known.segments);
      CHECK(vsk->markers.size() == known.markers);
      const auto subject = subject::makeSubject(*vsk, "x", *path);
      REQUIRE(subject.has_value());
      CHECK(subject->humanoid[anim::HumanoidJoint::left_lower_leg] > 0);
      CHECK(subject->humanoid[anim::HumanoidJoint::right_lower_arm] > 0);
    }
  }
}
