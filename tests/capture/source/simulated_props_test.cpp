#include "capture/source/simulated_props.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "capture/subject/pattern_check.h"
#include "capture/subject/prop.h"
#include "tests/support/stage.h"

using namespace understudy;
using source::PropKind;
using source::SimulatedStage;

namespace {

constexpr std::size_t kKinds = static_cast<std::size_t>(PropKind::count);

double turnDegrees(const glm::quat& a, const glm::quat& b) {
  const glm::quat turn = glm::conjugate(a) * b;
  return glm::degrees(
      2.0 * std::atan2(glm::length(glm::dvec3(turn.x, turn.y, turn.z)), std::abs(turn.w)));
}

// World poses of every prop of a stage, frame by frame.
std::vector<std::vector<math::RigidTransform>> posesOf(SimulatedStage& stage, int frames) {
  std::vector<std::vector<math::RigidTransform>> poses(stage.settings().props);
  source::StageFrame frame = stage.makeFrame();
  for (int f = 0; f < frames; ++f) {
    stage.simulate(frame);
    for (std::size_t p = 0; p < poses.size(); ++p) {
      poses[p].push_back(frame.performers[stage.settings().actors + p].world_from_joint[0]);
    }
  }
  return poses;
}

}  // namespace

TEST_SUITE("source/simulated_props") {
  TEST_CASE("props stand behind the performers, each a prop with markers that ride on it") {
    SimulatedStage stage = test::figureStage({.actors = 2, .props = kKinds});
    REQUIRE(stage.subjects().size() == 2 + kKinds);
    CHECK(stage.subjects()[2].name == "sword_1");
    source::StageFrame frame = stage.makeFrame();
    for (int f = 0; f < 100; ++f) {
      stage.simulate(frame);
      REQUIRE(frame.performers.size() == 2 + kKinds);
      for (std::size_t p = 2; p < frame.performers.size(); ++p) {
        const subject::Subject& prop = stage.subjects()[p];
        const source::PerformerTruth& truth = frame.performers[p];
        REQUIRE(subject::checkProp(prop, "here"));
        for (std::size_t m = 0; m < prop.markers.size(); ++m) {
          const glm::vec3 place = truth.world_from_joint[0] * prop.markers[m].offset_joint;
          CHECK(glm::distance(place, truth.markers[m].position) < 1e-5f);
        }
      }
    }
  }

  TEST_CASE("no two patterns can be confused, for any seed") {
    for (const std::uint64_t seed : {1, 2, 3}) {
      CAPTURE(seed);
      const SimulatedStage stage = test::figureStage({.props = 8, .seed = seed});
      CHECK(subject::findConfusions(stage.subjects(), {}).empty());
    }
  }

  TEST_CASE("props do not change what performers do") {
    SimulatedStage with = test::figureStage({.props = 3}), without = test::figureStage({});
    source::StageFrame a = with.makeFrame(), b = without.makeFrame();
    for (int f = 0; f < 50; ++f) {
      with.simulate(a);
      without.simulate(b);
      for (std::size_t m = 0; m < b.performers[0].markers.size(); ++m) {
        CHECK(a.performers[0].markers[m].position == b.performers[0].markers[m].position);
        CHECK(a.performers[0].markers[m].dropped == b.performers[0].markers[m].dropped);
      }
    }
  }

  TEST_CASE("nothing leaps: each frame follows from the one before") {
    SimulatedStage stage = test::figureStage({.props = kKinds});
    const auto poses = posesOf(stage, 2400);
    for (const PropKind kind : {PropKind::ball, PropKind::box, PropKind::staff}) {
      const auto p = static_cast<std::size_t>(kind);  // The others go where a hand goes.
      CAPTURE(p);
      for (std::size_t f = 2; f < poses[p].size(); ++f) {
        const glm::vec3 step = poses[p][f].translation - poses[p][f - 1].translation;
        const glm::vec3 before = poses[p][f - 1].translation - poses[p][f - 2].translation;
        // Under 150 m/s^2.
        REQUIRE(glm::length(step - before) < 150.0f / (240.0f * 240.0f));
        REQUIRE(turnDegrees(poses[p][f - 1].rotation, poses[p][f].rotation) < 1200.0 / 240.0);
      }
    }
  }

  TEST_CASE("a sword stays in the hand and cuts fast now and then") {
    SimulatedStage stage = test::figureStage({.props = 1});
    const int hand = stage.subjects()[0].humanoid[anim::HumanoidJoint::right_hand];
    source::StageFrame frame = stage.makeFrame();
    glm::vec3 low(1e9f), high(-1e9f);
    glm::quat before = glm::identity<glm::quat>();
    double fastest = 0.0;
    for (int f = 0; f < 1200; ++f) {
      stage.simulate(frame);
      const math::RigidTransform hand_from_prop =
          inverse(frame.performers[0].world_from_joint[static_cast<std::size_t>(hand)]) *
          frame.performers[1].world_from_joint[0];
      low = glm::min(low, hand_from_prop.translation);
      high = glm::max(high, hand_from_prop.translation);
      if (f > 0) {
        fastest = std::max(fastest, 240.0 * turnDegrees(before, hand_from_prop.rotation));
      }
      before = hand_from_prop.rotation;
    }
    CHECK(glm::length(high - low) > 0.002f);
    CHECK(glm::length(high - low) < 0.012f);
    CHECK(fastest > 600.0);
  }

  TEST_CASE("a ball falls as balls do and spins") {
    SimulatedStage stage = test::figureStage({.props = 2});
    const auto poses = posesOf(stage, 1200)[1];
    int falling = 0;
    double spin = 0.0, low = 1e9, high = 0.0;
    for (std::size_t f = 2; f < poses.size(); ++f) {
      const double acceleration =
          240.0 * 240.0 *
          static_cast<double>(poses[f].translation.y - 2.0f * poses[f - 1].translation.y +
                              poses[f - 2].translation.y);
      falling += std::abs(acceleration + 9.81) < 0.5 ? 1 : 0;
      spin = std::max(spin, 240.0 * turnDegrees(poses[f - 1].rotation, poses[f].rotation));
      low = std::min(low, static_cast<double>(poses[f].translation.y));
      high = std::max(high, static_cast<double>(poses[f].translation.y));
    }
    CHECK(falling > 600);
    CHECK(spin > 500.0);
    CHECK(low > 0.12);
    CHECK(high < 2.6);
  }

  TEST_CASE("a box stands still most of the time, and everything does with --still") {
    SimulatedStage stage = test::figureStage({.props = 3});
    const auto poses = posesOf(stage, 2400)[2];
    int moving = 0;
    for (std::size_t f = 1; f < poses.size(); ++f) {
      moving += glm::distance(poses[f].translation, poses[f - 1].translation) > 1e-6f ? 1 : 0;
    }
    CHECK(moving > 240);
    CHECK(moving < 1200);
    SimulatedStage still = test::figureStage({.props = kKinds, .still = true});
    for (const auto& prop : posesOf(still, 20)) {
      for (const math::RigidTransform& pose : prop) CHECK(pose == prop[0]);
    }
  }

  TEST_CASE("a prop hides its own far side, and bodies hide props") {
    source::StageSettings settings = test::perfectSettings();
    settings.props = 2;
    settings.body_occlusion = true;
    SimulatedStage stage = test::figureStage(settings);
    source::StageFrame frame = stage.makeFrame();
    double views = 0, frames = 0;
    for (int f = 0; f < 240; ++f) {
      stage.simulate(frame);
      for (const source::MarkerTruth& marker : frame.performers[2].markers) {
        views += marker.views;
        frames += 1;
      }
    }
    // Of 16 cameras, those in front of a marker and a little beyond its horizon.
    CHECK(views / frames > 6.0);
    CHECK(views / frames < 12.5);
  }

  TEST_CASE("too many props are refused, many are possible") {
    std::vector<source::PerformerMotion> motions;
    motions.emplace_back(test::figureMotion());
    const auto rig = camera::makeRingRig(8, 1, 240.0);
    CHECK_FALSE(SimulatedStage::create({.props = 65}, motions, test::bodySet(), rig));
    const auto stage = SimulatedStage::create({.props = 16}, motions, test::bodySet(), rig);
    REQUIRE(stage);
    CHECK(stage->subjects().size() == 17);
  }
}
