#pragma once

#include <glm/glm.hpp>
#include <vector>

#include "engine/anim/kinematics.h"
#include "engine/anim/palette.h"
#include "engine/scene/character.h"

namespace understudy::test {

/// Adds an axis-aligned box whose vertices hang on the two joints with weight `share` on the first.
inline void addBox(scene::Mesh& mesh, const glm::vec3& low, const glm::vec3& high,
                   glm::u16vec4 joints, float share = 1.0f) {
  for (int axis = 0; axis < 3; ++axis) {
    for (const float side : {-1.0f, 1.0f}) {
      const auto base = static_cast<std::uint32_t>(mesh.vertices.size());
      const int u = (axis + 1) % 3, v = (axis + 2) % 3;
      for (int corner = 0; corner < 4; ++corner) {
        scene::Vertex vertex;
        vertex.position[axis] = side < 0 ? low[axis] : high[axis];
        vertex.position[u] = (corner & 1) == 0 ? low[u] : high[u];
        vertex.position[v] = (corner & 2) == 0 ? low[v] : high[v];
        vertex.normal = glm::vec3(0.0f);
        vertex.normal[axis] = side;
        vertex.tangent = glm::vec4(0.0f, 0.0f, 0.0f, 1.0f);
        vertex.tangent[u] = 1.0f;
        vertex.uv = {(corner & 1) == 0 ? 0.0f : 1.0f, (corner & 2) == 0 ? 0.0f : 1.0f};
        vertex.joints = joints;
        vertex.weights = {share, 1.0f - share, 0.0f, 0.0f};
        mesh.vertices.push_back(vertex);
      }
      const bool forward = side > 0.0f;
      for (const std::uint32_t i : {0u, 1u, 3u, 0u, 3u, 2u}) {
        // Counter-clockwise seen from outside.
        const std::uint32_t flipped = i == 1u ? 2u : i == 2u ? 1u : i;
        mesh.indices.push_back(base + (forward ? i : flipped));
      }
    }
  }
}

/// A slab of one material, its upper face one metre up, on one joint.
inline scene::Character slab(const scene::Material& material) {
  scene::Character made;
  made.name = "slab";
  made.skeleton.names = {"root"};
  made.skeleton.parents = {anim::kNoParent};
  made.skeleton.parent_from_joint.resize(1);
  made.joint_from_bind = {glm::mat4(1.0f)};
  made.materials = {material};
  scene::Mesh mesh{.name = "slab"};
  addBox(mesh, {-1.0f, 0.9f, -1.0f}, {1.0f, 1.0f, 1.0f}, {0, 0, 0, 0});
  made.meshes = {mesh};
  return made;
}

/// A man of boxes, 1.8 m tall, with seven joints: hips, chest, head, two arms, two legs.
inline scene::Character boxMan() {
  scene::Character man;
  man.name = "box man";
  const auto joint = [&](const char* name, int parent, glm::vec3 from_parent) {
    man.skeleton.names.emplace_back(name);
    man.skeleton.parents.push_back(parent);
    man.skeleton.parent_from_joint.push_back({glm::quat(1.0f, 0.0f, 0.0f, 0.0f), from_parent});
  };
  joint("hips", anim::kNoParent, {0.0f, 0.95f, 0.0f});
  joint("chest", 0, {0.0f, 0.25f, 0.0f});
  joint("head", 1, {0.0f, 0.35f, 0.0f});
  joint("left_arm", 1, {0.18f, 0.25f, 0.0f});
  joint("right_arm", 1, {-0.18f, 0.25f, 0.0f});
  joint("left_leg", 0, {0.1f, -0.05f, 0.0f});
  joint("right_leg", 0, {-0.1f, -0.05f, 0.0f});
  std::vector<math::RigidTransform> world(man.skeleton.size());
  anim::worldFromJoints(man.skeleton, man.skeleton.parent_from_joint, world);
  for (const auto& world_from_joint : world) {
    man.joint_from_bind.push_back(math::toMatrix(math::inverse(world_from_joint)));
  }
  scene::Material cloth{.name = "cloth", .base_color = {0.5f, 0.3f, 0.2f, 1.0f}};
  scene::Material metal{
      .name = "metal", .base_color = {0.9f, 0.9f, 0.9f, 1.0f}, .metallic = 1.0f, .roughness = 0.3f};
  man.materials = {cloth, metal};
  scene::Mesh body{.name = "body", .material = 0};
  addBox(body, {-0.16f, 0.90f, -0.1f}, {0.16f, 1.15f, 0.1f}, {0, 1, 0, 0}, 0.5f);
  addBox(body, {-0.18f, 1.15f, -0.1f}, {0.18f, 1.5f, 0.1f}, {1, 0, 0, 0});
  addBox(body, {0.18f, 1.4f, -0.05f}, {0.8f, 1.5f, 0.05f}, {3, 0, 0, 0});
  addBox(body, {-0.8f, 1.4f, -0.05f}, {-0.18f, 1.5f, 0.05f}, {4, 0, 0, 0});
  addBox(body, {0.04f, 0.0f, -0.08f}, {0.16f, 0.9f, 0.08f}, {5, 0, 0, 0});
  addBox(body, {-0.16f, 0.0f, -0.08f}, {-0.04f, 0.9f, 0.08f}, {6, 0, 0, 0});
  scene::Mesh head{.name = "head", .material = 1};
  addBox(head, {-0.1f, 1.55f, -0.1f}, {0.1f, 1.8f, 0.1f}, {2, 0, 0, 0});
  man.meshes = {body, head};
  return man;
}

/// The palette of the character's rest pose, moved to a place.
inline std::vector<glm::mat4> restPalette(const scene::Character& character,
                                          const glm::vec3& place = glm::vec3(0.0f)) {
  std::vector<math::RigidTransform> world(character.skeleton.size());
  anim::worldFromJoints(character.skeleton, character.skeleton.parent_from_joint, world);
  std::vector<glm::mat4> palette(character.skeleton.size());
  for (auto& transform : world) transform.translation += place;
  anim::makePalette(world, character.joint_from_bind, palette);
  return palette;
}

}  // namespace understudy::test
