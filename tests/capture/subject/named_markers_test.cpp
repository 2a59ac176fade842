#include "capture/subject/named_markers.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

#include "capture/file/marker_file.h"
#include "capture/subject/static_fit.h"
#include "tests/support/shared_data.h"

using namespace understudy;

namespace {

subject::MarkerSet loadSet(const std::string& name) {
  auto set = subject::loadMarkerSet(std::string(UNDERSTUDY_SOURCE_DIR) + "/assets/markersets/" +
                                    name + ".toml");
  REQUIRE_MESSAGE(set, (set ? "" : set.error().message));
  return *set;
}

subject::LandmarkNames generalNames() {
  auto names = subject::loadLandmarkNames(std::string(UNDERSTUDY_SOURCE_DIR) +
                                          "/assets/markersets/landmarks.toml");
  REQUIRE(names);
  return *names;
}

file::MarkerClip clipOf(std::vector<std::string> names) {
  file::MarkerClip clip{.names = std::move(names), .rate_hz = 100, .frames = 1};
  for (std::size_t m = 0; m < clip.names.size(); ++m)
    clip.positions.emplace_back(float(m), 0.0f, 0.0f);
  return clip;
}

struct KnownSet {
  const char* name;
  std::size_t markers;
};
constexpr KnownSet kSets[] = {{"front_waist53", 53}, {"plug_in_gait39", 39}, {"optitrack37", 37},
                              {"optitrack41", 41},   {"cmu41", 41},          {"body53", 53}};

}  // namespace

TEST_SUITE("subject/named_markers") {
  TEST_CASE("the common sets have their markers, no name twice, and say where a body is") {
    for (const KnownSet& known : kSets) {
      CAPTURE(known.name);
      const subject::MarkerSet set = loadSet(known.name);
      CHECK(set.name == known.name);
      CHECK(set.markers.size() == known.markers);
      std::set<std::string> names;
      for (const subject::MarkerPlace& place : set.markers) {
        CHECK(names.insert(subject::plainName(place.name)).second);
      }
      for (const subject::MarkerPlace& place : set.markers) {
        for (const std::string& alias : place.aliases) {
          CAPTURE(alias);
          CHECK(names.insert(subject::plainName(alias)).second);
        }
      }
      const subject::LandmarkNames landmarks = subject::landmarkNames(set, generalNames());
      int points[int(subject::BodyPoint::count)][3] = {};
      for (const auto& alias : landmarks.aliases)
        ++points[int(alias.landmark.point)][int(alias.landmark.side)];
      for (const subject::BodyPoint point :
           {subject::BodyPoint::front_waist, subject::BodyPoint::back_waist,
            subject::BodyPoint::knee, subject::BodyPoint::ankle, subject::BodyPoint::elbow}) {
        CAPTURE(subject::bodyPointName(point));
        CHECK(points[int(point)][int(subject::BodySide::left)] > 0);
        CHECK(points[int(point)][int(subject::BodySide::left)] ==
              points[int(point)][int(subject::BodySide::right)]);
      }
    }
  }

  TEST_CASE("aliases, prefixes, case and separators are seen through") {
    const subject::MarkerSet set = loadSet("plug_in_gait39");
    const auto named = subject::nameMarkers(
        clipOf({"Anna:lasis", "Anna:R_ASI", "Anna:LKNE", "Anna:Sword1", "Anna:LKNEE"}), set);
    REQUIRE(named);
    CHECK(named->clip.names == std::vector<std::string>{"LASI", "RASI", "LKNE"});
    CHECK(named->clip.positions[2].x == 2.0f);
    CHECK(named->left_out == std::vector<std::string>{"Anna:Sword1", "Anna:LKNEE"});
    CHECK(named->not_found.size() == 36);
    CHECK(set.markers[named->place[2]].name == "LKNE");
    const auto shared = subject::nameMarkers(clipOf({"Take3_LKNE", "Take3_RKNE", "Take3_C7"}), set);
    REQUIRE(shared);
    CHECK(shared->clip.names.size() == 3);
  }

  TEST_CASE("names of nobody are refused, and both lists are shown") {
    const auto named = subject::nameMarkers(clipOf({"alpha", "beta"}), loadSet("plug_in_gait39"));
    REQUIRE_FALSE(named);
    CHECK(named.error().message.find("alpha, beta") != std::string::npos);
    CHECK(named.error().message.find("LFHD") != std::string::npos);
    CHECK_FALSE(subject::nameMarkers({}, loadSet("cmu41")));
  }

  TEST_CASE("real recordings are bodies under their set") {
    struct Recording {
      const char *file, *set;
      std::size_t markers;
    };
    for (const Recording& recording :
         {Recording{"c3d/nimble/data/c3d/nick_freeform_001.c3d", "front_waist53", 52},
          Recording{"c3d/nimble/data/c3d/cmu_02_05.c3d", "cmu41", 41},
          Recording{"c3d/pycgm/Test_Files/Movement_trial.c3d", "plug_in_gait39", 39}}) {
      const auto path = test::sharedData(recording.file);
      if (!path) continue;
      CAPTURE(recording.file);
      const auto clip = file::loadMarkerClip(*path);
      REQUIRE(clip);
      const subject::MarkerSet set = loadSet(recording.set);
      const auto named = subject::nameMarkers(*clip, set);
      REQUIRE(named);
      CHECK(named->clip.names.size() == recording.markers);
      const auto fit =
          subject::fitSubject(named->clip, {.names = subject::landmarkNames(set, generalNames())});
      REQUIRE(fit);
      CHECK(fit->kind == subject::StaticFitKind::body);
    }
  }
}
