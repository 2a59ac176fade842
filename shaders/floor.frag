#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/shared/environment.h"
#include "shaders/shared/frame.h"
#include "shaders/shared/lights.h"
#include "shaders/octahedral.glsl"
#include "shaders/scene_bindings.glsl"
#include "shaders/stage_light.glsl"
#include "shaders/lamps.glsl"

layout(constant_id = 0) const bool kGrid = true;
layout(constant_id = 1) const bool kFine = true;
layout(constant_id = 4) const bool kLamps = false;

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

/// Irradiance of the lamps on the floor.
vec3 lampsOnFloor() {
  vec3 sum = vec3(0.0);
  const uint words = lampWords();
  const uint first = words > 0u ? clusterOf(position) * kLightWords : 0u;
  for (uint word = 0u; word < words; ++word) {
    uint bits = reached[first + word];
    while (bits != 0u) {
      const uint lamp = word * 32u + uint(findLSB(bits));
      bits &= bits - 1u;
      vec3 to_lamp;
      const vec3 irradiance = lampLight(table.lamps[lamp], position, to_lamp);
      sum += irradiance * max(to_lamp.y, 0.0);
    }
  }
  return sum;
}

void main() {
  const vec3 away = position - frame.eye;
  const float distance = length(away);
  const vec3 to_eye = -away / distance;
  const vec2 footprint = max(abs(dFdx(position.xz)) + abs(dFdy(position.xz)), vec2(1e-4));

  vec3 albedo = environment.floor_color;
  if (kGrid) {
    const float far = clamp(1.0 - distance / 26.0, 0.0, 1.0);
    const float metre = grid(position.xz, footprint, 1.0, 0.012);
    const float tenth = grid(position.xz, footprint, 0.25, 0.004);
    albedo = mix(albedo, environment.floor_color * 0.77, tenth * 0.35 * clamp(1.0 - distance / 9.0, 0.0, 1.0));
    albedo = mix(albedo, vec3(0.46, 0.47, 0.49), metre * 0.75 * far * far);
    // The stage's axes: +X warm, +Z cool.
    const float x_axis = oneLine(position.z, footprint.y, 0.018) * within(position.x, footprint.x);
    const float z_axis = oneLine(position.x, footprint.x, 0.018) * within(position.z, footprint.y);
    albedo = mix(albedo, vec3(0.50, 0.10, 0.07), 0.85 * x_axis);
    albedo = mix(albedo, vec3(0.07, 0.19, 0.52), 0.85 * z_axis);
  }

  const float contact = floorContact(position.xz);
  const float shadow = keyShadow(position, vec3(0.0, 1.0, 0.0), gl_FragCoord.xy);
  // Light from a lamp falls off towards the walls; that of a sun does not.
  const float pool = 1.0 / (1.0 + environment.key_falloff * dot(position.xz, position.xz));
  const vec3 ambient = frame.floor_ambient * contact;
  vec3 light = albedo * (frame.key_color * (frame.to_key.y * shadow * pool / kPi) +
                         ambient * mix(0.75, 1.0, pool) + (kLamps ? lampsOnFloor() / kPi : vec3(0.0)));

  const float n_v = max(to_eye.y, 0.0);
  const float grazing = 1.0 - n_v, square = grazing * grazing;
  const float mirror_share =
      environment.floor_reflection +
      1.33 * (1.0 - environment.floor_roughness) * (1.0 - environment.floor_roughness) *
          (square * square * grazing);
  // Into the picture of the ground well before the floor ends.
  const float fade =
      smoothstep(environment.floor_fade_near, environment.floor_fade_far, distance);
  float alpha = 1.0;
  if (kFine) {
    const vec3 behind =
        textureLod(environment_map, environmentPlace(groundDirection(away.xz)), 0.0).rgb;
    if (frame.floor_reflection > 0.5) {
      alpha = 1.0 - mirror_share;
    } else {
      const vec3 mirror = vec3(-to_eye.x, to_eye.y, -to_eye.z);
      light = mix(light, mirroredLight(mirror, environment.floor_roughness, kFine),
                  mirror_share * contact);
    }
    color = vec4(mix(light, behind, fade), mix(alpha, 1.0, fade));
  } else {
    // One look-up for both: what is mirrored where the floor is near, the ground where it is far,
    // and between them, where little of either shows, what lies between.
    const float slide = clamp(10.0 * fade, 0.0, 1.0);
    const vec3 ground = groundDirection(away.xz);
    const vec3 seen = vec3(ground.x, mix(to_eye.y, ground.y, slide), ground.z);
    const float level = levelOf(environment.floor_roughness, kFine) * (1.0 - slide);
    const vec3 around = textureLod(environment_map, environmentPlace(seen), level).rgb;
    color = vec4(mix(light, around, mix(mirror_share * contact, 1.0, fade)), 1.0);
  }
}
