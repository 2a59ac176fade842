#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/shared/frame.h"

layout(set = 0, binding = 0, scalar) uniform Frame { FrameUniforms frame; };
layout(location = 0) out vec3 position;

const float kHalfSide = 120.0;

void main() {
  const vec2 corner = vec2((gl_VertexIndex & 1) == 0 ? 1.0 : -1.0, gl_VertexIndex < 2 ? -1.0 : 1.0);
  position = vec3(frame.eye.x + corner.x * kHalfSide, 0.0, frame.eye.z + corner.y * kHalfSide);
  gl_Position = frame.clip_from_world * vec4(position, 1.0);
}
