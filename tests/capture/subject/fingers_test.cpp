#include "capture/subject/fingers.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "capture/subject/finger_markers.h"
#include "capture/subject/subject_file.h"
#include "engine/anim/kinematics.h"
#include "engine/anim/retarget.h"
#include "tests/support/finger_body.h"
#include "tools/mannequin/body.h"

using namespace understudy;
using subject::Side;

TEST_SUITE("subject/fingers") {
  TEST_CASE("a body grows hands of five digits that point away from the forearm") {
    const subject::Subject body = test::fingerBody();
    std::vector<math::RigidTransform> world(body.skeleton.size());
    anim::worldFromJoints(body.skeleton, body.skeleton.parent_from_joint, world);
    for (const Side side : {Side::left, Side::right}) {
      subject::HandJoints joints{};
      REQUIRE(subject::findHand(body, side, joints));
      const float out = side == Side::left ? 1.0f : -1.0f;
      const auto at = [&](std::size_t i) {
        return world[static_cast<std::size_t>(joints[i])].translation;
      };
      for (std::size_t digit = 1; digit < subject::kDigits; ++digit) {
        CHECK(out * (at(3 * digit + 2).x - at(3 * digit).x) > 0.04f);
        if (digit > 1)
          CHECK(at(3 * digit).z < at(3 * (digit - 1)).z);  // The thumb's side is in front.
      }
    }
  }

  TEST_CASE("flexion bends fingers towards the palm, on both hands") {
    const subject::Subject body = test::fingerBody();
    for (const Side side : {Side::left, Side::right}) {
      subject::HandJoints joints{};
      REQUIRE(subject::findHand(body, side, joints));
      std::vector<math::RigidTransform> local = body.skeleton.parent_from_joint,
                                        world(local.size());
      for (std::size_t i = 3; i < joints.size(); ++i) {
        const auto joint = static_cast<std::size_t>(joints[i]);
        const glm::quat& axes = body.joints[joint].joint_from_anatomical;
        local[joint].rotation = local[joint].rotation * axes *
                                glm::angleAxis(0.8f, glm::vec3(1, 0, 0)) * glm::conjugate(axes);
      }
      anim::worldFromJoints(body.skeleton, local, world);
      for (std::size_t digit = 1; digit < subject::kDigits; ++digit) {
        const auto tip = static_cast<std::size_t>(joints[3 * digit + 2]);
        const auto root = static_cast<std::size_t>(joints[3 * digit]);
        // In a T-pose palms look down.
        CHECK(world[tip].translation.y < world[root].translation.y - 0.02f);
      }
    }
  }

  TEST_CASE("a body without its fingers has the same skeleton and its body's markers only") {
    const subject::Subject whole = test::fingerBody();
    const subject::Subject body = subject::withoutFingers(whole);
    CHECK(body.skeleton.names == whole.skeleton.names);
    CHECK(body.markers.size() == subject::bodyMarkerCount(whole));
    CHECK(body.markers.size() + 20 == whole.markers.size());
    for (std::size_t j = 0; j < body.joints.size(); ++j)
      CHECK_FALSE(subject::isFingerJoint(body, static_cast<int>(j)));
  }

  TEST_CASE("a subject with fingers reads as it was written") {
    const subject::Subject whole = test::fingerBody();
    const auto read = subject::parseSubject(subject::formatSubject(whole), "hands.toml");
    REQUIRE_MESSAGE(read, (read ? "" : read.error().message));
    REQUIRE(read->markers.size() == whole.markers.size());
    CHECK(subject::formatSubject(*read) == subject::formatSubject(whole));
    subject::HandJoints joints{};
    CHECK(subject::findHand(*read, Side::left, joints));
    CHECK(subject::findHand(*read, Side::right, joints));
  }

  TEST_CASE("markers of fingers that a file has first are put behind the body's") {
    subject::Subject mixed = test::fingerBody();
    std::rotate(mixed.markers.begin(), mixed.markers.end() - 3, mixed.markers.end());
    CHECK_FALSE(subject::checkFingers(mixed));
    const auto read = subject::parseSubject(subject::formatSubject(mixed), "hands.toml");
    REQUIRE(read);
    CHECK(subject::checkFingers(*read));
  }

  TEST_CASE("a hinge that is no finger of a whole hand is an error that names it") {
    subject::Subject body = test::fingerBody();
    const auto knee = static_cast<std::size_t>(body.humanoid[anim::HumanoidJoint::left_lower_leg]);
    body.joints[knee].motion = subject::JointMotion::hinge;
    const auto read = subject::parseSubject(subject::formatSubject(body), "knee.toml");
    REQUIRE_FALSE(read);
    CHECK(read.error().message.find("knee.toml") != std::string::npos);
    CHECK(read.error().message.find(body.skeleton.names[knee]) != std::string::npos);
  }

  TEST_CASE("a hand with more markers than can be followed is an error") {
    subject::Subject body = test::fingerBody();
    const subject::SubjectMarker last = body.markers.back();
    for (int i = 0; i < 40; ++i) {
      body.markers.push_back(last);
      body.markers.back().name = "extra" + std::to_string(i);
    }
    const auto sound = subject::checkFingers(body);
    REQUIRE_FALSE(sound);
    CHECK(sound.error().message.find("at most 32") != std::string::npos);
  }
}

namespace {

// The mannequin's joints as a skeleton: another hand than the subject's, with axes of its own.
anim::Skeleton mannequinSkeleton() {
  const auto joints = mannequin::bodyJoints();
  anim::Skeleton skeleton;
  std::array<int, anim::kHumanoidJointCount> index{};
  for (const mannequin::JointRest& rest : joints) {
    const bool is_root = rest.parent == anim::HumanoidJoint::count;
    const auto place = [](const mannequin::Vec3& p) {
      return glm::vec3(static_cast<float>(p.x), static_cast<float>(p.y), static_cast<float>(p.z));
    };
    glm::vec3 offset = place(rest.position);
    if (!is_root) offset -= place(joints[static_cast<std::size_t>(rest.parent)].position);
    index[static_cast<std::size_t>(rest.joint)] = static_cast<int>(skeleton.size());
    skeleton.names.emplace_back(anim::humanoidName(rest.joint));
    skeleton.parents.push_back(is_root ? anim::kNoParent
                                       : index[static_cast<std::size_t>(rest.parent)]);
    skeleton.parent_from_joint.push_back({glm::quat(1, 0, 0, 0), offset});
  }
  return skeleton;
}

}  // namespace

TEST_SUITE("subject/fingers") {
  TEST_CASE("a character with fingers closes its hand as the performer does") {
    const subject::Subject body = test::fingerBody();
    const anim::Skeleton target = mannequinSkeleton();
    const anim::HumanoidMap map = anim::recogniseHumanoid(target);
    auto made = anim::Retargeter::make(body.skeleton, body.humanoid, target, map);
    REQUIRE_MESSAGE(made, (made ? "" : made.error().message));
    std::vector<math::RigidTransform> pose = body.skeleton.parent_from_joint;
    subject::HandJoints joints{};
    REQUIRE(subject::findHand(body, Side::left, joints));
    constexpr float kBend = 1.2f;
    for (std::size_t i = 4; i < joints.size(); i += 3) {  // The middle joints.
      const auto joint = static_cast<std::size_t>(joints[i]);
      const glm::quat& axes = body.joints[joint].joint_from_anatomical;
      pose[joint].rotation = pose[joint].rotation * axes *
                             glm::angleAxis(kBend, glm::vec3(1, 0, 0)) * glm::conjugate(axes);
    }
    std::vector<math::RigidTransform> result(target.size()), world(target.size());
    made->retarget(pose, result);
    anim::worldFromJoints(target, result, world);
    const auto at = [&](anim::HumanoidJoint part) {
      return world[static_cast<std::size_t>(map[part])].translation;
    };
    using enum anim::HumanoidJoint;
    const auto bendOf = [&](anim::HumanoidJoint a, anim::HumanoidJoint b, anim::HumanoidJoint c) {
      return std::acos(glm::dot(glm::normalize(at(b) - at(a)), glm::normalize(at(c) - at(b))));
    };
    CHECK(bendOf(left_index_proximal, left_index_intermediate, left_index_distal) ==
          doctest::Approx(kBend).epsilon(0.1));
    CHECK(bendOf(left_ring_proximal, left_ring_intermediate, left_ring_distal) ==
          doctest::Approx(kBend).epsilon(0.1));
    CHECK(bendOf(right_index_proximal, right_index_intermediate, right_index_distal) < 0.15f);
    CHECK(at(left_index_distal).y < at(left_index_intermediate).y - 0.015f);  // Palmwards.
  }
}
