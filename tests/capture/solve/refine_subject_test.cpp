#include "capture/solve/refine_subject.h"

#include <random>

#include "tests/support/marker_clips.h"

using namespace understudy;

TEST_SUITE("solve/refine_subject") {
  TEST_CASE("wrong offsets and bones are brought back to what the recording shows") {
    const test::RecordedFigure figure = test::recordFigure(120);
    subject::Subject wrong = figure.subject;
    std::mt19937 random(7);
    std::uniform_real_distribution<float> off(-0.01f, 0.01f);
    for (subject::SubjectMarker& marker : wrong.markers) {
      marker.offset_joint += glm::vec3(off(random), off(random), off(random));
    }
    for (std::size_t j = 1; j < wrong.skeleton.size(); ++j) {
      wrong.skeleton.parent_from_joint[j].translation +=
          glm::vec3(off(random), off(random), off(random));
    }
    const solve::RefineReport report = solve::refineSubject(figure.clip, {}, wrong);
    CHECK(report.frames == 120);
    CHECK(report.rms_before > 0.003);
    CHECK(report.rms_after < 0.35 * report.rms_before);
  }

  TEST_CASE("a true subject is left as it is") {
    const test::RecordedFigure figure = test::recordFigure(60);
    subject::Subject subject = figure.subject;
    const solve::RefineReport report = solve::refineSubject(figure.clip, {}, subject);
    CHECK(report.rms_after < 0.001);
    for (std::size_t m = 0; m < subject.markers.size(); ++m) {
      CHECK(glm::distance(subject.markers[m].offset_joint, figure.subject.markers[m].offset_joint) <
            0.003f);
    }
  }

  TEST_CASE("labels that are wrong for a while have no say") {
    const test::RecordedFigure figure = test::recordFigure(120);
    file::MarkerClip clip = figure.clip;
    for (std::size_t f = 80; f < 120; ++f) {  // Head and knee exchanged.
      std::swap(clip.positions[f * clip.names.size()], clip.positions[f * clip.names.size() + 30]);
    }
    subject::Subject subject = figure.subject;
    const solve::RefineReport report = solve::refineSubject(clip, {}, subject);
    CHECK(report.rms_after < 0.002);
    CHECK(glm::distance(subject.markers[0].offset_joint, figure.subject.markers[0].offset_joint) <
          0.005f);
  }

  TEST_CASE("a recording where nothing is seen changes nothing") {
    const test::RecordedFigure figure = test::recordFigure(2);
    subject::Subject subject = figure.subject;
    const solve::RefineReport report =
        solve::refineSubject(test::emptyClip(subject.markers.size(), 5), {}, subject);
    CHECK(report.frames == 0);
    CHECK(subject.markers[0].offset_joint == figure.subject.markers[0].offset_joint);
  }
}
