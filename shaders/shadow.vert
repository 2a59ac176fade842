#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/shared/frame.h"

layout(set = 0, binding = 0, scalar) uniform Frame { FrameUniforms frame; };
layout(location = 0) in vec3 position;

void main() {
  const vec4 shadow = frame.shadow_from_world * vec4(position, 1.0);
  gl_Position = vec4(shadow.xy * 2.0 - 1.0, shadow.z, 1.0);
  // A body that is half gone throws no shadow: behind the far plane it is clipped.
  if (frame.presence[gl_InstanceIndex] < 0.5) gl_Position.z = 2.0;
}
