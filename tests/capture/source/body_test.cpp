#include "capture/source/body.h"

#include <doctest/doctest.h>

#include <cmath>

#include "engine/anim/kinematics.h"
#include "tests/support/figure.h"

using namespace understudy;
using source::BodySolid;
using source::PosedSolid;
using source::SolidShape;

namespace {

source::Body figureBody() {
  const anim::Clip clip = test::makeFigureClip(1, 120.0);
  std::vector<math::RigidTransform> world(clip.skeleton.size());
  anim::worldFromJoints(clip.skeleton, clip.skeleton.parent_from_joint, world);
  auto body = source::makeBody(anim::recogniseHumanoid(clip.skeleton), world);
  REQUIRE(body);
  return *std::move(body);
}

}  // namespace

TEST_SUITE("source/body") {
  TEST_CASE("the height follows from the legs and every part is there") {
    const source::Body body = figureBody();
    CHECK(body.height == doctest::Approx(0.86 / 0.491));
    CHECK(body.solids.size() == 21);
    using enum anim::HumanoidJoint;
    for (const auto part : {hips, chest, upper_chest, head, left_hand, right_foot, left_toes}) {
      CHECK(body.find(part) != nullptr);
    }
    CHECK(body.find(left_index_distal) == nullptr);
  }

  TEST_CASE("angles mean the front, the outside and, for arms in a T-pose, up") {
    const source::Body body = figureBody();
    using enum anim::HumanoidJoint;
    const auto direction = [&](anim::HumanoidJoint part, float around) {
      const BodySolid& solid = *body.find(part);
      // The figure's joints are not turned at rest, so joint frames are parallel to the world.
      const glm::vec3 near = source::surfacePoint(solid, 0.5f, around, 0.0f);
      const glm::vec3 far = source::surfacePoint(solid, 0.5f, around, 0.1f);
      return (far - near) / 0.1f;
    };
    constexpr float kQuarter = 1.5707963f;
    CHECK(direction(upper_chest, 0.0f).z > 0.99f);
    CHECK(direction(upper_chest, kQuarter).x > 0.99f);
    CHECK(direction(left_upper_leg, kQuarter).x > 0.95f);
    CHECK(direction(right_upper_leg, kQuarter).x < -0.95f);
    CHECK(direction(left_upper_arm, 0.0f).z > 0.95f);
    CHECK(direction(left_upper_arm, kQuarter).y > 0.95f);
    CHECK(direction(right_lower_arm, kQuarter).y > 0.95f);
    CHECK(direction(left_foot, 0.0f).y > 0.9f);
    CHECK(direction(right_foot, kQuarter).x < -0.9f);
  }

  TEST_CASE("surface points lie on the surface") {
    const source::Body body = figureBody();
    for (const BodySolid& solid : body.solids) {
      if (solid.shape == SolidShape::capsule && solid.front_far != solid.out_far) continue;
      const PosedSolid posed = source::poseSolid(solid, {}, 0.0f);
      for (float along = 0.1f; along < 1.0f; along += 0.2f) {
        for (float around = 0.0f; around < 6.0f; around += 0.7f) {
          const bool tapered = solid.front_near != solid.front_far;
          const float slack = tapered ? 0.004f : 0.0005f;
          CHECK_FALSE(source::contains(posed, source::surfacePoint(solid, along, around, slack)));
          CHECK(source::contains(posed, source::surfacePoint(solid, along, around, -slack)));
        }
      }
    }
  }

  TEST_CASE("a ray is blocked exactly when a dense walk along it enters the solid") {
    const source::Body body = figureBody();
    std::uint32_t seed = 1;
    const auto next = [&seed] {
      seed = seed * 1664525u + 1013904223u;
      return static_cast<float>(seed >> 8) / 16777216.0f;
    };
    int blocked = 0, wrong = 0;
    for (int round = 0; round < 3000; ++round) {
      const BodySolid& solid = body.solids[static_cast<std::size_t>(round) % body.solids.size()];
      const PosedSolid posed = source::poseSolid(solid, {}, 0.0f);
      const auto point = [&] {
        return posed.middle + (glm::vec3(next(), next(), next()) - 0.5f) * (6.0f * posed.bound);
      };
      const glm::vec3 eye = point(), target = point();
      bool entered = false;
      for (int step = 0; step <= 2000 && !entered; ++step) {
        entered =
            source::contains(posed, glm::mix(eye, target, static_cast<float>(step) / 2000.0f));
      }
      const bool says = source::blocks(posed, eye, target);
      blocked += says ? 1 : 0;
      wrong += says != entered ? 1 : 0;
    }
    CHECK(blocked > 150);
    // A tapered capsule's nearest point is approximated, and the walk may step over an edge.
    CHECK(wrong <= 30);
  }

  TEST_CASE("what is no body is refused with its reason") {
    anim::Clip clip = test::makeFigureClip(1, 120.0);
    std::vector<math::RigidTransform> world(clip.skeleton.size());
    anim::HumanoidMap humanoid = anim::recogniseHumanoid(clip.skeleton);
    const auto flat = source::makeBody(humanoid, world);
    REQUIRE_FALSE(flat);
    CHECK(flat.error().message.find("unit") != std::string::npos);
    humanoid.joint[static_cast<std::size_t>(anim::HumanoidJoint::left_foot)] = -1;
    const auto footless = source::makeBody(humanoid, world);
    REQUIRE_FALSE(footless);
    CHECK(footless.error().message.find("left_foot") != std::string::npos);
  }
}
