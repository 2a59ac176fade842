#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/shared/frame.h"
#include "shaders/scene_bindings.glsl"
#include "shaders/stage_light.glsl"

layout(constant_id = 0) const bool kMirrorFloor = false;

layout(location = 0) in vec3 ray;
layout(location = 0) out vec4 color;

void main() {
  const vec3 direction = normalize(ray);
  vec3 light = backdrop(direction);
  if (kMirrorFloor && direction.y < 0.0) {
    // Below the horizon the room is seen in the floor, where the floor is near enough.
    const float distance = frame.eye.y / max(-direction.y, 1e-5);
    const vec3 mirrored = environment(vec3(direction.x, -direction.y, direction.z), 0.62);
    light = mix(mirrored, light, smoothstep(5.0, 34.0, distance));
  }
  color = vec4(light, 1.0);
}
