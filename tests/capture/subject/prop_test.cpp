#include "capture/subject/prop.h"

#include <doctest/doctest.h>

#include <limits>

#include "capture/subject/subject_file.h"
#include "tests/support/props.h"
#include "tests/support/stage.h"
#include "tests/support/text.h"

using namespace understudy;
using subject::PropMarker;

namespace {

using test::has;

std::string errorOf(const std::vector<PropMarker>& markers) {
  return test::errorOf(subject::makeProp("box", markers));
}

std::string errorOfFile(const std::string& toml) {
  return test::errorOf(subject::parseSubject(toml, "box.toml"));
}

std::vector<PropMarker> evenMarkers(std::size_t count) {
  std::vector<PropMarker> markers;
  for (std::size_t i = 0; i < count; ++i) {
    const auto at = static_cast<float>(i);
    markers.push_back({"m" + std::to_string(i), {0.03f * at, i % 2 == 0 ? 0.0f : 0.02f, 0.0f}});
  }
  return markers;
}

std::string fileOf(std::size_t markers) {
  std::string text = "name = \"box\"\nkind = \"prop\"\n";
  for (const PropMarker& marker : evenMarkers(markers)) {
    text += "[[marker]]\nname = \"" + marker.name + "\"\noffset = [" +
            std::to_string(marker.position_prop.x) + ", " + std::to_string(marker.position_prop.y) +
            ", 0]\n";
  }
  return text;
}

}  // namespace

TEST_SUITE("subject/prop") {
  TEST_CASE("a prop is a subject of one free joint") {
    const subject::Subject prop = test::makeProp("box", test::unevenPattern());
    CHECK(subject::isProp(prop));
    CHECK(subject::check(prop, "here"));
    CHECK(prop.skeleton.size() == 1);
    CHECK(prop.joints[0].motion == subject::JointMotion::free);
    CHECK(prop.markers.size() == 6);
    CHECK(prop.markers[2].name == "box3");
    CHECK_FALSE(anim::isHumanoid(prop.humanoid));
    CHECK_FALSE(subject::isProp(test::figureStage({}).subjects()[0]));
  }

  TEST_CASE("a prop's file says its kind and comes back to the last bit") {
    const subject::Subject prop = test::makeProp("box", test::unevenPattern());
    const std::string text = subject::formatSubject(prop);
    CHECK(has(text, "kind = \"prop\""));
    const auto back = subject::parseSubject(text, "box.toml");
    REQUIRE_MESSAGE(back, (back ? "" : back.error().message));
    CHECK(subject::isProp(*back));
    REQUIRE(back->markers.size() == prop.markers.size());
    for (std::size_t m = 0; m < prop.markers.size(); ++m) {
      CHECK(back->markers[m].offset_joint == prop.markers[m].offset_joint);
    }
    CHECK_FALSE(has(subject::formatSubject(test::figureStage({}).subjects()[0]), "kind"));
  }

  TEST_CASE("a prop's file may leave out the joint") {
    const auto prop = subject::parseSubject(fileOf(5), "box.toml");
    REQUIRE_MESSAGE(prop, (prop ? "" : prop.error().message));
    CHECK(subject::isProp(*prop));
    CHECK(prop->skeleton.names[0] == "box");
    CHECK(prop->markers[4].offset_joint.x == doctest::Approx(0.12));
    // Nobody else may.
    CHECK(has(errorOfFile("name = \"box\"\n[[marker]]\nname = \"a\"\noffset = [0, 0, 0]\n"),
              "at least one [[joint]]"));
  }

  TEST_CASE("what cannot be a prop is refused with reason") {
    CHECK(errorOf(evenMarkers(4)) == "no error");
    CHECK(errorOf(evenMarkers(12)) == "no error");
    CHECK(has(errorOf({}), "0 markers; a prop has 4 to 12"));
    CHECK(has(errorOf(evenMarkers(1)), "1 marker;"));
    CHECK(has(errorOf(evenMarkers(3)), "3 markers"));
    CHECK(has(errorOf(evenMarkers(13)), "13 markers"));
    CHECK(has(errorOf(evenMarkers(1000000)), "1000000 markers"));
    std::vector<PropMarker> markers = evenMarkers(5);
    markers[2].position_prop.y = std::numeric_limits<float>::quiet_NaN();
    CHECK(has(errorOf(markers), "m2"));
    markers[2].position_prop.y = std::numeric_limits<float>::infinity();
    CHECK(has(errorOf(markers), "m2"));
    markers[2].position_prop.y = 300.0f;
    CHECK(has(errorOf(markers), "metres?"));
    markers[2].position_prop = markers[1].position_prop;
    CHECK(has(errorOf(markers), "markers m1 and m2 are 0.0 mm apart"));
    markers = evenMarkers(5);
    for (PropMarker& marker : markers) marker.position_prop.y = 0.0f;
    CHECK(has(errorOf(markers), "on one line"));
    markers = evenMarkers(5);
    markers[3].name = "m1";
    CHECK(has(errorOf(markers), "two markers m1"));
    markers[3].name.clear();
    CHECK(has(errorOf(markers), "no name"));
    CHECK_FALSE(subject::makeProp("", evenMarkers(5)));
  }

  TEST_CASE("a hostile file ends with a line") {
    CHECK(errorOfFile(fileOf(4)) == "no error");
    CHECK(has(errorOfFile(fileOf(1)), "box.toml"));
    CHECK(has(errorOfFile(fileOf(1)), "1 marker"));
    CHECK(has(errorOfFile(fileOf(13)), "13 markers"));
    CHECK(has(errorOfFile(fileOf(20000)), "at most 4096 markers"));
    CHECK(has(errorOfFile("name = \"box\"\nkind = \"prob\"\n"), "performer or prop"));
    std::string two = fileOf(5) + "[[joint]]\nname = \"a\"\n[[joint]]\nname = \"b\"\n";
    CHECK_FALSE(errorOfFile(two) == "no error");
    std::string text = fileOf(5);
    text.replace(text.find("0.030000"), 8, "nan");
    CHECK(has(errorOfFile(text), "finite"));
    text = fileOf(5);
    text.replace(text.find("0.030000, 0.020000"), 18, "0, 0");
    CHECK(has(errorOfFile(text), "apart"));
  }
}
