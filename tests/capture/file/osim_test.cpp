#include "capture/file/osim.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <string>

#include "tests/support/text.h"

using namespace understudy;

namespace {

using test::has;
using test::replaced;

// One axis of a joint.
std::string axis(const std::string& coordinate, const std::string& direction,
                 const std::string& function) {
  return "<TransformAxis><coordinates>" + coordinate + "</coordinates><axis>" + direction +
         "</axis>" + function + "</TransformAxis>";
}
const std::string kLinear = "<LinearFunction><coefficients> 1 0</coefficients></LinearFunction>";
const std::string kZero = "<Constant><value>0</value></Constant>";

std::string frame(const std::string& name, const std::string& body, const std::string& shift,
                  const std::string& turn) {
  return "<PhysicalOffsetFrame name=\"" + name + "\"><socket_parent>/bodyset/" + body +
         "</socket_parent><translation>" + shift + "</translation><orientation>" + turn +
         "</orientation></PhysicalOffsetFrame>";
}

// The foot stands before its parent, as files may have it.
const std::string kModel =
    "<?xml version=\"1.0\"?>\n<OpenSimDocument Version=\"40000\"><Model name=\"m\"><JointSet>\n"
    "<objects>\n"
    "<PinJoint name=\"ankle\"><socket_parent_frame>shin_offset</socket_parent_frame>"
    "<socket_child_frame>foot</socket_child_frame><coordinates><Coordinate name=\"ankle_angle\">"
    "<default_value>0.25</default_value></Coordinate></coordinates><frames>" +
    frame("shin_offset", "shin", "0 -0.4 0", "0 0 0") +
    "</frames></PinJoint>\n"
    "<CustomJoint name=\"knee\"><socket_parent_frame>/ground</socket_parent_frame>"
    "<socket_child_frame>shin_offset2</socket_child_frame><coordinates>"
    "<Coordinate name=\"knee_angle\"/></coordinates><frames>" +
    frame("shin_offset2", "shin", "0 0.1 0", "0 1.5707963267948966 0") + "</frames>\n" +
    "<SpatialTransform>" + axis("knee_angle", "0 0 2", kLinear) + axis("", "0 1 0", kZero) +
    axis("", "1 0 0", kZero) +
    axis("knee_angle", "1 0 0",
         "<MultiplierFunction><function><SimmSpline><x>0 1 2 3 4</x><y>0 1 8 27 64</y></SimmSpline>"
         "</function><scale>0.5</scale></MultiplierFunction>") +
    axis("", "0 1 0", "<Constant><value>0.9</value></Constant>") + axis("", "0 0 1", kZero) +
    "</SpatialTransform></CustomJoint>\n</objects></JointSet>\n<MarkerSet><objects>"
    "<Marker name=\"HEEL\"><socket_parent_frame>/bodyset/foot</socket_parent_frame>"
    "<location>-0.05 -0.02 0</location></Marker></objects></MarkerSet></Model></OpenSimDocument>\n";

std::string errorOf(const std::string& text) {
  return test::errorOf(file::readOsim(text, "a.osim"));
}

}  // namespace

TEST_SUITE("file/osim") {
  TEST_CASE("a leg lands where the hand computation puts it") {
    const auto model = file::readOsim(kModel, "a.osim");
    REQUIRE_MESSAGE(model.has_value(), (model ? "" : model.error().message));
    CHECK(model->bodies == std::vector<std::string>{"shin", "foot"});
    REQUIRE(model->coordinates == std::vector<std::string>{"ankle_angle", "knee_angle"});
    CHECK(model->defaults[0] == 0.25);
    REQUIRE(model->markers.size() == 1);
    CHECK(model->markers[0].body == 1);
    // The knee turns by a quarter about z and shifts by half of its angle cubed along x: the spline
    // through a cubic is that cubic. Of the shin's frame, the joint's is turned about y.
    const double quarter = 1.5707963267948966;
    const auto world = model->worldFromBodies({0.0, quarter});
    const double shift = 0.5 * quarter * quarter * quarter;
    const glm::dvec3 knee(shift, 0.9, 0);
    CHECK(glm::distance(world[0] * glm::dvec3(0, 0.1, 0), knee) < 1e-9);
    CHECK(glm::distance(world[1].translation, knee + glm::dvec3(0.5, 0, 0)) < 1e-9);
    // Beyond its knots the spline goes on straight, with the slope of its end: 48.
    const auto far = model->worldFromBodies({0.0, 5.0});
    CHECK(std::abs((far[0] * glm::dvec3(0, 0.1, 0)).x - 0.5 * (64.0 + 48.0)) < 1e-6);
  }

  TEST_CASE("errors name file, line and remedy") {
    CHECK(has(errorOf(""), "a.osim:1: no sound XML"));
    CHECK(has(errorOf("<x/>"), "is this an OpenSim model?"));
    CHECK(has(errorOf(replaced(kModel, "40000", "30000")), "open and save it with OpenSim 4"));
    CHECK(has(
        errorOf(replaced(replaced(kModel, "<PinJoint", "<BallJoint"), "</PinJoint", "</BallJoint")),
        "joints of kind BallJoint cannot be read"));
    CHECK(has(errorOf(replaced(kModel, "0 -0.4 0", "0 -0.4 nan")), "three finite numbers"));
    CHECK(has(errorOf(replaced(kModel, "0 1 2 3 4", "0 1 1 3 4")), "as many y as x, growing"));
    CHECK(
        has(errorOf(replaced(kModel, "/bodyset/shin<", "/bodyset/shank<")), "hangs on no ground"));
    CHECK(has(errorOf(replaced(kModel, "/bodyset/foot<", "/bodyset/toe<")), "marker \"HEEL\""));
    CHECK(has(errorOf("<OpenSimDocument Version=\"40000\"/>"), "has no body"));
  }

  TEST_CASE("broken files are errors or models, never a crash") {
    std::mt19937 random(23);
    const char kBytes[] = "\0\n <>/=\"-.019eEnN\xff";
    for (int i = 0; i < 3000; ++i) {
      std::string text = kModel;
      for (int hit = 0; hit < 3; ++hit) {
        text[random() % text.size()] = kBytes[random() % (sizeof kBytes - 1)];
      }
      if (i % 6 == 0) text.resize(random() % text.size());
      const auto model = file::readOsim(text, "a.osim");
      if (!model) continue;
      CHECK(model->worldFromBodies(model->defaults).size() == model->bodies.size());
    }
  }
}
