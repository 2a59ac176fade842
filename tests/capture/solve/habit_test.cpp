#include "capture/solve/habit.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "capture/solve/solve_steps.h"
#include "capture/subject/anatomy.h"
#include "engine/math/exponential.h"

using namespace understudy;

namespace {

subject::Subject makeLimb() {
  subject::Subject limb;
  limb.skeleton.names = {"root", "bone"};
  limb.skeleton.parents = {-1, 0};
  math::RigidTransform rest;
  rest.rotation = glm::angleAxis(0.4f, glm::normalize(glm::vec3(1, 2, 3)));
  rest.translation = glm::vec3(0.0f, 0.3f, 0.0f);
  limb.skeleton.parent_from_joint = {math::RigidTransform{}, rest};
  limb.joints = {{.motion = subject::JointMotion::free}, {}};
  limb.joints[1].joint_from_anatomical = glm::angleAxis(0.7f, glm::normalize(glm::vec3(3, -1, 1)));
  limb.markers = {{"a", 0, glm::vec3(0.1f)}, {"b", 1, glm::vec3(0.1f)}};
  return limb;
}

}  // namespace

TEST_SUITE("solve/habit") {
  TEST_CASE("a joint's angles are the anatomical ones, and small turns change them as said") {
    const subject::Subject limb = makeLimb();
    const solve::SolveModel model = solve::makeSolveModel(limb);
    std::mt19937 random(3);
    const auto uniform = [&] { return static_cast<double>(random()) / 4294967295.0 - 0.5; };
    for (int i = 0; i < 100; ++i) {
      const glm::dvec3 turn(2.0 * uniform(), 2.0 * uniform(), 2.0 * uniform());
      const glm::dquat rotation = model.rest[1].rotation * math::rotationFromVector(turn);
      const solve::JointAngles at = solve::anglesOf(model, 1, rotation);
      REQUIRE(at.steady);
      const glm::dvec3 expected = subject::anatomicalAngles(
          limb.joints[1], glm::conjugate(model.rest[1].rotation) * rotation);
      CHECK(glm::distance(at.angles, expected) < 1e-6);
      // First order in the step, and in how far the bone has swung.
      const double size = 1e-4;
      const glm::dvec3 step = size * glm::dvec3(uniform(), uniform(), uniform());
      math::RigidTransformd moved{rotation, glm::dvec3(0.0)};
      solve::moveJoint(model, 1, &step.x, moved);
      const glm::dvec3 changed = solve::anglesOf(model, 1, moved.rotation).angles - at.angles;
      const double swing = std::hypot(at.angles.x, at.angles.z);
      CHECK(glm::distance(changed, solve::anglesFromTurn(at, step)) < (0.05 + 0.7 * swing) * size);
      CHECK(glm::distance(solve::turnFromAngles(at, solve::anglesFromTurn(at, step)), step) <
            1e-12);
    }
  }

  TEST_CASE("half a turn of swing leaves the twist open, and says so") {
    const subject::Subject limb = makeLimb();
    const solve::SolveModel model = solve::makeSolveModel(limb);
    const glm::dquat& axes = model.joint_from_freedoms[1];
    const glm::dquat swing = glm::angleAxis(3.1415926, glm::dvec3(1, 0, 0));
    CHECK_FALSE(
        solve::anglesOf(model, 1, model.rest[1].rotation * axes * swing * glm::conjugate(axes))
            .steady);
  }

  TEST_CASE("a hidden freedom comes to its habit's mean, and its doubt to the habit's spread") {
    const double spread = 0.2, tempo = 8.0;
    double off = 0.5, speed = -1.0;
    solve::SolveState state;
    state.habit_variance = {spread * spread};
    state.habit_speed = {spread * spread * tempo * tempo};
    state.variance = {1e-6};
    state.velocity_variance = {1e-4};
    state.velocity_covariance = {0.0};
    double before = 0.0;
    for (int frame = 0; frame < 480; ++frame) {
      const solve::HabitStep step =
          solve::habitStep(state.habit_variance[0], state.habit_speed[0], 1.0 / 240.0);
      const double place = solve::habitVariance(state, 0, step);
      CHECK(place >= before - 1e-12);
      CHECK(place <= spread * spread + 1e-12);
      before = place;
      state.variance[0] = place;
      const double gone = step.keeps_place * off + step.place_from_speed * speed;
      speed = step.speed_from_place * off + step.keeps_speed * speed;
      off = gone;
    }
    CHECK(std::abs(off) < 1e-3);
    CHECK(std::abs(speed) < 1e-2);
  }

  TEST_CASE("one long step goes the way of many short ones") {
    const solve::HabitStep once = solve::habitStep(0.04, 1.0, 0.1);
    double off = 0.3, speed = 2.0;
    for (int i = 0; i < 100; ++i) {
      const solve::HabitStep step = solve::habitStep(0.04, 1.0, 0.001);
      const double gone = step.keeps_place * off + step.place_from_speed * speed;
      speed = step.speed_from_place * off + step.keeps_speed * speed;
      off = gone;
    }
    CHECK(off ==
          doctest::Approx(once.keeps_place * 0.3 + once.place_from_speed * 2.0).epsilon(1e-3));
    CHECK(speed ==
          doctest::Approx(once.speed_from_place * 0.3 + once.keeps_speed * 2.0).epsilon(1e-2));
  }
}
