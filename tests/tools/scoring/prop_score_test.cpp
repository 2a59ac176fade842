#include "tools/scoring/prop_score.h"

#include <doctest/doctest.h>

#include <limits>

#include "engine/math/exponential.h"
#include "tests/support/props.h"

using namespace understudy;

namespace {

struct Case {
  source::PerformerTruth truth;
  frame::SkeletonPose pose;

  Case() {
    truth.markers.resize(6);
    truth.world_from_joint = {{glm::angleAxis(0.4f, glm::vec3(0, 1, 0)), {1.0f, 1.2f, -0.5f}}};
    pose.tracked = true;
    pose.parent_from_joint = truth.world_from_joint;
  }
};

}  // namespace

TEST_SUITE("scoring/prop_score") {
  TEST_CASE("a right pose scores nothing") {
    Case c;
    scoring::PropScore score;
    for (int f = 0; f < 10; ++f) score.add(c.truth, &c.pose);
    CHECK(score.position_mm.spread().count == 10);
    CHECK(score.position_mm.spread().mean == 0.0);
    CHECK(score.angle_deg.spread().mean < 1e-4);
    CHECK(score.untracked == 0);
    CHECK(score.flipped == 0);
    CHECK(score.longest_search == 0);
  }

  TEST_CASE("a planted shift and a planted turn show up by just that") {
    Case c;
    scoring::PropScore score;
    math::RigidTransform& pose = c.pose.parent_from_joint[0];
    pose.translation += glm::vec3(0.003f, 0.0f, -0.004f);
    pose.rotation = glm::angleAxis(glm::radians(2.0f), glm::vec3(1, 0, 0)) * pose.rotation;
    score.add(c.truth, &c.pose);
    pose = c.truth.world_from_joint[0];
    pose.rotation = -pose.rotation;  // The same rotation.
    score.add(c.truth, &c.pose);
    CHECK(score.position_mm.spread().mean == doctest::Approx(2.5).epsilon(1e-4));
    CHECK(score.angle_deg.spread().mean == doctest::Approx(1.0).epsilon(1e-4));
    CHECK(score.flipped == 0);
    pose.rotation = pose.rotation * glm::angleAxis(3.14159f, glm::vec3(0, 1, 0));
    score.add(c.truth, &c.pose);
    CHECK(score.flipped == 1);
  }

  TEST_CASE("frames without a pose are counted, and how long it was looked for in sight") {
    Case c;
    scoring::PropScore score;
    score.add(c.truth, nullptr);
    CHECK(score.untracked == 0);  // Before its first pose.
    score.add(c.truth, &c.pose);
    c.pose.tracked = false;
    for (int f = 0; f < 7; ++f) score.add(c.truth, &c.pose);  // Out of sight.
    CHECK(score.untracked == 7);
    CHECK(score.longest_search == 0);
    for (int m = 0; m < 4; ++m) c.truth.markers[std::size_t(m)].seen_3 = true;
    for (int f = 0; f < 5; ++f) score.add(c.truth, &c.pose);
    c.truth.markers[0].seen_3 = false;
    score.add(c.truth, &c.pose);
    CHECK(score.untracked == 13);
    CHECK(score.longest_search == 5);
    CHECK(score.position_mm.spread().count == 1);
  }

  TEST_CASE("a pose that is not finite is no figure") {
    Case c;
    scoring::PropScore score;
    c.pose.parent_from_joint[0].translation.x = std::numeric_limits<float>::quiet_NaN();
    score.add(c.truth, &c.pose);
    CHECK(score.position_mm.spread().count == 0);
    CHECK(score.flipped == 1);
  }
}
