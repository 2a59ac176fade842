#include "capture/subject/marker_set.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "capture/subject/fingers.h"
#include "tests/support/text.h"

using namespace understudy;

namespace {

using test::has;

std::string errorOf(const std::string& toml) {
  return test::errorOf(subject::parseMarkerSet(toml, "set.toml"));
}

const std::string kMarker =
    "[[marker]]\nname = \"A\"\njoint = \"hips\"\nalong = 0.5\naround_deg = 10\n";

}  // namespace

TEST_SUITE("subject/marker_set") {
  TEST_CASE("the body set has 53 markers, enough on every segment, left unlike right") {
    const auto set = subject::loadMarkerSet(std::string(UNDERSTUDY_SOURCE_DIR) +
                                            "/assets/markersets/body53.toml");
    REQUIRE_MESSAGE(set, (set ? "" : set.error().message));
    CHECK(set->markers.size() == 53);
    CHECK(set->marker_radius == doctest::Approx(0.007f));
    std::map<anim::HumanoidJoint, int> of;
    for (const subject::MarkerPlace& marker : set->markers) ++of[marker.joint];
    using enum anim::HumanoidJoint;
    for (const auto joint : {hips, upper_chest, head}) CHECK(of[joint] >= 4);
    for (const auto joint :
         {left_upper_arm, right_upper_arm, left_lower_arm, right_lower_arm, left_upper_leg,
          right_upper_leg, left_lower_leg, right_lower_leg, left_foot, right_foot}) {
      CHECK(of[joint] >= 3);
    }
    for (const auto joint : {left_hand, right_hand}) CHECK(of[joint] >= 2);
    for (const auto joint : {left_toes, right_toes}) CHECK(of[joint] >= 1);
    int unlike = 0;
    for (const subject::MarkerPlace& left : set->markers) {
      for (const subject::MarkerPlace& right : set->markers) {
        if (left.name[0] != 'L' || right.name != "R" + left.name.substr(1)) continue;
        if (left.along != right.along || left.around_deg != right.around_deg) ++unlike;
      }
    }
    CHECK(unlike >= 10);
  }

  TEST_CASE(
      "a set may extend others: a body's markers come first, those of its fingers behind them") {
    for (const std::string body : {"body53", "front_waist53"}) {
      for (const std::size_t fingers : {3u, 5u, 10u}) {
        const std::string name = body + "_fingers" + std::to_string(fingers);
        const auto set = subject::loadMarkerSet(std::string(UNDERSTUDY_SOURCE_DIR) +
                                                "/assets/markersets/" + name + ".toml");
        REQUIRE_MESSAGE(set, (set ? "" : set.error().message));
        CHECK(set->name == name);
        REQUIRE(set->markers.size() == 53 + 2 * fingers);
        for (std::size_t m = 0; m < set->markers.size(); ++m)
          CHECK(subject::isFinger(set->markers[m].joint) == (m >= 53));
        CHECK(set->markers.back().radius == doctest::Approx(0.003f));
        CHECK(set->markers.front().radius == 0.0f);
      }
    }
  }

  TEST_CASE("sets that extend what is not there or what they cannot are errors") {
    CHECK(has(errorOf("name = \"x\"\nextends = [\"body53.toml\"]\n"), "cannot be found"));
    const auto folder = std::filesystem::temp_directory_path() / "understudy_marker_sets";
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "one.toml") << "name = \"one\"\n" << kMarker;
    std::ofstream(folder / "twice.toml") << "name = \"twice\"\nextends = [\"one.toml\"]\n"
                                         << kMarker;
    std::ofstream(folder / "absent.toml") << "name = \"absent\"\nextends = [\"none.toml\"]\n";
    const auto messageOf = [&](const char* file) {
      const auto set = subject::loadMarkerSet(folder / file);
      return set ? std::string("no error") : set.error().message;
    };
    CHECK(messageOf("one.toml") == "no error");
    CHECK(has(messageOf("twice.toml"), "used twice"));
    CHECK(has(messageOf("absent.toml"), "none.toml"));
    std::filesystem::remove_all(folder);
  }

  TEST_CASE("every error names file, line and reason") {
    const std::string head = "name = \"x\"\n";
    CHECK(errorOf(head + kMarker) == "no error");
    CHECK(has(errorOf(head), "at least one [[marker]]"));
    CHECK(errorOf(head + kMarker + "wobble = 1\n") == "set.toml:7: unknown key wobble; remove it");
    CHECK(has(errorOf(head + kMarker + "skn = \"bone\"\n"), "did you mean skin?"));
    CHECK(has(errorOf(head + kMarker + "skin = \"fur\"\n"), "bone, joint or muscle"));
    CHECK(has(errorOf(head + kMarker + kMarker), "used twice"));
    std::string wrong = kMarker;
    wrong.replace(wrong.find("hips"), 4, "left_uper_arm");
    CHECK(has(errorOf(head + wrong), "did you mean left_upper_arm?"));
    wrong = kMarker;
    wrong.replace(wrong.find("0.5"), 3, "nan");
    CHECK(has(errorOf(head + wrong), "set.toml:5: along"));
  }
}
