#include "capture/source/true_hand.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/support/finger_body.h"
#include "tests/support/stage.h"

using namespace understudy;

namespace {

source::SimulatedStage fingerStage(const source::StageSettings& settings) {
  std::vector<source::PerformerMotion> motions;
  motions.emplace_back(test::figureMotion());
  auto stage = source::SimulatedStage::create(settings, std::move(motions),
                                              test::assetSet("body53_fingers10"),
                                              camera::makeRingRig(8, 1, 240.0));
  REQUIRE_MESSAGE(stage, (stage ? "" : stage.error().message));
  return *std::move(stage);
}

}  // namespace

TEST_SUITE("source/true_hand") {
  TEST_CASE("fingers move between shapes, never faster than fingers do") {
    source::Random random(1, 2);
    const source::FingerMotion motion(random);
    float reach = 0.0f, fastest = 0.0f;
    for (int f = 1; f < 4000; ++f) {
      const auto now = motion.at(f / 240.0), before = motion.at((f - 1) / 240.0);
      for (std::size_t i = 0; i < now.size(); ++i) {
        reach = std::max(reach, now[i].x);
        fastest = std::max(fastest, std::abs(now[i].x - before[i].x) * 240.0f);
      }
    }
    CHECK(reach > 1.4f);
    CHECK(fastest > 3.0f);
    CHECK(fastest < 25.0f);
  }

  TEST_CASE("performers have fingers where the set has markers for them, and only there") {
    const source::SimulatedStage with = fingerStage(test::perfectSettings());
    const subject::Subject& subject = with.subjects()[0];
    subject::HandJoints joints{};
    CHECK(subject::findHand(subject, subject::Side::left, joints));
    CHECK(subject::findHand(subject, subject::Side::right, joints));
    CHECK(subject.markers.size() == 73);
    CHECK(subject::bodyMarkerCount(subject) == 53);
    const source::SimulatedStage without = test::figureStage(test::perfectSettings());
    CHECK_FALSE(subject::findHand(without.subjects()[0], subject::Side::left, joints));
  }

  TEST_CASE("markers ride on the back of true fingers, as far from the bone as flesh is thick") {
    source::SimulatedStage stage = fingerStage(test::perfectSettings());
    const subject::Subject& subject = stage.subjects()[0];
    source::StageFrame frame = stage.makeFrame();
    for (int f = 0; f < 50; ++f) {
      stage.simulate(frame);
      const source::PerformerTruth& truth = frame.performers[0];
      for (std::size_t m = 53; m < subject.markers.size(); ++m) {
        const auto joint = static_cast<std::size_t>(subject.markers[m].joint);
        const glm::vec3 place =
            math::inverse(truth.world_from_joint[joint]) * truth.markers[m].position;
        const glm::vec3 inAxes =
            glm::conjugate(subject.joints[joint].joint_from_anatomical) * place;
        CHECK(inAxes.z < -0.006f);  // Away from the palm.
        CHECK(inAxes.z > -0.016f);
        CHECK(std::abs(inAxes.x) < 0.004f);
      }
    }
  }

  TEST_CASE("a rehearsal moves the same hands") {
    const source::SimulatedStage stage = fingerStage({.gaps = 0});
    const file::MarkerClip clip = stage.rehearse(0, 3.0);
    REQUIRE(clip.names.size() == 73);
    glm::vec3 least(1e9f), most(-1e9f);
    for (std::size_t f = 0; f < clip.frames; ++f) {
      const glm::vec3 between = clip.at(f, 56) - clip.at(f, 60);  // Index and ring fingers' nails.
      least = glm::min(least, between);
      most = glm::max(most, between);
    }
    CHECK(glm::distance(least, most) > 0.04f);
  }
}
