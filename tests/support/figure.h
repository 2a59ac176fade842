#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "engine/anim/humanoid.h"
#include "engine/anim/skeleton.h"

namespace understudy::test {

/// A clip of an invented figure, 1.75 m tall, in T-pose at rest, that steps on the spot and swings
/// its arms. Joints carry our own names.
inline anim::Clip makeFigureClip(std::size_t frames, double rate_hz) {
  struct Bone {
    anim::HumanoidJoint joint;
    int parent;
    glm::vec3 offset;
  };
  using enum anim::HumanoidJoint;
  const std::vector<Bone> bones{
      {hips, -1, {0.0f, 0.95f, 0.0f}},
      {spine, 0, {0.0f, 0.10f, 0.0f}},
      {chest, 1, {0.0f, 0.15f, 0.0f}},
      {upper_chest, 2, {0.0f, 0.13f, 0.0f}},
      {neck, 3, {0.0f, 0.16f, 0.0f}},
      {head, 4, {0.0f, 0.09f, 0.01f}},
      {left_shoulder, 3, {0.04f, 0.12f, 0.0f}},
      {left_upper_arm, 6, {0.14f, 0.0f, 0.0f}},
      {left_lower_arm, 7, {0.28f, 0.0f, 0.0f}},
      {left_hand, 8, {0.25f, 0.0f, 0.0f}},
      {right_shoulder, 3, {-0.04f, 0.12f, 0.0f}},
      {right_upper_arm, 10, {-0.14f, 0.0f, 0.0f}},
      {right_lower_arm, 11, {-0.28f, 0.0f, 0.0f}},
      {right_hand, 12, {-0.25f, 0.0f, 0.0f}},
      {left_upper_leg, 0, {0.09f, -0.02f, 0.0f}},
      {left_lower_leg, 14, {0.0f, -0.43f, 0.0f}},
      {left_foot, 15, {0.0f, -0.43f, 0.0f}},
      {left_toes, 16, {0.0f, -0.05f, 0.13f}},
      {right_upper_leg, 0, {-0.09f, -0.02f, 0.0f}},
      {right_lower_leg, 18, {0.0f, -0.43f, 0.0f}},
      {right_foot, 19, {0.0f, -0.43f, 0.0f}},
      {right_toes, 20, {0.0f, -0.05f, 0.13f}},
  };
  anim::Clip clip;
  clip.rate_hz = rate_hz;
  clip.frames = frames;
  for (const Bone& bone : bones) {
    clip.skeleton.names.emplace_back(anim::humanoidName(bone.joint));
    clip.skeleton.parents.push_back(bone.parent);
    clip.skeleton.parent_from_joint.push_back({glm::quat(1, 0, 0, 0), bone.offset});
  }
  for (std::size_t frame = 0; frame < frames; ++frame) {
    const float phase = static_cast<float>(6.2831853 * static_cast<double>(frame) / rate_hz);
    const auto turn = [](float angle, float x, float y, float z) {
      return glm::angleAxis(angle, glm::normalize(glm::vec3(x, y, z)));
    };
    for (const Bone& bone : bones) {
      math::RigidTransform pose{glm::quat(1, 0, 0, 0), bone.offset};
      const float swing = std::sin(phase), other = std::sin(phase + 3.14159f);
      switch (bone.joint) {
        case hips:
          pose.translation += glm::vec3(0.2f * std::sin(0.3f * phase), 0.01f * swing, 0.0f);
          break;
        case spine:
        case chest:
          pose.rotation = turn(0.05f * swing, 0, 1, 0);
          break;
        case left_upper_arm:
          pose.rotation = turn(0.4f * swing, 1, 0, 0) * turn(-1.1f, 0, 0, 1);
          break;
        case right_upper_arm:
          pose.rotation = turn(0.4f * other, 1, 0, 0) * turn(1.1f, 0, 0, 1);
          break;
        case left_lower_arm:
          pose.rotation = turn(-0.3f - 0.2f * swing, 0, 1, 0);
          break;
        case right_lower_arm:
          pose.rotation = turn(0.3f + 0.2f * other, 0, 1, 0);
          break;
        case left_upper_leg:
          pose.rotation = turn(-0.3f - 0.3f * other, 1, 0, 0);
          break;
        case right_upper_leg:
          pose.rotation = turn(-0.3f - 0.3f * swing, 1, 0, 0);
          break;
        case left_lower_leg:
          pose.rotation = turn(0.5f + 0.5f * other, 1, 0, 0);
          break;
        case right_lower_leg:
          pose.rotation = turn(0.5f + 0.5f * swing, 1, 0, 0);
          break;
        default:
          break;
      }
      clip.parent_from_joint.push_back(pose);
    }
  }
  return clip;
}

}  // namespace understudy::test
