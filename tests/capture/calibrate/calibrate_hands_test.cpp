#include "capture/calibrate/calibrate_hands.h"

#include <doctest/doctest.h>

#include <cmath>

#include "capture/calibrate/compare_subjects.h"
#include "tests/support/finger_body.h"
#include "tests/support/stage.h"
#include "tools/simulation/calibrated_subjects.h"

using namespace understudy;

TEST_SUITE("calibrate/calibrate_hands") {
  TEST_CASE("bones of fingers and places of their markers are found from free motion") {
    const subject::MarkerSet set = test::assetSet("body53_fingers10");
    std::vector<source::PerformerMotion> motions;
    motions.emplace_back(test::figureMotion());
    auto stage = source::SimulatedStage::create({}, std::move(motions), set,
                                                camera::makeRingRig(8, 1, 240.0));
    REQUIRE(stage);
    const subject::Subject& truth = stage->subjects()[0];
    const subject::Subject start = simulation::makeTemplate(truth, {}, 3);
    auto found = calibrate::calibrateSubject(stage->rehearse(0, 15.0), start, {});
    REQUIRE_MESSAGE(found, (found ? "" : found.error().message));
    REQUIRE(found->subject.markers.size() == truth.markers.size());
    const auto rms = [&](const subject::Subject& subject) {
      double squares = 0.0, count = 0.0;
      for (std::size_t j = 0; j < truth.joints.size(); ++j) {
        if (truth.joints[j].motion != subject::JointMotion::hinge) continue;
        const double off =
            static_cast<double>(glm::length(subject.skeleton.parent_from_joint[j].translation) -
                                glm::length(truth.skeleton.parent_from_joint[j].translation));
        squares += off * off;
        count += 1.0;
      }
      return 1000.0 * std::sqrt(squares / count);
    };
    CAPTURE(rms(start));
    CHECK(rms(found->subject) < 2.5);
    CHECK(rms(found->subject) < rms(start));
    subject::HandJoints joints{};
    CHECK(subject::findHand(found->subject, subject::Side::left, joints));
    const auto fingers = std::count_if(
        found->sizes.begin(), found->sizes.end(), [&](const calibrate::CalibratedSize& size) {
          return size.kind == calibrate::SizeKind::bone &&
                 subject::isFingerJoint(truth, static_cast<int>(size.index));
        });
    CHECK(fingers == 20);
  }

  TEST_CASE("fingers that a recording does not show stay as they are, and that is said") {
    subject::Subject body = test::fingerBody(5);
    calibrate::SubjectCalibration result{.subject = body};
    const solve::SolveModel model = solve::makePlainSolveModel(subject::withoutFingers(body));
    calibrate::calibrateHands({.names = {"other"}, .rate_hz = 60.0, .frames = 0}, model, {},
                              result);
    CHECK(result.warnings.size() == 2);
    for (std::size_t m = 0; m < body.markers.size(); ++m)
      CHECK(result.subject.markers[m].offset_joint == body.markers[m].offset_joint);
  }
}
