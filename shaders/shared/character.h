#ifndef UNDERSTUDY_SHADERS_SHARED_CHARACTER_H
#define UNDERSTUDY_SHADERS_SHARED_CHARACTER_H
#include "shaders/shared/types.h"
#ifdef __cplusplus
namespace understudy::shaders {
#endif

/// A vertex in the bind pose, as skinning reads it.
struct BindVertex {
  vec3 position;
  vec3 normal;
  vec3 tangent;
  uint joints01;  ///< Two 16-bit joint numbers, the first in the low half.
  uint joints23;
  vec4 weights;
};

/// What skinning leaves the same.
struct FixedVertex {
  vec2 uv;
  float handedness;  ///< Of the bitangent, 1 or -1.
  float exposure;    ///< Share of the sky seen in the bind pose, 0 to 1.
};

/// A skinned vertex. Directions are octahedral, two 16-bit signed fractions.
struct SkinnedVertex {
  vec3 position;  ///< World.
  uint normal;
  uint tangent;
};

/// world_from_bind of one joint: its first three rows.
struct JointRows {
  vec4 row[3];
};

/// What skinning does for one performer.
struct SkinJob {
  device_address bind_vertices;
  device_address skinned_vertices;
  uint first_joint;  ///< In the frame's palettes.
  uint vertex_count;
};

struct SkinPush {
  device_address jobs;  ///< SkinJob, one per row of the dispatch.
  device_address palettes;
};

/// One material of glTF 2.0; colours are linear.
struct MaterialUniforms {
  vec4 base_color;
  vec3 emissive;
  float normal_scale;
  float metallic;
  float roughness;
  float alpha_cutoff;
  uint has_normal_map;
};

#ifdef __cplusplus
static_assert(sizeof(BindVertex) == 60 && sizeof(FixedVertex) == 16);
static_assert(sizeof(SkinnedVertex) == 20 && sizeof(JointRows) == 48);
static_assert(sizeof(MaterialUniforms) == 48);
}  // namespace understudy::shaders
#endif
#endif
