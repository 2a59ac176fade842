#include "capture/calibrate/calibrate_subject.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>

#include "capture/calibrate/compare_subjects.h"
#include "capture/subject/subject_file.h"
#include "tests/support/stage.h"
#include "tests/support/text.h"
#include "tools/simulation/calibrated_subjects.h"

using namespace understudy;

namespace {

using test::has;

struct Errors {
  double bone = 0, offset = 0;  // RMS of what is observed, metres.
};

Errors errorsOf(const subject::Subject& truth, calibrate::SubjectCalibration calibration) {
  calibrate::takeFramesOf(truth, calibration.subject);
  const calibrate::SubjectErrors found = calibrate::compareSubjects(truth, calibration.subject);
  double squares[2] = {}, count[2] = {};
  for (const calibrate::CalibratedSize& size : calibration.sizes) {
    if (!size.observed) continue;
    const bool bone = size.kind == calibrate::SizeKind::bone;
    const double error = bone ? found.bone[size.index] : found.marker[size.index];
    squares[bone] += error * error;
    count[bone] += 1;
  }
  return {std::sqrt(squares[1] / count[1]), std::sqrt(squares[0] / count[0])};
}

calibrate::SubjectCalibration calibrated(const file::MarkerClip& clip,
                                         const subject::Subject& initial,
                                         const calibrate::CalibrateSettings& settings = {}) {
  auto result = calibrate::calibrateSubject(clip, initial, settings);
  REQUIRE_MESSAGE(result, (result ? "" : result.error().message));
  return *std::move(result);
}

std::string errorOf(const file::MarkerClip& clip, const subject::Subject& initial,
                    const calibrate::CalibrateSettings& settings = {}) {
  const auto result = calibrate::calibrateSubject(clip, initial, settings);
  return result ? "no error" : result.error().message;
}

}  // namespace

TEST_SUITE("calibrate/calibrate_subject") {
  TEST_CASE("without skin motion, what the motion shows is found to two millimetres") {
    const source::SimulatedStage stage = test::figureStage(test::perfectSettings());
    const subject::Subject& truth = stage.subjects()[0];
    const subject::Subject start = simulation::makeTemplate(truth, {}, 3);
    const auto result = calibrated(stage.rehearse(0, 15.0), start);
    CHECK(result.observedShare() > 0.8);
    CHECK(result.rms_after < 0.001);
    const Errors errors = errorsOf(truth, result);
    CHECK(errors.bone < 0.0025);
    CHECK(errors.offset < 0.0025);
    CHECK(subject::check(result.subject, "here"));
  }

  TEST_CASE("15 s of motion with skin and gaps give bones and offsets within 3 mm") {
    for (const std::uint64_t seed : {1, 2}) {
      const source::SimulatedStage stage = test::figureStage({.seed = seed});
      const subject::Subject& truth = stage.subjects()[0];
      const auto result =
          calibrated(stage.rehearse(0, 15.0), simulation::makeTemplate(truth, {}, seed),
                     {.skin_share = simulation::slideShares(truth, test::bodySet())});
      CHECK(result.observedShare() > 0.8);
      CHECK(result.dropped > 0);
      const Errors errors = errorsOf(truth, result);
      CHECK(errors.bone < 0.003);
      CHECK(errors.offset < 0.003);
    }
  }

  TEST_CASE("any number of threads gives the same bytes") {
    const source::SimulatedStage stage = test::figureStage({});
    const file::MarkerClip clip = stage.rehearse(0, 8.0);
    const subject::Subject start = simulation::makeTemplate(stage.subjects()[0], {}, 1);
    const auto one = calibrated(clip, start, {.frames = 40, .threads = 1});
    for (const std::size_t threads : {2u, 5u}) {
      const auto other = calibrated(clip, start, {.frames = 40, .threads = threads});
      CHECK(subject::formatSubject(one.subject) == subject::formatSubject(other.subject));
      CHECK(one.sizes[3].sigma == other.sizes[3].sigma);
    }
  }

  TEST_CASE("who stands still shows nothing, and is told what to do") {
    const source::SimulatedStage stage = test::figureStage({});
    file::MarkerClip clip = stage.rehearse(0, 2.0);
    for (std::size_t f = 1; f < clip.frames; ++f)
      for (std::size_t m = 0; m < clip.names.size(); ++m)
        clip.positions[f * clip.names.size() + m] = clip.at(0, m);
    const auto result = calibrated(clip, simulation::makeTemplate(stage.subjects()[0], {}, 1));
    CHECK(result.observedShare() < 0.3);
    for (const calibrate::CalibratedSize& size : result.sizes) {
      CAPTURE(size.name);
      CHECK(size.observed == size.hint.empty());
      CHECK(std::isfinite(size.sigma));
    }
  }

  TEST_CASE("markers that are never seen stay where they were, and are spoken of") {
    const source::SimulatedStage stage = test::figureStage({});
    file::MarkerClip clip = stage.rehearse(0, 8.0);
    const subject::Subject start = simulation::makeTemplate(stage.subjects()[0], {}, 1);
    for (std::size_t f = 0; f < clip.frames; ++f)
      clip.positions[f * clip.names.size() + 5] =
          glm::vec3(std::numeric_limits<float>::quiet_NaN());
    const auto result = calibrated(clip, start);
    CHECK(result.subject.markers[5].offset_joint == start.markers[5].offset_joint);
    REQUIRE(result.warnings.size() == 1);
    CHECK(has(result.warnings[0], "1 of 53 markers"));
    CHECK(result.sizes.back().index == 52);
  }

  TEST_CASE("what cannot be calibrated is refused with one line") {
    const source::SimulatedStage stage = test::figureStage({});
    const file::MarkerClip clip = stage.rehearse(0, 1.0);
    const subject::Subject& truth = stage.subjects()[0];
    subject::Subject other = truth;
    for (subject::SubjectMarker& marker : other.markers) marker.name += "_x";
    CHECK(has(errorOf(clip, other), "no marker name matches"));
    other.markers.resize(2);
    CHECK(has(errorOf(clip, other), "has 2 markers"));
    other = truth;
    for (std::size_t m = 3; m < other.markers.size(); ++m) other.markers[m].name += "_x";
    CHECK(has(errorOf(clip, other), "only 3 of the subject's 53 markers"));
    file::MarkerClip cut = clip;
    cut.positions.resize(100);
    CHECK(has(errorOf(cut, truth), "do not fit"));
    CHECK(has(errorOf({}, truth), "no labelled marker"));
    CHECK(has(errorOf(clip, {}), "no joints"));
    file::MarkerClip short_clip = clip;
    short_clip.frames = 5;
    short_clip.positions.resize(5 * clip.names.size());
    CHECK(has(errorOf(short_clip, truth), "only 5 frames"));
    for (const float scale : {0.01f, 1000.0f}) {
      file::MarkerClip scaled = clip;
      for (glm::vec3& position : scaled.positions) position *= scale;
      CHECK(has(errorOf(scaled, truth), "which no body does; check the unit"));
    }
    file::MarkerClip shuffled = clip;
    std::mt19937 random(5);
    std::shuffle(shuffled.positions.begin(), shuffled.positions.end(), random);
    CHECK(has(errorOf(shuffled, truth), "do not carry the names of their places"));
    CHECK(has(errorOf(clip, truth, {.drop_share = 0.9}), "drop_share"));
    CHECK(has(errorOf(clip, truth, {.threads = 0}), "threads"));
  }

  TEST_CASE("wild places do not get through") {
    const source::SimulatedStage stage = test::figureStage({});
    file::MarkerClip clip = stage.rehearse(0, 4.0);
    const std::size_t markers = clip.names.size();
    for (std::size_t i = 0; i < clip.positions.size(); i += 7)
      clip.positions[i] = i % 3 == 0 ? glm::vec3(std::numeric_limits<float>::infinity())
                                     : glm::vec3(1e30f, -1e30f, float(i % markers));
    const auto result =
        calibrated(clip, simulation::makeTemplate(stage.subjects()[0], {}, 1), {.frames = 40});
    CHECK(subject::check(result.subject, "here"));
  }
}

TEST_SUITE("calibrate/compare_subjects") {
  TEST_CASE("turned frames of joints are no error") {
    const source::SimulatedStage stage = test::figureStage({});
    const subject::Subject& truth = stage.subjects()[0];
    subject::Subject turned = truth;
    for (std::size_t j = 0; j < truth.skeleton.size(); ++j) {
      if (truth.joints[j].motion == subject::JointMotion::fixed) continue;
      const glm::quat turn = glm::angleAxis(0.1f + 0.01f * float(j), glm::vec3(0.6f, 0.0f, 0.8f));
      for (subject::SubjectMarker& marker : turned.markers)
        if (marker.joint == int(j)) marker.offset_joint = turn * marker.offset_joint;
      for (std::size_t c = 0; c < truth.skeleton.size(); ++c)
        if (truth.skeleton.parents[c] == int(j)) {
          glm::vec3& place = turned.skeleton.parent_from_joint[c].translation;
          place = turn * place;
        }
    }
    CHECK(calibrate::compareSubjects(truth, turned).marker[3] > 0.005);
    calibrate::takeFramesOf(truth, turned);
    const calibrate::SubjectErrors errors = calibrate::compareSubjects(truth, turned);
    for (const double error : errors.marker) CHECK(error < 1e-5);
    for (const double error : errors.place) CHECK(error < 1e-5);
  }
}
