#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/shared/frame.h"
#include "shaders/scene_bindings.glsl"
#include "shaders/stage_light.glsl"

layout(constant_id = 0) const bool kGrid = true;

layout(location = 0) in vec3 position;
layout(location = 0) out vec4 color;

/// Mean of a row of lines at whole multiples of `spacing`, over a pixel's footprint: the integral of
/// the lines between the footprint's ends.
float lineShare(float x, float footprint, float spacing, float width) {
  const float half_width = 0.5 * width / spacing;
  const float span = max(footprint / spacing, 1e-5);
  const float a = x / spacing - 0.5 * span + half_width;
  const float b = a + span;
  const float from = floor(a) * 2.0 * half_width + min(fract(a), 2.0 * half_width);
  const float to = floor(b) * 2.0 * half_width + min(fract(b), 2.0 * half_width);
  return clamp((to - from) / span, 0.0, 1.0);
}

/// Mean of one line at 0 over the footprint.
float oneLine(float x, float footprint, float width) {
  const float reach = 0.5 * footprint, edge = 0.5 * width;
  return clamp((min(x + reach, edge) - max(x - reach, -edge)) / footprint, 0.0, 1.0);
}

/// Share of the footprint between 0 and 1.
float within(float x, float footprint) {
  return clamp(x / footprint + 0.5, 0.0, 1.0) * clamp((1.0 - x) / footprint + 0.5, 0.0, 1.0);
}

float grid(vec2 place, vec2 footprint, float spacing, float width) {
  const float x = lineShare(place.x, footprint.x, spacing, width);
  const float y = lineShare(place.y, footprint.y, spacing, width);
  return x + y - x * y;
}

void main() {
  const vec3 away = position - frame.eye;
  const float distance = length(away);
  const vec3 to_eye = -away / distance;
  const vec2 footprint = max(abs(dFdx(position.xz)) + abs(dFdy(position.xz)), vec2(1e-4));

  vec3 albedo = kFloorAlbedo;
  if (kGrid) {
    const float far = clamp(1.0 - distance / 26.0, 0.0, 1.0);
    const float metre = grid(position.xz, footprint, 1.0, 0.012);
    const float tenth = grid(position.xz, footprint, 0.25, 0.004);
    albedo = mix(albedo, vec3(0.115, 0.117, 0.122), tenth * 0.35 * clamp(1.0 - distance / 9.0, 0.0, 1.0));
    albedo = mix(albedo, vec3(0.46, 0.47, 0.49), metre * 0.75 * far * far);
    // The stage's axes: +X warm, +Z cool.
    const float x_axis = oneLine(position.z, footprint.y, 0.018) * within(position.x, footprint.x);
    const float z_axis = oneLine(position.x, footprint.x, 0.018) * within(position.z, footprint.y);
    albedo = mix(albedo, vec3(0.50, 0.10, 0.07), 0.85 * x_axis);
    albedo = mix(albedo, vec3(0.07, 0.19, 0.52), 0.85 * z_axis);
  }

  const float contact = floorContact(position.xz);
  const float shadow = keyShadow(position, vec3(0.0, 1.0, 0.0), gl_FragCoord.xy);
  // Light from a lamp, not from a sun: it falls off towards the walls.
  const float pool = 1.0 / (1.0 + 0.0022 * dot(position.xz, position.xz));
  const vec3 ambient = frame.floor_ambient * contact;
  vec3 light = albedo * (frame.key_color * (frame.to_key.y * shadow * pool / kPi) +
                         ambient * mix(0.75, 1.0, pool));

  const float n_v = max(to_eye.y, 0.0);
  const float mirror_share = 0.06 + 0.40 * pow(1.0 - n_v, 5.0);
  float alpha = 1.0;
  if (frame.floor_reflection > 0.5) {
    alpha = 1.0 - mirror_share;
  } else {
    const vec3 mirror = vec3(-to_eye.x, to_eye.y, -to_eye.z);
    light = mix(light, backdrop(mirror), mirror_share * contact);
  }

  // Into the backdrop well before the floor ends.
  const vec3 behind = backdrop(vec3(0.0));
  const float fade = smoothstep(5.0, 34.0, distance);
  color = vec4(mix(light, behind, fade), mix(alpha, 1.0, fade));
}
