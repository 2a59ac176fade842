#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/shared/frame.h"
#include "shaders/octahedral.glsl"

layout(constant_id = 0) const bool kMirrored = false;

layout(set = 0, binding = 0, scalar) uniform Frame { FrameUniforms frame; };

layout(location = 0) in vec3 position;
layout(location = 1) in vec2 normal;
layout(location = 2) in vec2 tangent;
layout(location = 3) in vec2 uv;
layout(location = 4) in vec2 handedness_exposure;

layout(location = 0) centroid out vec3 out_position;
layout(location = 1) centroid out vec3 out_normal;
layout(location = 2) centroid out vec4 out_tangent;
layout(location = 3) centroid out vec3 out_uv_exposure;
layout(location = 4) flat out float out_presence;

void main() {
  out_position = position;
  out_presence = frame.presence[gl_InstanceIndex];
  out_normal = directionFromOctahedral(normal);
  out_tangent = vec4(directionFromOctahedral(tangent), handedness_exposure.x);
  out_uv_exposure = vec3(uv, handedness_exposure.y);
  const vec3 drawn = kMirrored ? vec3(position.x, -position.y, position.z) : position;
  gl_Position = frame.clip_from_world * vec4(drawn, 1.0);
}
