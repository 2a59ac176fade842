#include "capture/subject/pattern_check.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <glm/gtc/quaternion.hpp>
#include <random>

#include "tests/support/props.h"
#include "tests/support/stage.h"

using namespace understudy;
using subject::PatternConfusion;
using subject::Subject;

namespace {

using Places = std::vector<glm::vec3>;

// The same thing elsewhere in its own frame, markers in another order.
Places moved(const Places& places, float scale = 1.0f) {
  const glm::quat turn = glm::angleAxis(1.1f, glm::normalize(glm::vec3(1, 2, -1)));
  Places result;
  for (const glm::vec3& place : places) {
    result.insert(result.begin(), turn * (scale * place) + glm::vec3(0.1f, -0.2f, 0.3f));
  }
  return result;
}

Places mirrored(Places places) {
  for (glm::vec3& place : places) place.x = -place.x;
  return places;
}

Places flat(Places places) {
  for (glm::vec3& place : places) place.z = 0.0f;
  return places;
}

std::vector<PatternConfusion> confusions(const std::vector<Subject>& subjects) {
  return subject::findConfusions(subjects, {});
}

}  // namespace

TEST_SUITE("subject/pattern_check") {
  TEST_CASE("patterns that have nothing in common pass") {
    std::mt19937 random(5);
    std::uniform_real_distribution<float> in(-0.4f, 0.4f);
    std::vector<Subject> subjects{test::makeProp("first", test::unevenPattern())};
    for (int i = 0; i < 3; ++i) {
      Places places;
      for (int m = 0; m < 7; ++m) places.push_back({in(random), in(random), in(random)});
      subjects.push_back(test::makeProp("prop" + std::to_string(i), places));
    }
    CHECK(confusions(subjects).empty());
    CHECK(subject::confusionWarnings(subjects).empty());
    CHECK_FALSE(subject::canBeConfused(subjects, 0, {}));
  }

  TEST_CASE("the same pattern in another frame is found whole") {
    const std::vector<Subject> subjects{test::makeProp("sword", test::unevenPattern()),
                                        test::makeProp("shield", moved(test::unevenPattern()))};
    const auto found = confusions(subjects);
    REQUIRE(found.size() == 1);
    CHECK(found[0].first == 0);
    CHECK(found[0].second == 1);
    CHECK(found[0].matched == 6);
    CHECK(found[0].of == 6);
    CHECK(found[0].rms < 1e-6);
    CHECK(subject::canBeConfused(subjects, 0, {}));
    CHECK(subject::canBeConfused(subjects, 1, {}));
  }

  TEST_CASE("five of six markers are too many, and the line says who, how much and what to do") {
    Places other = moved(test::unevenPattern());
    other[2] += glm::vec3(0.09f, -0.05f, 0.06f);
    other[0] += glm::vec3(0.004f, 0.0f, 0.0f);
    const std::vector<Subject> subjects{test::makeProp("sword", test::unevenPattern()),
                                        test::makeProp("shield", other)};
    const auto found = confusions(subjects);
    REQUIRE(found.size() == 1);
    CHECK(found[0].matched == 5);
    CHECK(found[0].rms > 0.0005);
    CHECK(found[0].rms < 0.0035);
    const std::string line = subject::confusionWarnings(subjects)[0];
    CAPTURE(line);
    CHECK(line.find("warning: props 'sword' and 'shield' can be confused: 5 of 6 markers coincide "
                    "within ") == 0);
    CHECK(line.find(" mm: move markers 'sword") != std::string::npos);
  }

  TEST_CASE("the remedy ends the confusion") {
    const std::vector<Subject> subjects{test::makeProp("sword", test::unevenPattern()),
                                        test::makeProp("shield", moved(test::unevenPattern()))};
    const auto found = confusions(subjects);
    REQUIRE(found.size() == 1);
    // Three of six must stay apart, or four coincide.
    CHECK(found[0].remedy.size() == 3);
    for (const subject::MarkerMove& move : found[0].remedy) {
      CHECK(move.marker < 6);
      CHECK(move.distance == doctest::Approx(0.014));
    }
  }

  TEST_CASE("a pattern that looks the same turned is found, a skew one is not") {
    const Places square{
        {0.1f, 0, 0.1f}, {-0.1f, 0, 0.1f}, {-0.1f, 0, -0.1f}, {0.1f, 0, -0.1f}, {0, 0.15f, 0}};
    const std::vector<Subject> subjects{test::makeProp("box", square)};
    const auto found = confusions(subjects);
    REQUIRE(found.size() == 1);
    CHECK(found[0].first == found[0].second);
    CHECK(found[0].matched == 5);
    CHECK(subject::describe(subjects, found[0]).find("prop 'box' looks the same when turned") == 0);
    CHECK_FALSE(found[0].remedy.empty());
    Places skew = square;
    skew[0].x += 0.05f;
    skew[2].z -= 0.08f;
    skew[4].x += 0.03f;
    CHECK(confusions({test::makeProp("box", skew)}).empty());
  }

  TEST_CASE("mirror images are different, unless they are flat") {
    const Places solid = test::unevenPattern();
    CHECK(confusions({test::makeProp("left", solid), test::makeProp("right", mirrored(solid))})
              .empty());
    const Places plane = flat(solid);
    const auto found =
        confusions({test::makeProp("left", plane), test::makeProp("right", mirrored(plane))});
    REQUIRE(found.size() == 1);
    CHECK(found[0].matched == 6);
  }

  TEST_CASE("a larger copy is different as soon as its distances are") {
    const Subject prop = test::makeProp("prop", test::unevenPattern());
    CHECK(confusions({prop, test::makeProp("copy", moved(test::unevenPattern(), 1.15f))}).empty());
    const auto found =
        confusions({prop, test::makeProp("copy", moved(test::unevenPattern(), 1.005f))});
    REQUIRE(found.size() == 1);
    CHECK(found[0].matched == 6);
  }

  TEST_CASE("a prop that looks like a performer's head is found") {
    Subject performer = test::figureStage({}).subjects()[0];
    const int head = performer.humanoid[anim::HumanoidJoint::head];
    Places places;
    for (const subject::SubjectMarker& marker : performer.markers) {
      if (marker.joint == head) places.push_back(marker.offset_joint);
    }
    REQUIRE(places.size() >= 4);
    const std::vector<Subject> subjects{performer, test::makeProp("hat", moved(places))};
    const auto found = confusions(subjects);
    REQUIRE_FALSE(found.empty());
    const bool named = std::any_of(found.begin(), found.end(), [&](const PatternConfusion& c) {
      return c.first == 1 && c.second == 0 && c.second_joint == head;
    });
    CHECK(named);
    CHECK(subject::describe(subjects, found[0]).find("segment '") != std::string::npos);
  }

  TEST_CASE("nobody and hostile subjects are no confusion and no crash") {
    CHECK(confusions({}).empty());
    Subject crowd = test::makeProp("crowd", test::unevenPattern());
    for (int i = 0; i < 5000; ++i) crowd.markers.push_back(crowd.markers[0]);
    CHECK(confusions({crowd}).empty());  // No prop any more: too many markers.
    Subject point = test::makeProp("point", test::unevenPattern());
    for (auto& marker : point.markers) marker.offset_joint = glm::vec3(1.0f);
    CHECK(confusions({point, point}).empty());
    const Subject prop = test::makeProp("prop", test::unevenPattern());
    CHECK(confusions({crowd, prop}).size() <= 1);
  }
}
