#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/shared/frame.h"

layout(set = 0, binding = 0, scalar) uniform Frame { FrameUniforms frame; };

layout(location = 0) in vec2 disk;
layout(location = 1) in vec4 color;
layout(location = 2) in float edge;
layout(location = 0) out vec4 out_color;

void main() {
  const float radius = length(disk);
  const float cover = clamp((1.0 - radius) / edge + 0.5, 0.0, 1.0);
  const float front = sqrt(max(1.0 - radius * radius, 0.0));
  const vec3 right = normalize(frame.view_right), up = normalize(frame.view_up);
  const vec3 normal = disk.x * right + disk.y * up - front * frame.view_forward;
  const float lit = 0.42 + 0.58 * max(dot(normal, frame.to_key), 0.0);
  const vec3 half_way = normalize(frame.to_key - frame.view_forward);
  const float shine = 0.35 * pow(max(dot(normal, half_way), 0.0), 40.0);
  out_color = vec4(color.rgb * lit + shine, color.a * cover);
}
