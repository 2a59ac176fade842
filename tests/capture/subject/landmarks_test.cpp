#include "capture/subject/landmarks.h"

#include "tests/support/marker_clips.h"
#include "tests/support/text.h"

using namespace understudy;
using subject::BodyPoint;
using subject::BodySegment;
using subject::BodySide;

namespace {

std::string errorOf(const std::string& toml) {
  return test::errorOf(subject::parseLandmarkNames(toml, "names.toml"));
}

}  // namespace

TEST_SUITE("subject/landmarks") {
  TEST_CASE("names of common sets are known, whatever their case and separators") {
    const subject::LandmarkNames names = test::landmarkNames();
    struct Known {
      const char* name;
      BodyPoint point;
      BodySegment segment;
      BodySide side;
    };
    for (const Known& known :
         {Known{"LASI", BodyPoint::front_waist, BodySegment::hips, BodySide::left},
          Known{"RBWT", BodyPoint::back_waist, BodySegment::hips, BodySide::right},
          Known{"r asis", BodyPoint::front_waist, BodySegment::hips, BodySide::right},
          Known{"L_FLE", BodyPoint::knee, BodySegment::upper_leg, BodySide::left},
          Known{"R.Knee", BodyPoint::knee, BodySegment::upper_leg, BodySide::right},
          Known{"LtAnkle", BodyPoint::ankle, BodySegment::lower_leg, BodySide::left},
          Known{"C7", BodyPoint::neck_back, BodySegment::chest, BodySide::middle},
          Known{"RWRA", BodyPoint::wrist, BodySegment::lower_arm, BodySide::right}}) {
      CAPTURE(known.name);
      const subject::Landmark* found = subject::findLandmark(names, subject::plainName(known.name));
      REQUIRE(found != nullptr);
      CHECK(found->point == known.point);
      CHECK(found->segment == known.segment);
      CHECK(found->side == known.side);
    }
    CHECK(subject::findLandmark(names, "channel101") == nullptr);
    CHECK(subject::findLandmark(names, "") == nullptr);
  }

  TEST_CASE("faults in a table say where they are and what would do") {
    CHECK(errorOf("") == "names.toml:1: landmark is missing: give at least one [[landmark]]");
    CHECK(errorOf("[[landmark]]\njoint = \"hipz\"\naliases = [\"A\"]") ==
          "names.toml:2: joint \"hipz\" is unknown; did you mean hips?");
    CHECK(errorOf("[[landmark]]\njoint = \"foot\"\naliases = [\"TOE\"]") ==
          "names.toml:3: aliases \"TOE\" is of a limb; write ? for its side");
    CHECK(errorOf("[[landmark]]\njoint = \"foot\"\naliases = [\"--\"]") ==
          "names.toml:3: aliases must not be empty");
  }
}
