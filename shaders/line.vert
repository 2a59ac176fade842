#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/shared/frame.h"
#include "shaders/shared/overlay.h"

layout(set = 0, binding = 0, scalar) uniform Frame { FrameUniforms frame; };
layout(set = 0, binding = 9, scalar) readonly buffer Lines { OverlayLine lines[]; };

layout(location = 0) out vec4 color;
layout(location = 1) out vec2 across_px;  // Distance from the middle, half the width.

// A strip of constant width on the screen with soft edges.
void main() {
  const OverlayLine line = lines[gl_InstanceIndex];
  vec4 from = frame.clip_from_world * vec4(line.from, 1.0);
  vec4 to = frame.clip_from_world * vec4(line.to, 1.0);
  const float near = 0.06;
  if (from.w < near && to.w >= near) from = mix(from, to, (near - from.w) / (to.w - from.w));
  if (to.w < near && from.w >= near) to = mix(to, from, (near - to.w) / (from.w - to.w));
  const bool behind = from.w < near && to.w < near;
  const vec2 from_px = from.xy / from.w * 0.5 * frame.size_px;
  const vec2 to_px = to.xy / to.w * 0.5 * frame.size_px;
  const vec2 along = to_px - from_px;
  const float size = length(along);
  const vec2 direction = size > 1e-4 ? along / size : vec2(1.0, 0.0);
  const float half_width = 0.5 * max(line.width_px, 1.0);
  const float side = (gl_VertexIndex & 1) == 0 ? -1.0 : 1.0;
  const float reach = half_width + 1.0;
  vec4 at = gl_VertexIndex < 2 ? from : to;
  at.xy += vec2(-direction.y, direction.x) * (side * reach * 2.0 * at.w) / frame.size_px;
  if (line.in_front > 0.5) at.z = at.w * 0.999;
  across_px = vec2(side * reach, half_width);
  color = line.color;
  gl_Position = behind ? vec4(0.0, 0.0, -1.0, 1.0) : at;
}
