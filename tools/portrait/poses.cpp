#include "tools/portrait/poses.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/anim/kinematics.h"
#include "engine/anim/palette.h"

namespace understudy::portrait {

namespace {

/// A turn of one joint about an axis of the world, seen in the T-pose.
struct Turn {
  const char* joint;
  glm::vec3 axis;
  float degrees;
};

struct NamedPose {
  const char* name;
  std::vector<Turn> turns;
};

constexpr glm::vec3 kX{1.0f, 0.0f, 0.0f}, kY{0.0f, 1.0f, 0.0f}, kZ{0.0f, 0.0f, 1.0f};

std::vector<Turn> fist(const char* side, float sign, float degrees) {
  std::vector<Turn> turns;
  static std::vector<std::string> names;
  names.reserve(64);
  for (const char* finger : {"index", "middle", "ring", "little"}) {
    for (const char* bone : {"proximal", "intermediate", "distal"}) {
      names.push_back(fmt::format("{}_{}_{}", side, finger, bone));
      turns.push_back({names.back().c_str(), kZ, -sign * degrees});
    }
  }
  return turns;
}

std::vector<NamedPose> allPoses() {
  std::vector<NamedPose> poses = {
      {"t", {}},
      {"stand",
       {{"left_upper_arm", kZ, -68},
        {"right_upper_arm", kZ, 68},
        {"left_lower_arm", kY, -18},
        {"right_lower_arm", kY, 18}}},
      {"step",
       {{"hips", kY, -12},
        {"left_upper_leg", kX, -38},
        {"left_lower_leg", kX, 52},
        {"left_foot", kX, -8},
        {"right_upper_leg", kX, 16},
        {"right_lower_leg", kX, 12},
        {"right_foot", kX, 8},
        {"spine", kY, 8},
        {"chest", kY, 10},
        {"neck", kX, 4},
        {"left_upper_arm", kZ, -66},
        {"left_upper_arm", kX, 28},
        {"left_lower_arm", kY, -35},
        {"right_upper_arm", kZ, 64},
        {"right_upper_arm", kX, -30},
        {"right_lower_arm", kY, 48}}},
      {"reach",
       {{"left_upper_arm", kZ, 52},
        {"left_lower_arm", kZ, 40},
        {"right_upper_arm", kZ, 58},
        {"right_lower_arm", kY, 88},
        {"left_upper_leg", kX, -88},
        {"left_lower_leg", kX, 105},
        {"left_foot", kX, 15},
        {"spine", kZ, 4},
        {"head", kY, 22}}},
  };
  for (const Turn& turn : fist("left", 1.0f, 34.0f)) poses[2].turns.push_back(turn);
  for (const Turn& turn : fist("right", -1.0f, 34.0f)) poses[2].turns.push_back(turn);
  for (const Turn& turn : fist("right", -1.0f, 62.0f)) poses[3].turns.push_back(turn);
  for (const Turn& turn : fist("left", 1.0f, 16.0f)) poses[1].turns.push_back(turn);
  for (const Turn& turn : fist("right", -1.0f, 16.0f)) poses[1].turns.push_back(turn);
  return poses;
}

}  // namespace

std::vector<std::string> poseNames() {
  std::vector<std::string> names;
  for (const NamedPose& pose : allPoses()) names.emplace_back(pose.name);
  return names;
}

core::Result<std::vector<glm::mat4>> posedPalette(const scene::Character& character,
                                                  const std::string& pose) {
  const std::vector<NamedPose> poses = allPoses();
  const auto found =
      std::find_if(poses.begin(), poses.end(), [&](const NamedPose& p) { return pose == p.name; });
  if (found == poses.end()) {
    return core::makeError(
        fmt::format("no pose \"{}\"; there are {}", pose, fmt::join(poseNames(), ", ")));
  }
  const anim::Skeleton& skeleton = character.skeleton;
  std::vector<math::RigidTransform> world(skeleton.size());
  anim::worldFromJoints(skeleton, skeleton.parent_from_joint, world);
  std::vector<math::RigidTransform> local = skeleton.parent_from_joint;
  for (const Turn& turn : found->turns) {
    const int joint = anim::findJoint(skeleton, turn.joint);
    if (joint < 0) continue;
    const auto index = static_cast<std::size_t>(joint);
    // The world's axis as the joint's own frame sees it in the T-pose.
    const glm::vec3 axis = glm::conjugate(world[index].rotation) * turn.axis;
    local[index].rotation =
        local[index].rotation * glm::angleAxis(glm::radians(turn.degrees), axis);
  }
  anim::worldFromJoints(skeleton, local, world);
  std::vector<glm::mat4> palette(skeleton.size());
  anim::makePalette(world, character.joint_from_bind, palette);
  // The lowest vertex stands on the floor.
  float lowest = 1e30f;
  for (const scene::Mesh& mesh : character.meshes) {
    for (const scene::Vertex& vertex : mesh.vertices) {
      float height = 0.0f;
      for (int i = 0; i < 4; ++i) {
        height +=
            vertex.weights[i] * (palette[vertex.joints[i]] * glm::vec4(vertex.position, 1.0f)).y;
      }
      lowest = std::min(lowest, height);
    }
  }
  for (glm::mat4& matrix : palette) matrix[3].y -= lowest;
  return palette;
}

}  // namespace understudy::portrait
