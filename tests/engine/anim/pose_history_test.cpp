#include "engine/anim/pose_history.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <vector>

using namespace understudy;
using anim::PoseKind;
using std::chrono::milliseconds;

namespace {

constexpr anim::PoseRingCapacity kCapacity{.subjects = 1, .joints = 1, .matrices = 0};
constexpr float kTurn = 2.0f;               // rad/s about +Y.
constexpr glm::vec3 kVelocity{1, -2, 0.5};  // m/s.

core::Time at(milliseconds time) { return core::Time(std::chrono::seconds(5) + time); }

// The motion whose poses are published: closed form, at any time.
math::RigidTransform truth(float seconds) {
  return {glm::angleAxis(kTurn * seconds, glm::vec3(0, 1, 0)), kVelocity * seconds};
}

struct History {
  std::vector<std::byte> memory = std::vector<std::byte>(anim::PoseRing::memoryBytes(kCapacity));
  anim::PoseRing ring{memory, kCapacity};
  anim::PoseHistory history{ring};
  anim::PoseRecord pose = ring.makeRecord();

  void publish(int count, bool tracked = true) {
    for (int i = 0; i < count; ++i) {
      const std::array<math::RigidTransform, 1> joint{truth(static_cast<float>(i) * 0.004f)};
      const std::array<glm::vec3, 1> turning{glm::vec3(0, kTurn, 0)}, moving{kVelocity};
      core::Stamp stamp;
      stamp.sequence = static_cast<std::uint64_t>(i);
      stamp.exposed = at(milliseconds(4 * i));
      const std::array<anim::PublishedSubject, 1> subject{
          anim::PublishedSubject{.tracked = tracked,
                                 .parent_from_joint = joint,
                                 .angular_velocity = turning,
                                 .velocity = moving}};
      REQUIRE(ring.publish(stamp, subject));
    }
  }

  // Largest difference of any number from the truth.
  float error(float seconds) const {
    const math::RigidTransform expected = truth(seconds);
    const shaders::PoseJoint& joint = pose.joints.at(0);
    const glm::vec4 q{expected.rotation.x, expected.rotation.y, expected.rotation.z,
                      expected.rotation.w};
    return std::max(glm::distance(glm::vec3(joint.translation), expected.translation),
                    1.0f - std::abs(glm::dot(joint.rotation, q)));
  }
};

}  // namespace

TEST_SUITE("anim/pose_history") {
  TEST_CASE("without poses, and before the oldest one, there is no answer") {
    History h;
    CHECK(h.history.at(at(milliseconds(0)), h.pose) == PoseKind::none);
    h.publish(3);
    CHECK(h.history.at(at(milliseconds(-1)), h.pose) == PoseKind::none);
  }

  TEST_CASE("the time of a pose gives that pose, exactly") {
    History h;
    h.publish(10);
    for (int i = 0; i < 10; ++i) {
      CHECK(h.history.at(at(milliseconds(4 * i)), h.pose) == PoseKind::exact);
      CHECK(h.pose.stamp.sequence == static_cast<std::uint64_t>(i));
      CHECK(h.error(0.004f * static_cast<float>(i)) < 1e-7f);
    }
  }

  TEST_CASE("a time between two poses is interpolated, and carries the later one's stamp") {
    History h;
    h.publish(10);
    CHECK(h.history.at(at(milliseconds(21)), h.pose) == PoseKind::interpolated);
    CHECK(h.pose.stamp.sequence == 6);
    CHECK(h.error(0.021f) < 1e-6f);
  }

  TEST_CASE("a time after the newest pose is predicted, and says so") {
    History h;
    h.publish(10);
    CHECK(h.history.at(at(milliseconds(56)), h.pose) == PoseKind::predicted);
    CHECK(h.pose.stamp.sequence == 9);
    CHECK(h.error(0.056f) < 1e-6f);
  }

  TEST_CASE("a prediction goes no further than its limit") {
    History h;
    h.publish(1);
    CHECK(h.history.at(at(milliseconds(900)), h.pose) == PoseKind::predicted);
    CHECK(h.error(0.050f) < 1e-6f);
  }

  TEST_CASE("a subject that is held stands still") {
    History h;
    h.publish(1, false);
    CHECK(h.history.at(at(milliseconds(20)), h.pose) == PoseKind::predicted);
    CHECK(h.error(0.0f) < 1e-7f);
  }

  TEST_CASE("a time that the ring has forgotten gets no answer") {
    History h;
    h.publish(200);
    CHECK(h.history.at(at(milliseconds(4 * 100)), h.pose) == PoseKind::none);
    CHECK(h.history.at(at(milliseconds(4 * 150)), h.pose) == PoseKind::exact);
  }
}
