#include "capture/solve/coupling.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "capture/solve/habit.h"
#include "engine/math/exponential.h"
#include "tests/support/allocations.h"

using namespace understudy;
using anim::HumanoidJoint;

namespace {

// A chain of parts that each turn about their own axes, with a marker on each.
struct Chain {
  subject::Subject body;
  solve::SolveModel model;
  solve::SolveState state;

  explicit Chain(const std::vector<HumanoidJoint>& parts) {
    for (std::size_t j = 0; j < parts.size(); ++j) {
      body.skeleton.names.push_back("joint");
      body.skeleton.parents.push_back(static_cast<int>(j) - 1);
      math::RigidTransform rest;
      rest.translation = glm::vec3(0.0f, -0.3f, 0.0f);
      body.skeleton.parent_from_joint.push_back(rest);
      body.joints.emplace_back();
      if (j == 0) body.joints[0].motion = subject::JointMotion::free;
      body.markers.push_back({"m", static_cast<int>(j), glm::vec3(0.1f)});
      body.humanoid.joint[static_cast<std::size_t>(parts[j])] = static_cast<int>(j);
    }
    model = solve::makeSolveModel(body);
    state = solve::makeSolveState(body, model);
    state.tracked = true;
    state.tracked_seconds = 10.0;
    std::fill(state.observed.begin(), state.observed.end(), 1.0);
  }

  std::size_t freedom(std::size_t joint) const {
    return static_cast<std::size_t>(model.joint_freedom[joint]);
  }
  void bend(std::size_t joint, double angle) {
    state.parent_from_joint[joint].rotation = math::rotationFromVector({angle, 0.0, 0.0});
  }
  void hide(std::size_t joint) {
    for (std::size_t k = 0; k < 3; ++k) state.observed[freedom(joint) + k] = 0.0;
  }
  void couple() {
    solve::coupleJoints(model, 1.0 / 240.0, 3.0, state);
    ++state.sequence;
  }
};

const std::vector<HumanoidJoint> kLeg{HumanoidJoint::hips, HumanoidJoint::left_upper_leg,
                                      HumanoidJoint::left_lower_leg, HumanoidJoint::left_foot,
                                      HumanoidJoint::left_toes};

double toeBend(double t) { return 0.2 + 0.5 * std::sin(5.0 * t); }

Chain walker(double seconds) {
  Chain leg(kLeg);
  for (int f = 0; f < static_cast<int>(240.0 * seconds); ++f) {
    const double t = f / 240.0;
    leg.bend(1, 0.3 * std::cos(2.0 * t));
    leg.bend(2, 0.4 + 0.3 * std::cos(3.0 * t));
    leg.bend(3, 0.6 * std::sin(5.0 * t));
    leg.bend(4, toeBend(t));
    leg.couple();
  }
  return leg;
}

}  // namespace

TEST_SUITE("solve/coupling") {
  TEST_CASE("hidden toes follow the ankle as they did while markers showed them") {
    Chain leg = walker(12.0);
    leg.hide(4);
    double worst = 0.0;
    for (int f = 0; f < 240; ++f) {
      const double t = 12.0 + f / 240.0;
      leg.bend(1, 0.3 * std::cos(2.0 * t));
      leg.bend(2, 0.4 + 0.3 * std::cos(3.0 * t));
      leg.bend(3, 0.6 * std::sin(5.0 * t));
      leg.couple();
      const std::size_t toe = leg.freedom(4);
      worst = std::max(worst,
                       std::abs(leg.state.habit_mean[toe] + leg.state.suggested[toe] - toeBend(t)));
    }
    CHECK(worst < 0.1);  // Of half a radian either way.
  }

  TEST_CASE("what others suggest leaves the habit less to explain") {
    const Chain leg = walker(12.0);
    CHECK(leg.state.habit_variance[leg.freedom(4)] < 0.1 * 0.5 * 0.25);
  }

  TEST_CASE("suggestions move as fast as the joints that make them") {
    Chain leg = walker(12.0);
    leg.hide(4);
    leg.bend(3, 0.1);
    leg.couple();
    const double before = leg.state.suggested[leg.freedom(4)];
    leg.state.velocity[leg.freedom(3)] = 2.4;
    leg.bend(3, 0.11);
    leg.couple();
    const double speed = 240.0 * (leg.state.suggested[leg.freedom(4)] - before);
    CHECK(leg.state.suggested_speed[leg.freedom(4)] == doctest::Approx(speed).epsilon(0.02));
  }

  TEST_CASE("suggestions are believed as far as they came true") {
    const auto shareOfToe = [](bool follows) {
      Chain leg(kLeg);
      std::mt19937 random(7);
      double ankle = 0.0, toe = 0.0;
      const auto wander = [&](double& angle) {
        const double step = static_cast<double>(random()) / 4294967295.0 - 0.5;
        angle += 0.1 * step - 0.01 * angle;
      };
      for (int f = 0; f < 6000; ++f) {
        wander(ankle);
        wander(toe);
        leg.bend(3, ankle);
        leg.bend(4, follows ? -0.8 * ankle : toe);
        leg.couple();
      }
      for (const solve::JointCoupling& coupling : leg.state.couplings) {
        if (coupling.joint == 4) return coupling.share[0];
      }
      return -1.0;
    };
    CHECK(shareOfToe(true) > 0.9);
    CHECK(shareOfToe(false) < 0.6);
  }

  TEST_CASE("a joint that was never seen to go with others is suggested nothing") {
    Chain leg(kLeg);
    leg.hide(4);
    leg.bend(3, 0.5);
    leg.couple();
    CHECK(leg.state.suggested[leg.freedom(4)] == 0.0);
  }

  TEST_CASE("a hidden collar bone rises with the arm before anything was learnt") {
    for (const bool left : {true, false}) {
      using enum HumanoidJoint;
      Chain arm(left ? std::vector{chest, left_shoulder, left_upper_arm, left_lower_arm}
                     : std::vector{chest, right_shoulder, right_upper_arm, right_lower_arm});
      arm.hide(1);
      arm.state.parent_from_joint[2].rotation =
          math::rotationFromVector({0.0, 0.0, left ? 0.5 : -0.5});  // Upwards.
      for (int f = 0; f < 4; ++f) arm.couple();  // What is hidden has its turn in one of these.
      CHECK(arm.state.suggested[arm.freedom(1)] == doctest::Approx(0.1));
    }
  }

  TEST_CASE("bodies without named parts have no couplings") {
    subject::Subject body = Chain(kLeg).body;
    body.humanoid = {};
    CHECK(solve::makeCouplings(body, solve::makeSolveModel(body)).empty());
  }

  TEST_CASE("coupling allocates nothing and gives the same numbers again") {
    Chain leg = walker(1.0), again = walker(1.0);
    leg.hide(4);
    again.hide(4);
    const std::uint64_t before = test::allocationCount();
    for (int f = 0; f < 64; ++f) leg.couple();
    CHECK(test::allocationCount() == before);
    for (int f = 0; f < 64; ++f) again.couple();
    CHECK(leg.state.suggested == again.state.suggested);
    CHECK(leg.state.habit_variance == again.state.habit_variance);
  }
}
