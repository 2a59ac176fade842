#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/shared/frame.h"
#include "shaders/shared/overlay.h"

layout(set = 0, binding = 0, scalar) uniform Frame { FrameUniforms frame; };
layout(set = 0, binding = 8, scalar) readonly buffer Spheres { OverlaySphere spheres[]; };

layout(location = 0) out vec2 disk;
layout(location = 1) out vec4 color;
layout(location = 2) out float edge;

// A square that faces the eye, a little larger than the ball.
void main() {
  const OverlaySphere sphere = spheres[gl_InstanceIndex];
  const vec3 away = sphere.position - frame.eye;
  const float depth = max(dot(away, frame.view_forward), 1e-3);
  const float pixel = depth * frame.pixel_tangent;
  const float radius = max(sphere.radius, 2.0 * pixel);
  edge = pixel / radius;
  const vec2 corner = vec2((gl_VertexIndex & 1) == 0 ? -1.0 : 1.0, gl_VertexIndex < 2 ? -1.0 : 1.0);
  disk = corner * (1.0 + edge);
  color = sphere.color;
  const vec3 forward = away / max(length(away), 1e-4);
  const vec3 right = normalize(cross(forward, frame.view_up));
  const vec3 up = cross(right, forward);
  // The nearest point of the ball decides what hides it.
  const vec3 at = sphere.position - forward * sphere.radius +
                  radius * (disk.x * right + disk.y * up);
  gl_Position = frame.clip_from_world * vec4(at, 1.0);
}
