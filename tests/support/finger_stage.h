#pragma once

#include <cmath>
#include <random>
#include <vector>

#include "engine/anim/kinematics.h"
#include "tests/support/finger_body.h"
#include "tests/support/lane_cast.h"

namespace understudy::test {

/// Mean angle between the true turns of the finger joints and others, degrees.
template <class Transform>
double fingerError(const subject::Subject& body, const std::vector<math::RigidTransform>& truth,
                   const std::vector<Transform>& pose) {
  double sum = 0.0, count = 0.0;
  for (std::size_t j = 0; j < body.joints.size(); ++j) {
    if (!subject::isFingerJoint(body, static_cast<int>(j))) continue;
    const glm::dquat off =
        glm::conjugate(glm::dquat(truth[j].rotation)) * glm::dquat(pose[j].rotation);
    sum += glm::degrees(2.0 *
                        std::atan2(glm::length(glm::dvec3(off.x, off.y, off.z)), std::abs(off.w)));
    count += 1.0;
  }
  return sum / count;
}

/// A figure that bends its arms a little and moves every finger joint in a rhythm of its own, which
/// owes nothing to the solver's synergies.
struct FingerStage : LaneCast {
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
    if (i > subject::kDigitJoints && i % subject::kDigitJoints == 2)
      return 0.6 * bendOf(i - 1, frame);
    const double t = static_cast<double>(frame) / 240.0;
    const double rhythm = 2.0 + 0.31 * static_cast<double>(i);
    const double reach = i < subject::kDigitJoints ? 0.25 : 0.5;
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
      for (std::size_t i = 0; i < subject::kHandJoints; ++i) {
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

  // Of the newest frame, see fingerError.
  double error() const { return fingerError(body, local, poses[0].parent_from_joint); }
};

inline bool never(std::size_t) { return false; }

}  // namespace understudy::test
