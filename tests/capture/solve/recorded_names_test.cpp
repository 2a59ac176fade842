#include "capture/solve/recorded_names.h"

#include "tests/support/marker_clips.h"

using namespace understudy;

TEST_SUITE("solve/recorded_names") {
  TEST_CASE("names that hold are left alone") {
    const test::RecordedFigure figure = test::recordFigure(60);
    CHECK(solve::checkRecordedNames(figure.clip, {}, figure.subject).changes.empty());
  }

  TEST_CASE("two names that are exchanged from a frame on are found there, and put right") {
    const test::RecordedFigure figure = test::recordFigure(120);
    file::MarkerClip clip = figure.clip;
    const std::size_t markers = clip.names.size(), first = 0, second = 30;
    for (std::size_t f = 80; f < 120; ++f) {
      std::swap(clip.positions[f * markers + first], clip.positions[f * markers + second]);
    }
    const solve::RecordedNames names = solve::checkRecordedNames(clip, {}, figure.subject);
    REQUIRE(names.changes.size() == 2);
    CHECK(names.changes[0].first_frame == 80);
    CHECK(names.changes[0].last_frame == 119);
    CHECK(names.really[100 * markers + first] == second);
    CHECK(names.really[79 * markers + first] == first);
    const file::MarkerClip renamed = solve::renameMarkers(clip, names);
    CHECK(renamed.at(100, first) == figure.clip.at(100, first));
    CHECK(renamed.at(100, second) == figure.clip.at(100, second));
  }
}
