#include "capture/calibrate/calibrate_hands.h"

#include <doctest/doctest.h>

#include <cmath>

#include "capture/calibrate/compare_subjects.h"
#include "tests/support/finger_body.h"
#include "tests/support/stage.h"
#include "tools/simulation/calibrated_subjects.h"

using namespace understudy;

namespace {

// The figure with ten markers on the fingers of each hand.
source::SimulatedStage makeHandStage() {
  std::vector<source::PerformerMotion> motions;
  motions.emplace_back(test::figureMotion());
  auto stage = source::SimulatedStage::create(
      {}, std::move(motions), test::assetSet("body53_fingers10"), camera::makeRingRig(8, 1, 240.0));
  REQUIRE(stage);
  return *std::move(stage);
}

}  // namespace

TEST_SUITE("calibrate/calibrate_hands") {
  TEST_CASE("bones of fingers and places of their markers are found from free motion") {
    const source::SimulatedStage stage = makeHandStage();
    const subject::Subject& truth = stage.subjects()[0];
    const subject::Subject start = simulation::makeTemplate(truth, {}, 3);
    auto found = calibrate::calibrateSubject(stage.rehearse(0, 15.0), start, {});
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
    double turned = 0.0;
    calibrate::takeFramesOf(truth, found->subject);
    for (const subject::Side side : {subject::Side::left, subject::Side::right}) {
      subject::HandJoints joints{};
      REQUIRE(subject::findHand(truth, side, joints));
      const auto root = static_cast<std::size_t>(joints[3]);
      const float dot = glm::dot(truth.skeleton.parent_from_joint[root].rotation,
                                 found->subject.skeleton.parent_from_joint[root].rotation);
      turned = std::max(turned, 2.0 * std::acos(std::min(1.0, std::abs(double(dot)))));
    }
    CHECK(turned < 0.12);
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

  TEST_CASE("bones of both hands take after each other") {
    const source::SimulatedStage stage = makeHandStage();
    file::MarkerClip clip = stage.rehearse(0, 15.0);
    subject::Subject start = stage.subjects()[0];
    subject::HandJoints left{}, right{};
    REQUIRE(subject::findHand(start, subject::Side::left, left));
    REQUIRE(subject::findHand(start, subject::Side::right, right));
    const auto difference = [&](const subject::Subject& subject) {
      double squares = 0.0;
      for (std::size_t i = 0; i < left.size(); ++i) {
        if (i % subject::kDigitJoints == 0) continue;
        const auto lengthOf = [&](int joint) {
          return static_cast<double>(glm::length(
              subject.skeleton.parent_from_joint[static_cast<std::size_t>(joint)].translation));
        };
        const double off = lengthOf(left[i]) - lengthOf(right[i]);
        squares += off * off;
      }
      return 1000.0 * std::sqrt(squares / 10.0);
    };
    for (const int joint : left)
      start.skeleton.parent_from_joint[static_cast<std::size_t>(joint)].translation *= 1.1f;
    auto found = calibrate::calibrateSubject(clip, start, {});
    REQUIRE_MESSAGE(found, (found ? "" : found.error().message));
    CAPTURE(difference(start));
    CHECK(difference(found->subject) < 0.75 * difference(start));
  }

  TEST_CASE("a hand whose frame is turned keeps its fingers where they are on it") {
    const subject::Subject truth = test::fingerBody(10);
    subject::Subject turned = truth;
    const auto hand = static_cast<int>(solve::makeHandModels(truth).front().joint);
    const glm::quat turn = glm::angleAxis(0.2f, glm::vec3(0.6f, 0.0f, 0.8f));
    for (subject::SubjectMarker& marker : turned.markers)
      if (marker.joint == hand) marker.offset_joint = turn * marker.offset_joint;
    for (std::size_t c = 0; c < truth.skeleton.size(); ++c) {
      if (truth.skeleton.parents[c] != hand) continue;
      math::RigidTransform& rest = turned.skeleton.parent_from_joint[c];
      rest = {turn * rest.rotation, turn * rest.translation};
    }
    calibrate::takeFramesOf(truth, turned);
    for (std::size_t j = 0; j < truth.skeleton.size(); ++j) {
      const math::RigidTransform &a = truth.skeleton.parent_from_joint[j],
                                 &b = turned.skeleton.parent_from_joint[j];
      CHECK(glm::distance(a.translation, b.translation) < 1e-5f);
      CHECK(std::abs(glm::dot(a.rotation, b.rotation)) > 0.99999f);
    }
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
