#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/shared/environment.h"
#include "shaders/shared/frame.h"
#include "shaders/octahedral.glsl"
#include "shaders/scene_bindings.glsl"
#include "shaders/stage_light.glsl"

layout(constant_id = 0) const bool kMirrorFloor = false;
layout(constant_id = 1) const bool kFine = true;

layout(location = 0) in vec3 ray;
layout(location = 0) out vec4 color;

/// The picture through a cubic B-spline, where its texels are larger than pixels: four bilinear
/// look-ups between the texels (Sigg and Hadwiger, "Fast Third-Order Texture Filtering", GPU Gems 2,
/// 2005).
vec3 smoothSky(vec2 place) {
  const vec2 size = vec2(textureSize(environment_map, 0));
  const vec2 at = place * size - 0.5;
  const vec2 f = fract(at), g = 1.0 - f;
  const vec2 w0 = g * g * g / 6.0;
  const vec2 w1 = (4.0 - 6.0 * f * f + 3.0 * f * f * f) / 6.0;
  const vec2 w3 = f * f * f / 6.0;
  const vec2 w2 = 1.0 - w0 - w1 - w3;
  const vec2 low_share = w0 + w1, high_share = w2 + w3;
  const vec2 low = (floor(at) - 0.5 + w1 / low_share) / size;
  const vec2 high = (floor(at) + 1.5 + w3 / high_share) / size;
  const vec3 top = low_share.x * textureLod(environment_map, low, 0.0).rgb +
                   high_share.x * textureLod(environment_map, vec2(high.x, low.y), 0.0).rgb;
  const vec3 bottom = low_share.x * textureLod(environment_map, vec2(low.x, high.y), 0.0).rgb +
                      high_share.x * textureLod(environment_map, high, 0.0).rgb;
  return low_share.y * top + high_share.y * bottom;
}

void main() {
  const vec3 direction = normalize(ray);
  const bool below = direction.y < 0.0 && frame.eye.y > 0.0;
  const float distance = frame.eye.y / max(-direction.y, 1e-5);
  const vec3 seen = below ? groundDirection(direction.xz * distance) : direction;
  const vec2 place = environmentPlace(seen);
  vec3 light = kFine ? smoothSky(place) : textureLod(environment_map, place, 0.0).rgb;
  if (kMirrorFloor && below) {
    // Below the horizon the room is seen in the floor, where the floor is near enough.
    const vec3 mirrored = mirroredLight(vec3(direction.x, -direction.y, direction.z),
                                        environment.floor_roughness, kFine);
    light = mix(mirrored, light,
                smoothstep(environment.floor_fade_near, environment.floor_fade_far, distance));
  }
  // The sun's disk, its edge one pixel soft.
  const float edge = 2.0 * frame.pixel_tangent * sqrt(max(1.0 - environment.sun_cosine, 0.0));
  const float disk = clamp((dot(direction, frame.to_key) - environment.sun_cosine) / max(edge, 1e-7) + 0.5, 0.0, 1.0);
  if (!below) light += environment.sun_radiance * disk;
  color = vec4(light, 1.0);
}
