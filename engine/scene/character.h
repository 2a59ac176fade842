#pragma once

#include <cstdint>
#include <glm/glm.hpp>
#include <string>
#include <vector>

#include "engine/anim/skeleton.h"

namespace understudy::scene {

/// A picture in memory: RGBA, 8 bits a channel, rows from the top, no padding.
struct Image {
  std::uint32_t width = 0, height = 0;
  bool srgb = true;  ///< Colours (true) or linear data such as normals (false).
  std::vector<std::uint8_t> rgba;
};

enum class AlphaMode : std::uint8_t { opaque, mask, blend };

/// Metallic-roughness material of glTF 2.0. Texture members index Character::images, -1 = none.
struct Material {
  std::string name;
  glm::vec4 base_color{1.0f};  ///< Linear.
  float metallic = 0.0f;
  float roughness = 0.6f;
  glm::vec3 emissive{0.0f};
  float normal_scale = 1.0f;
  AlphaMode alpha_mode = AlphaMode::opaque;
  float alpha_cutoff = 0.5f;
  bool double_sided = false;
  int base_color_image = -1;
  int metallic_roughness_image = -1;
  int normal_image = -1;
  int emissive_image = -1;
  float ior = 1.5f;                  ///< Index of refraction of the surface: 1 to 5, or 0 for
                                     ///< mirrors as the specular-glossiness model means them.
  float specular = 1.0f;             ///< Strength of the dielectric reflection, 0 to 1.
  glm::vec3 specular_color{1.0f};    ///< Its colour seen from the front, linear, 0 to 16.
  float emissive_strength = 1.0f;    ///< 0 to 10,000; `emissive` already holds it.
  float clearcoat = 0.0f;            ///< Share of the surface under a clear layer, 0 to 1.
  float clearcoat_roughness = 0.0f;  ///< 0 to 1.
  glm::vec3 sheen_color{0.0f};       ///< Cloth's light at grazing angles, linear, 0 to 1.
  float sheen_roughness = 0.0f;      ///< 0 to 1.
  float transmission = 0.0f;         ///< Share of the light that passes a thin surface, 0 to 1.
  bool unlit = false;                ///< Base colour is meant to be shown without any light.
};

/// One vertex in the bind pose, metres. Up to four joints of Character::skeleton, weights sum to 1.
struct Vertex {
  glm::vec3 position{0.0f};
  glm::vec3 normal{0.0f, 1.0f, 0.0f};
  glm::vec4 tangent{1.0f, 0.0f, 0.0f, 1.0f};  ///< w = handedness of the bitangent.
  glm::vec2 uv{0.0f};
  glm::u16vec4 joints{0};
  glm::vec4 weights{1.0f, 0.0f, 0.0f, 0.0f};
};

/// What a shape at full weight adds to one vertex in the bind pose, metres.
struct MorphDelta {
  std::uint32_t vertex = 0;  ///< Index in Mesh::vertices.
  glm::vec3 position{0.0f};
  glm::vec3 normal{0.0f};
  glm::vec3 tangent{0.0f};
};

/// One shape of a mesh: only the vertices that it moves, in rising order, each once.
struct MorphTarget {
  std::string name;  ///< As the file says it; "target_3" if it says nothing.
  int arkit = -1;    ///< Index in arkitNames() if the name or the file's expressions say so.
  float rest_weight = 0.0f;
  std::vector<MorphDelta> deltas;
};

/// A coarser set of triangles over the same vertices.
struct DetailLevel {
  std::vector<std::uint32_t> indices;
  float error = 0.0f;  ///< How far the surface may have moved, metres.
};

/// Triangles of one material, counter-clockwise seen from outside.
struct Mesh {
  std::string name;
  int material = 0;  ///< Index in Character::materials.
  std::vector<Vertex> vertices;
  std::vector<std::uint32_t> indices;
  std::vector<MorphTarget> morphs;  ///< Empty if the mesh has no shapes.
  std::vector<DetailLevel> levels;  ///< From fine to coarse, without the mesh itself; see
                                    ///< asset::optimise().
};

/// A skinned character. Units metres, +Y up; looks along +Z in its rest pose, which is a T-pose if
/// the source says so. A mesh without skin hangs on one joint with weight 1.
struct Character {
  std::string name;
  anim::Skeleton skeleton;
  std::vector<glm::mat4> joint_from_bind;   ///< Inverse bind matrix per joint: bind-pose vertex ->
                                            ///< joint frame. May hold scale.
  std::vector<std::string> humanoid_names;  ///< Per joint: which part of the humanoid the file says
                                            ///< it is (our names, see HumanoidJoint), else empty.
                                            ///< May be empty as a whole.
  std::vector<Mesh> meshes;
  std::vector<Material> materials;
  std::vector<Image> images;
  std::vector<std::string> warnings;  ///< What the reader repaired or guessed, one line each.
};

}  // namespace understudy::scene
