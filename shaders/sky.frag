#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/shared/frame.h"
#include "shaders/scene_bindings.glsl"
#include "shaders/stage_light.glsl"

layout(location = 0) in vec3 ray;
layout(location = 0) out vec4 color;

void main() {
  const vec3 direction = normalize(ray);
  // Below the horizon the room is seen in the floor.
  color = vec4(direction.y >= 0.0 ? backdrop(direction)
                                  : environment(vec3(direction.x, -direction.y, direction.z), 0.5),
               1.0);
}
