#include "tools/scoring/held_out.h"

#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "tests/tools/scoring/scorer_fixture.h"

using namespace understudy;

TEST_SUITE("scoring/held_out") {
  TEST_CASE("a tenth of the markers is kept back, from all over the body, and seeds differ") {
    const source::SimulatedStage stage = test::figureStage(test::perfectSettings());
    const subject::Subject& subject = stage.subjects()[0];
    std::set<std::size_t> all;
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
      const std::vector<std::size_t> chosen = scoring::chooseHeldOut(subject, seed);
      CHECK((chosen.size() == 5 || chosen.size() == 6));
      std::set<int> joints;
      for (const std::size_t m : chosen) {
        joints.insert(subject.markers[m].joint);
        CHECK(all.insert(m).second);
      }
      CHECK(joints.size() == chosen.size());
      const subject::Subject rest = scoring::withoutMarkers(subject, chosen);
      CHECK(rest.markers.size() + chosen.size() == subject.markers.size());
      for (const subject::SubjectMarker& marker : rest.markers) {
        for (const std::size_t m : chosen) CHECK(marker.name != subject.markers[m].name);
      }
    }
    CHECK(all.size() == subject.markers.size());  // Ten seeds hold every marker out once.
  }

  TEST_CASE("a pose d millimetres off puts held-out markers d millimetres off") {
    test::ScorerFixture test;
    scoring::HeldOutScore score(test.subjects(), {scoring::chooseHeldOut(test.subjects()[0], 1)});
    CHECK(std::isnan(score.rmsMm()));
    for (int f = 0; f < 20; ++f) {
      test.stage.simulate(test.frame);
      scoring::CaptureRecord record = test::perfectRecord(test.frame, test.subjects());
      record.poses[0].parent_from_joint[0].translation.y += 0.0123f;
      if (f == 5) {
        record.poses[0].tracked = false;  // Not counted, however far off.
        record.poses[0].parent_from_joint[0].translation.y += 5.0f;
      }
      score.add(test.frame, record.poses);
    }
    CHECK(score.rmsMm() == doctest::Approx(12.3).epsilon(1e-3));
  }
}
