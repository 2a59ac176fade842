#include "capture/solve/hand_model.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "capture/solve/find_fingers.h"
#include "capture/solve/fit_hand.h"
#include "capture/solve/solve_lanes.h"
#include "engine/anim/kinematics.h"
#include "tests/support/allocations.h"
#include "tests/support/finger_body.h"
#include "tests/support/lane_cast.h"

using namespace understudy;
using subject::kDigitJoints;
using subject::kHandJoints;

namespace {

// A figure that bends its arms a little and moves every finger joint in a rhythm of its own, which
// owes nothing to the solver's synergies.
struct FingerStage : test::LaneCast {
  const subject::Subject& body = bodies[0];
  const solve::SolveModel& model = models[0];
  std::vector<math::RigidTransform> local;
  double noise = 0.0005;
  std::mt19937 random{7};

  explicit FingerStage(subject::Subject who) : LaneCast({std::move(who)}) {
    pose(0);
    std::vector<math::RigidTransformd> start = model.rest;
    for (std::size_t j = 0; j < start.size(); ++j) {
      if (!subject::isFingerJoint(body, static_cast<int>(j)))
        start[j].rotation = glm::dquat(local[j].rotation);
    }
    solve::startTracking(model, 0, start, states[0]);
  }

  static double bendOf(std::size_t i, std::uint64_t frame) {
    // Last joints of fingers go with the middle ones, as the tendons have it.
    if (i > kDigitJoints && i % kDigitJoints == 2) return 0.6 * bendOf(i - 1, frame);
    const double t = static_cast<double>(frame) / 240.0;
    const double rhythm = 2.0 + 0.31 * static_cast<double>(i);
    const double reach = i < kDigitJoints ? 0.25 : 0.5;
    return reach * (1.0 + std::sin(rhythm * t + static_cast<double>(i)));
  }

  void pose(std::uint64_t frame) {
    local = body.skeleton.parent_from_joint;
    const double t = static_cast<double>(frame) / 240.0;
    const auto turn = [&](anim::HumanoidJoint part, float angle) {
      const auto joint = static_cast<std::size_t>(body.humanoid[part]);
      local[joint].rotation = glm::angleAxis(angle, glm::normalize(glm::vec3(0.3f, 1.0f, 0.5f)));
    };
    turn(anim::HumanoidJoint::left_lower_arm, 0.4f * static_cast<float>(std::sin(2.0 * t)));
    turn(anim::HumanoidJoint::right_hand, 0.5f * static_cast<float>(std::sin(3.0 * t)));
    for (const subject::Side side : {subject::Side::left, subject::Side::right}) {
      subject::HandJoints joints{};
      if (!subject::findHand(body, side, joints)) continue;
      for (std::size_t i = 0; i < kHandJoints; ++i) {
        const auto joint = static_cast<std::size_t>(joints[i]);
        const glm::quat axes = body.joints[joint].joint_from_anatomical;
        const glm::quat bend =
            glm::angleAxis(static_cast<float>(bendOf(i, frame)), glm::vec3(1, 0, 0));
        local[joint].rotation = local[joint].rotation * axes * bend * glm::conjugate(axes);
      }
    }
  }

  template <class Hidden>
  void step(std::uint64_t frame, const Hidden& hidden,
            const solve::LaneKernels& kernels = solve::baselineLaneKernels()) {
    pose(frame);
    std::vector<math::RigidTransform> world(local.size());
    anim::worldFromJoints(body.skeleton, local, world);
    const auto draw = [&] {
      return static_cast<float>(noise * (static_cast<double>(random()) / 4294967295.0 - 0.5) *
                                3.46);
    };
    for (std::size_t m = 0; m < body.markers.size(); ++m) {
      const subject::SubjectMarker& marker = body.markers[m];
      const glm::vec3 place = world[static_cast<std::size_t>(marker.joint)] * marker.offset_joint +
                              glm::vec3(draw(), draw(), draw());
      labels[0].markers[m] = {place, glm::mat3(static_cast<float>(noise * noise)),
                              hidden(m) ? 0.0f : 1.0f};
    }
    solve(frame, kernels);
  }

  // Mean angle between solved and true turns of the finger joints, degrees.
  double error() const {
    double sum = 0.0, count = 0.0;
    for (std::size_t j = 0; j < body.joints.size(); ++j) {
      if (!subject::isFingerJoint(body, static_cast<int>(j))) continue;
      const glm::dquat off = glm::conjugate(glm::dquat(local[j].rotation)) *
                             glm::dquat(poses[0].parent_from_joint[j].rotation);
      sum += glm::degrees(
          2.0 * std::atan2(glm::length(glm::dvec3(off.x, off.y, off.z)), std::abs(off.w)));
      count += 1.0;
    }
    return sum / count;
  }
};

bool never(std::size_t) { return false; }

}  // namespace

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

  TEST_CASE("markers without names about a hand are named, whatever shape the hand has") {
    FingerStage stage(test::fingerBody(10));
    const solve::HandModel& hand = stage.model.hands[0];
    solve::FindFingersWorkspace workspace = solve::makeFindFingersWorkspace();
    int right = 0, wanted = 0;
    for (std::uint64_t frame = 0; frame < 40; ++frame) {
      stage.pose(97 * frame);
      std::vector<math::RigidTransform> world(stage.local.size());
      anim::worldFromJoints(stage.body.skeleton, stage.local, world);
      std::vector<frame::Marker> unlabelled;
      for (std::size_t m = hand.markers.size(); m-- > 0;) {
        const auto& marker = stage.body.markers[static_cast<std::size_t>(hand.markers[m])];
        unlabelled.push_back(
            {.position = world[static_cast<std::size_t>(marker.joint)] * marker.offset_joint,
             .covariance = glm::mat3(2.5e-7f),
             .rays = 3});
      }
      std::vector<frame::LabelledMarker> slots(hand.markers.size());
      const std::vector<frame::Marker> all = unlabelled;
      const math::RigidTransform at = world[static_cast<std::size_t>(hand.joint)];
      const math::RigidTransformd world_from_hand{glm::dquat(at.rotation),
                                                  glm::dvec3(at.translation)};
      const bool found = solve::FindFingers{.settings = {},
                                            .hand = hand,
                                            .world_from_hand = world_from_hand,
                                            .slots = slots,
                                            .unlabelled = unlabelled,
                                            .state = stage.states[0],
                                            .hand_index = 0,
                                            .workspace = workspace}
                             .run();
      wanted += static_cast<int>(slots.size());
      if (!found) continue;
      for (std::size_t m = 0; m < slots.size(); ++m)
        right +=
            slots[m].confidence > 0.0f && slots[m].position == all[slots.size() - 1 - m].position;
    }
    CHECK(right > wanted * 9 / 10);
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
