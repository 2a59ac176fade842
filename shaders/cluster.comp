#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/shared/frame.h"
#include "shaders/shared/lights.h"

// Which lamps reach which cluster of the view, as bits: no list that could overflow (after Drobot,
// "Improved Culling for Tiled and Clustered Rendering", 2017). One invocation per cluster and word.
layout(local_size_x = 64) in;
layout(set = 0, binding = 0, scalar) uniform Frame { FrameUniforms frame; };
layout(set = 0, binding = 12, scalar) readonly buffer Lamps { LampTable table; };
layout(set = 0, binding = 13, scalar) writeonly buffer Clusters { uint reached[]; };

/// The cluster's box about the view's axes: right, up, forward.
void clusterBox(uint cluster, out vec3 low, out vec3 high) {
  const uint column = cluster % kClusterColumns;
  const uint row = cluster / kClusterColumns % kClusterRows;
  const uint slice = cluster / (kClusterColumns * kClusterRows);
  const float near = slice == 0u ? 0.0 : kClusterNear * pow(kClusterRatio, float(slice - 1u));
  const bool last = slice == kClusterSlices - 1u;
  const float far = last ? 1e5 : kClusterNear * pow(kClusterRatio, float(slice));
  const vec2 tangent = vec2(length(frame.view_right), length(frame.view_up));
  const vec2 grid = vec2(kClusterColumns, kClusterRows);
  // Rows are counted from the top.
  const vec2 a = (vec2(column, row) / grid * 2.0 - 1.0) * vec2(tangent.x, -tangent.y);
  const vec2 b = (vec2(column + 1u, row + 1u) / grid * 2.0 - 1.0) * vec2(tangent.x, -tangent.y);
  const vec2 least = min(a, b), most = max(a, b);
  low = vec3(min(least * near, least * far), near);
  high = vec3(max(most * near, most * far), far);
}

bool reaches(Lamp lamp, vec3 low, vec3 high) {
  const vec3 to_lamp = lamp.position - frame.eye;
  const vec3 at = vec3(dot(to_lamp, normalize(frame.view_right)),
                       dot(to_lamp, normalize(frame.view_up)), dot(to_lamp, frame.view_forward));
  const vec3 away = max(max(low - at, at - high), vec3(0.0));
  return dot(away, away) <= lamp.reach * lamp.reach;
}

void main() {
  const uint cluster = gl_GlobalInvocationID.x / kLightWords;
  const uint word = gl_GlobalInvocationID.x % kLightWords;
  if (cluster >= kClusterCount) return;
  vec3 low, high;
  clusterBox(cluster, low, high);
  uint bits = 0u;
  for (uint i = 0u; i < 32u && word * 32u + i < table.count; ++i) {
    if (reaches(table.lamps[word * 32u + i], low, high)) bits |= 1u << i;
  }
  reached[gl_GlobalInvocationID.x] = bits;
}
