#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/shared/character.h"
#include "shaders/octahedral.glsl"

// Linear blend skinning of all performers, once per frame for all passes; one row of the dispatch
// each.
layout(local_size_x = 64) in;

layout(buffer_reference, scalar, buffer_reference_align = 4) readonly buffer BindVertices {
  BindVertex at[];
};
layout(buffer_reference, scalar, buffer_reference_align = 4) readonly buffer Palette {
  JointRows at[];
};
layout(buffer_reference, scalar, buffer_reference_align = 4) writeonly buffer SkinnedVertices {
  SkinnedVertex at[];
};
layout(buffer_reference, scalar, buffer_reference_align = 8) readonly buffer Jobs { SkinJob at[]; };
layout(push_constant, scalar) uniform Push { SkinPush push; };

void main() {
  const uint index = gl_GlobalInvocationID.x;
  const SkinJob job = Jobs(push.jobs).at[gl_WorkGroupID.y];
  if (index >= job.vertex_count) return;
  const BindVertex vertex = BindVertices(job.bind_vertices).at[index];
  Palette palette = Palette(push.palettes);
  uvec4 joints = job.first_joint + uvec4(vertex.joints01 & 0xffffu, vertex.joints01 >> 16,
                                         vertex.joints23 & 0xffffu, vertex.joints23 >> 16);
  vec4 weights = vertex.weights;
  // Most vertices have fewer than four joints. A loop that does not run is skipped by devices that
  // mask branches.
  const uint count = weights.w > 0.0 ? 4u : weights.z > 0.0 ? 3u : weights.y > 0.0 ? 2u : 1u;
  vec4 row_0 = vec4(0.0), row_1 = vec4(0.0), row_2 = vec4(0.0);
  for (uint k = 0; k < count; ++k) {
    const JointRows joint = palette.at[joints.x];
    row_0 += joint.row[0] * weights.x;
    row_1 += joint.row[1] * weights.x;
    row_2 += joint.row[2] * weights.x;
    joints = joints.yzwx;
    weights = weights.yzwx;
  }
  const vec4 position = vec4(vertex.position, 1.0);
  // Normals turn with the cofactor matrix: right for scaled joints too.
  const vec3 cofactor_0 = cross(row_1.xyz, row_2.xyz);
  const vec3 cofactor_1 = cross(row_2.xyz, row_0.xyz);
  const vec3 cofactor_2 = cross(row_0.xyz, row_1.xyz);
  const vec3 normal = vec3(dot(cofactor_0, vertex.normal), dot(cofactor_1, vertex.normal),
                           dot(cofactor_2, vertex.normal));
  const vec3 tangent = vec3(dot(row_0.xyz, vertex.tangent), dot(row_1.xyz, vertex.tangent),
                            dot(row_2.xyz, vertex.tangent));
  SkinnedVertex skinned;
  skinned.position = vec3(dot(row_0, position), dot(row_1, position), dot(row_2, position));
  skinned.normal = packSnorm2x16(octahedralFromDirection(normalize(normal)));
  skinned.tangent = packSnorm2x16(octahedralFromDirection(normalize(tangent)));
  SkinnedVertices(job.skinned_vertices).at[index] = skinned;
}
