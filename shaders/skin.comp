#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/shared/character.h"
#include "shaders/octahedral.glsl"

// Linear blend skinning of one performer, once per frame for all passes.
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
layout(push_constant, scalar) uniform Push { SkinPush push; };

void main() {
  const uint index = gl_GlobalInvocationID.x;
  if (index >= push.vertex_count) return;
  const BindVertex vertex = BindVertices(push.bind_vertices).at[index];
  Palette palette = Palette(push.palette);
  const uvec4 joints = uvec4(vertex.joints01 & 0xffffu, vertex.joints01 >> 16,
                             vertex.joints23 & 0xffffu, vertex.joints23 >> 16);
  vec4 row[3] = vec4[3](vec4(0.0), vec4(0.0), vec4(0.0));
  for (int i = 0; i < 4; ++i) {
    const JointRows joint = palette.at[joints[i]];
    row[0] += joint.row[0] * vertex.weights[i];
    row[1] += joint.row[1] * vertex.weights[i];
    row[2] += joint.row[2] * vertex.weights[i];
  }
  const vec4 position = vec4(vertex.position, 1.0);
  // Normals turn with the cofactor matrix: right for scaled joints too.
  const vec3 cofactor_0 = cross(row[1].xyz, row[2].xyz);
  const vec3 cofactor_1 = cross(row[2].xyz, row[0].xyz);
  const vec3 cofactor_2 = cross(row[0].xyz, row[1].xyz);
  const vec3 normal = vec3(dot(cofactor_0, vertex.normal), dot(cofactor_1, vertex.normal),
                           dot(cofactor_2, vertex.normal));
  const vec3 tangent = vec3(dot(row[0].xyz, vertex.tangent), dot(row[1].xyz, vertex.tangent),
                            dot(row[2].xyz, vertex.tangent));
  SkinnedVertex skinned;
  skinned.position = vec3(dot(row[0], position), dot(row[1], position), dot(row[2], position));
  skinned.normal = packSnorm2x16(octahedralFromDirection(normalize(normal)));
  skinned.tangent = packSnorm2x16(octahedralFromDirection(normalize(tangent)));
  SkinnedVertices(push.skinned_vertices).at[index] = skinned;
}
