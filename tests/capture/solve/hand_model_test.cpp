#include "capture/solve/hand_model.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <random>

#include "tests/support/allocations.h"
#include "tests/support/finger_stage.h"

using namespace understudy;
using test::FingerStage;
using test::never;

TEST_SUITE("solve/hand_model") {
  TEST_CASE("fingers follow their markers, the closer the more there are") {
    // Knuckles and middle joints go their own ways, which one marker a finger cannot tell apart.
    const double most[] = {2.0, 12.0, 16.0};
    int i = 0;
    double before = 0.0;
    for (const int markers : {10, 5, 3}) {
      FingerStage stage(test::fingerBody(markers));
      double sum = 0.0, count = 0.0;
      for (std::uint64_t frame = 1; frame <= 720; ++frame) {
        stage.step(frame, never);
        if (frame <= 120) continue;
        sum += stage.error();
        count += 1.0;
      }
      CAPTURE(markers);
      CHECK(sum / count < most[i++]);
      CHECK(sum / count > before);
      before = sum / count;
    }
  }

  TEST_CASE("a hand that markers hide does not run away, and is found where it comes back") {
    FingerStage stage(test::fingerBody(10));
    const std::size_t first = subject::bodyMarkerCount(stage.body);
    double worst = 0.0;
    for (std::uint64_t frame = 1; frame <= 1440; ++frame) {
      // All of a hand for a second, then every third marker in turn.
      const bool gone = frame > 240 && frame < 480;
      stage.step(frame, [&](std::size_t m) {
        if (m < first) return false;
        return gone ? m < first + 10 : (frame / 60 + m) % 3 == 0;
      });
      for (const math::RigidTransform& joint : stage.poses[0].parent_from_joint)
        REQUIRE(std::isfinite(joint.rotation.w));
      worst = std::max(worst, stage.error());
      if (frame == 540) CHECK(stage.error() < 6.0);
    }
    CHECK(worst < 40.0);
  }

  TEST_CASE("both builds of the kernels give the same bytes") {
    if (!__builtin_cpu_supports("avx2")) return;
    FingerStage a(test::fingerBody(5)), b(test::fingerBody(5));
    for (std::uint64_t frame = 1; frame <= 60; ++frame) {
      a.step(frame, never);
      b.step(frame, never, solve::v3LaneKernels());
    }
    REQUIRE(a.states[0].hands.size() == 2);
    for (std::size_t h = 0; h < 2; ++h) {
      CHECK(a.states[0].hands[h].coordinate == b.states[0].hands[h].coordinate);
      CHECK(a.states[0].hands[h].information == b.states[0].hands[h].information);
    }
    CHECK(std::memcmp(a.poses[0].parent_from_joint.data(), b.poses[0].parent_from_joint.data(),
                      a.poses[0].parent_from_joint.size() * sizeof(math::RigidTransform)) == 0);
  }

  TEST_CASE("a finger whose markers are hidden is less sure than one that is shown") {
    FingerStage stage(test::fingerBody(10));
    const std::size_t first = subject::bodyMarkerCount(stage.body);
    // The index finger's two: the third and the fourth.
    for (std::uint64_t frame = 1; frame <= 240; ++frame) {
      stage.step(frame,
                 [&](std::size_t m) { return frame > 120 && (m == first + 2 || m == first + 3); });
    }
    const auto sigma = [&](anim::HumanoidJoint part) {
      const auto joint = static_cast<std::size_t>(stage.body.humanoid[part]);
      const glm::mat3& c = stage.poses[0].covariance[joint];
      return std::sqrt(c[0][0] + c[1][1] + c[2][2]);
    };
    using enum anim::HumanoidJoint;
    CHECK(sigma(left_index_distal) > 4.0f * sigma(left_ring_distal));
    CHECK(sigma(left_index_distal) > 4.0f * sigma(right_index_distal));
    const auto predicted = [&](anim::HumanoidJoint part) {
      return stage.poses[0].predicted[static_cast<std::size_t>(stage.body.humanoid[part])];
    };
    CHECK(predicted(left_index_distal) == 1);
    CHECK(predicted(left_ring_distal) == 0);
  }

  TEST_CASE("solving fingers allocates nothing") {
    FingerStage stage(test::fingerBody(10));
    stage.step(1, never);
    const std::uint64_t before = test::allocationCount();
    stage.solve(2);
    CHECK(test::allocationCount() == before);
  }

  TEST_CASE("usual hands vary soundly: their covariance has no direction below zero") {
    const solve::HandHabit habit = solve::usualHandHabit();
    std::mt19937 random(3);
    for (int i = 0; i < 200; ++i) {
      double x[subject::kHandFreedoms], form = 0.0;
      for (double& value : x) value = static_cast<double>(random()) / 2147483648.0 - 1.0;
      for (std::size_t r = 0; r < subject::kHandFreedoms; ++r) {
        for (std::size_t c = 0; c < subject::kHandFreedoms; ++c)
          form += x[r] * habit.covariance[r][c] * x[c];
      }
      CHECK(form > 0.0);
    }
  }
}
