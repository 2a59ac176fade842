#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/shared/frame.h"

layout(set = 0, binding = 0, scalar) uniform Frame { FrameUniforms frame; };
layout(location = 0) out vec3 ray;

// One triangle that covers the image at the far end.
void main() {
  const vec2 corner = vec2(gl_VertexIndex == 1 ? 3.0 : -1.0, gl_VertexIndex == 2 ? 3.0 : -1.0);
  ray = frame.view_forward + corner.x * frame.view_right - corner.y * frame.view_up;
  gl_Position = vec4(corner, 0.0, 1.0);
}
