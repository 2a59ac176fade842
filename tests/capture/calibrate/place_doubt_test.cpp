#include "capture/calibrate/place_doubt.h"

#include <doctest/doctest.h>

#include "capture/calibrate/compare_subjects.h"
#include "capture/subject/fingers.h"
#include "tests/support/finger_body.h"
#include "tests/support/stage.h"
#include "tools/recorded/solve_recording.h"
#include "tools/simulation/calibrated_subjects.h"

using namespace understudy;

namespace {

// Squared errors of joints against what calibration says of them, of the body and of fingers.
struct Errors {
  double body = 0, body_count = 0, fingers = 0, finger_count = 0;
};

source::SimulatedStage makeStage(std::uint64_t seed) {
  std::vector<source::PerformerMotion> motions;
  motions.emplace_back(test::figureMotion());
  auto stage = source::SimulatedStage::create({.seed = seed}, std::move(motions),
                                              test::assetSet("body53_fingers10"),
                                              camera::makeRingRig(2, 1, 60.0));
  REQUIRE(stage);
  return *std::move(stage);
}

// What the performer's markers show, without noise, and where its joints are.
void perform(source::SimulatedStage& stage, file::MarkerClip& clip,
             std::vector<std::vector<math::RigidTransform>>& truth) {
  source::StageFrame frame = stage.makeFrame();
  for (const subject::SubjectMarker& marker : stage.subjects()[0].markers)
    clip.names.push_back(marker.name);
  clip.rate_hz = 60.0;
  for (clip.frames = 0; clip.frames < 240; ++clip.frames) {
    stage.simulate(frame);
    for (const source::MarkerTruth& marker : frame.performers[0].markers)
      clip.positions.push_back(marker.position);
    truth.push_back(frame.performers[0].world_from_joint);
  }
}

void addErrors(std::uint64_t seed, Errors& errors) {
  source::SimulatedStage stage = makeStage(seed);
  const subject::Subject& truth = stage.subjects()[0];
  auto found = calibrate::calibrateSubject(stage.rehearse(0, 15.0),
                                           simulation::makeTemplate(truth, {}, seed), {});
  REQUIRE_MESSAGE(found, (found ? "" : found.error().message));
  calibrate::takeFramesOf(truth, found->subject);
  file::MarkerClip clip;
  std::vector<std::vector<math::RigidTransform>> places;
  perform(stage, clip, places);
  const recorded::RecordedMotion motion = recorded::solveRecording(found->subject, clip, {});
  for (std::size_t f = 60; f < clip.frames; f += 6) {
    if (motion.world_from_joint[f].empty()) continue;
    for (std::size_t j = 0; j < truth.joints.size(); ++j) {
      const double sigma = static_cast<double>(found->subject.joints[j].place_sigma);
      const bool is_finger = subject::isFingerJoint(truth, static_cast<int>(j));
      if (!(sigma > 0.0) || (!is_finger && truth.joints[j].motion != subject::JointMotion::ball))
        continue;
      const glm::dvec3 off =
          motion.world_from_joint[f][j].translation - glm::dvec3(places[f][j].translation);
      (is_finger ? errors.fingers : errors.body) += glm::dot(off, off) / (3.0 * sigma * sigma);
      (is_finger ? errors.finger_count : errors.body_count) += 1.0;
    }
  }
}

}  // namespace

TEST_SUITE("calibrate/place_doubt") {
  TEST_CASE("joints of calibrated performers are as far off as is said, and fingers are") {
    Errors errors;
    for (const std::uint64_t seed : {3, 4, 5}) addErrors(seed, errors);
    REQUIRE(errors.finger_count > 1000.0);
    const double body = errors.body / errors.body_count;
    const double fingers = errors.fingers / errors.finger_count;
    CAPTURE(body);
    CAPTURE(fingers);
    CHECK(body > 0.3);
    CHECK(body < 2.0);
    CHECK(fingers > 0.3);
    CHECK(fingers < 2.5);
  }
}
