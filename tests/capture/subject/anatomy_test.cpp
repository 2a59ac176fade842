#include "capture/subject/anatomy.h"

#include <doctest/doctest.h>

#include <glm/gtc/quaternion.hpp>
#include <string>
#include <vector>

#include "capture/source/simulated_stage.h"
#include "engine/math/exponential.h"
#include "tests/support/stage.h"

using namespace understudy;
using anim::HumanoidJoint;

namespace {

// The bone of a part, from its joint to its child, after turning the joint about one of its axes.
glm::dvec3 bentBone(const subject::Subject& subject, HumanoidJoint part, HumanoidJoint tip,
                    const glm::dvec3& anatomical_turn) {
  const auto joint = std::size_t(subject.humanoid[part]);
  const subject::JointModel& model = subject.joints[joint];
  glm::dquat world(1, 0, 0, 0);
  std::vector<std::size_t> chain;
  for (int j = int(joint); j >= 0; j = subject.skeleton.parents[std::size_t(j)])
    chain.insert(chain.begin(), std::size_t(j));
  for (const std::size_t j : chain)
    world = world * glm::dquat(subject.skeleton.parent_from_joint[j].rotation);
  const glm::dquat axes(model.joint_from_anatomical);
  const glm::dquat turn = axes * math::rotationFromVector(anatomical_turn) * glm::conjugate(axes);
  const glm::dvec3 angles = subject::anatomicalAngles(model, turn);
  for (int k = 0; k < 3; ++k) CHECK(angles[k] == doctest::Approx(anatomical_turn[k]));
  const auto child = std::size_t(subject.humanoid[tip]);
  return world * (turn * glm::dvec3(subject.skeleton.parent_from_joint[child].translation));
}

}  // namespace

TEST_SUITE("subject/anatomy") {
  TEST_CASE("flexion bends thighs forward, shins back, and abduction moves limbs outwards") {
    const subject::Subject subject = test::figureStage({}).subjects()[0];
    using enum HumanoidJoint;
    // The figure looks along +z, its left is +x.
    CHECK(bentBone(subject, left_upper_leg, left_lower_leg, {0.5, 0, 0}).z > 0.1);
    CHECK(bentBone(subject, right_upper_leg, right_lower_leg, {0.5, 0, 0}).z > 0.1);
    CHECK(bentBone(subject, left_lower_leg, left_foot, {0.5, 0, 0}).z < -0.1);
    CHECK(bentBone(subject, left_upper_leg, left_lower_leg, {0, 0, 0.5}).x > 0.1);
    CHECK(bentBone(subject, right_upper_leg, right_lower_leg, {0, 0, -0.5}).x < -0.1);
    CHECK(bentBone(subject, left_lower_arm, left_hand, {0.5, 0, 0}).z > 0.05);
    CHECK(bentBone(subject, spine, chest, {0.5, 0, 0}).z > 0.0);
  }

  TEST_CASE("limits are wider where joints bend, and mirrored") {
    const subject::Subject subject = test::figureStage({}).subjects()[0];
    const auto model = [&](HumanoidJoint part) {
      return subject.joints[std::size_t(subject.humanoid[part])];
    };
    using enum HumanoidJoint;
    CHECK(model(left_lower_leg).flexion.upper > 2.5f);
    CHECK(model(left_lower_leg).flexion.lower > -0.6f);
    CHECK(model(left_upper_leg).flexion.upper > 2.0f);
    CHECK(model(left_upper_leg).abduction.upper ==
          doctest::Approx(-model(right_upper_leg).abduction.lower));
    CHECK(model(left_foot).twist.upper == doctest::Approx(-model(right_foot).twist.lower));
    CHECK_FALSE(model(left_upper_arm).hasAxisLimits());
    CHECK_FALSE(subject::JointModel{}.hasAxisLimits());
  }

  TEST_CASE("twist and swing are told apart, whatever both are") {
    const subject::JointModel model;
    for (double swing = -2.5; swing <= 2.5; swing += 0.5) {
      for (double twist = -2.5; twist <= 2.5; twist += 0.5) {
        const glm::dquat turn =
            math::rotationFromVector({swing, 0, 0.2}) * math::rotationFromVector({0, twist, 0});
        const glm::dvec3 angles = subject::anatomicalAngles(model, turn);
        CHECK(angles.x == doctest::Approx(swing));
        CHECK(angles.y == doctest::Approx(twist));
        CHECK(angles.z == doctest::Approx(0.2));
      }
    }
  }
}
