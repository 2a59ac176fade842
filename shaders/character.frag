#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/shared/character.h"
#include "shaders/shared/environment.h"
#include "shaders/shared/frame.h"
#include "shaders/shared/lights.h"
#include "shaders/octahedral.glsl"
#include "shaders/scene_bindings.glsl"
#include "shaders/stage_light.glsl"
#include "shaders/lamps.glsl"

layout(constant_id = 0) const bool kMirrored = false;
layout(constant_id = 1) const int kAlphaMode = 0;  // 0 opaque, 1 mask, 2 blend.
layout(constant_id = 2) const int kSamples = 1;
layout(constant_id = 4) const bool kLamps = false;

layout(set = 1, binding = 0, scalar) uniform Material { MaterialUniforms material; };
layout(set = 1, binding = 1) uniform sampler2D base_color_map;
layout(set = 1, binding = 2) uniform sampler2D metallic_roughness_map;
layout(set = 1, binding = 3) uniform sampler2D normal_map;
layout(set = 1, binding = 4) uniform sampler2D emissive_map;

layout(location = 0) centroid in vec3 position;
layout(location = 1) centroid in vec3 vertex_normal;
layout(location = 2) centroid in vec4 vertex_tangent;
layout(location = 3) centroid in vec3 uv_exposure;
layout(location = 4) flat in float presence;

layout(location = 0) out vec4 out_color;

vec3 surfaceNormal() {
  vec3 normal = normalize(vertex_normal);
  if (material.has_normal_map != 0u) {
    const vec3 tangent = vertex_tangent.xyz - normal * dot(normal, vertex_tangent.xyz);
    const float size = dot(tangent, tangent);
    if (size > 1e-8) {
      const vec3 unit = tangent * inversesqrt(size);
      vec3 bump = texture(normal_map, uv_exposure.xy).xyz * 2.0 - 1.0;
      bump.xy *= material.normal_scale;
      normal = normalize(unit * bump.x + cross(normal, unit) * vertex_tangent.w * bump.y +
                         normal * bump.z);
    }
  }
  return gl_FrontFacing != kMirrored ? normal : -normal;
}

// Samples of this pixel that who fades still covers, dithered from pixel to pixel: no sorting, and
// depth stays as it is.
int presentSamples() {
  const int whole = (1 << kSamples) - 1;
  if (presence >= 1.0) return whole;
  const int count = int(presence * float(kSamples) + 1.0 - interleavedNoise(gl_FragCoord.xy) - 1e-4);
  return whole >> (kSamples - clamp(count, 0, kSamples));
}

/// What shading needs to know of the surface at this pixel.
struct Surface {
  vec3 normal, to_eye;
  float n_v;
  vec3 diffuse, f0;
  vec3 gain;  ///< Of reflections, by light that bounces more than once between facets.
  float alpha_square;
};

/// Light towards the eye for a light of irradiance 1 from a direction: Lambert, and GGX with
/// Smith's height-correlated masking. `spread` widens the highlight by the light's size.
vec3 shade(Surface s, vec3 to_light, float spread) {
  const vec3 half_way = normalize(to_light + s.to_eye);
  const float n_l = max(dot(s.normal, to_light), 0.0);
  const float n_h = max(dot(s.normal, half_way), 0.0);
  const float v_h = max(dot(s.to_eye, half_way), 0.0);
  const float wide = clamp(s.alpha_square + spread, 0.0, 1.0);
  const float d = (n_h * wide - n_h) * n_h + 1.0;
  const float distribution = wide / (kPi * d * d);
  const float a = s.alpha_square;
  const float visibility = 0.5 / max(n_l * sqrt(s.n_v * s.n_v * (1.0 - a) + a) +
                                         s.n_v * sqrt(n_l * n_l * (1.0 - a) + a),
                                     1e-4);
  const float grazing = 1.0 - v_h, square = grazing * grazing;
  const vec3 fresnel = s.f0 + (1.0 - s.f0) * (square * square * grazing);
  return n_l * (s.diffuse * (1.0 - fresnel) / kPi +
                min(fresnel * s.gain * distribution * visibility, vec3(16.0)));
}

/// Light of the lamps that reach this place.
vec3 shadeLamps(Surface s) {
  vec3 light = vec3(0.0);
  const uint words = lampWords();
  const uint first = words > 0u ? clusterOf(position) * kLightWords : 0u;
  for (uint word = 0u; word < words; ++word) {
    uint bits = reached[first + word];
    while (bits != 0u) {
      const uint lamp = word * 32u + uint(findLSB(bits));
      bits &= bits - 1u;
      vec3 to_lamp;
      const vec3 irradiance = lampLight(table.lamps[lamp], position, to_lamp);
      light += irradiance * shade(s, to_lamp, 0.0);
    }
  }
  return light;
}

void main() {
  const int present = presentSamples();
  if (present == 0) discard;
  gl_SampleMask[0] = present;
  // What has sunk into the floor has no reflection: it would stand above the floor.
  if (kMirrored && position.y < 0.0) discard;
  vec4 base = material.base_color * texture(base_color_map, uv_exposure.xy);
  if (kAlphaMode == 1) {
    // Sharpened about the cut, so that coverage from alpha stays one pixel wide.
    base.a = clamp((base.a - material.alpha_cutoff) / max(fwidth(base.a), 1e-4) + 0.5, 0.0, 1.0);
    if (base.a < 0.02) discard;
  }
  const vec2 rough_metal = texture(metallic_roughness_map, uv_exposure.xy).gb;
  const float metallic = clamp(material.metallic * rough_metal.y, 0.0, 1.0);
  const float roughness = clamp(material.roughness * rough_metal.x, 0.06, 1.0);

  const vec3 normal = surfaceNormal();
  const vec3 eye = kMirrored ? vec3(frame.eye.x, -frame.eye.y, frame.eye.z) : frame.eye;
  const vec3 to_eye = normalize(eye - position);
  const float n_v = max(dot(normal, to_eye), 1e-3);

  // Curved surfaces far away glitter; roughness takes in how fast the normal turns over the pixel
  // (Tokuyoshi and Kaplanyan, "Improved Geometric Specular Antialiasing", 2019).
  const vec3 turn_x = dFdx(vertex_normal), turn_y = dFdy(vertex_normal);
  const float turn = min(0.5 * (dot(turn_x, turn_x) + dot(turn_y, turn_y)), 0.18);
  const float alpha_square = clamp(pow(roughness, 4.0) + turn, 1e-4, 1.0);
  const float smooth_roughness = pow(alpha_square, 0.25);

  const vec3 diffuse_color = base.rgb * (1.0 - metallic);
  const vec3 f0 = mix(vec3(0.04), base.rgb, metallic);
  const vec2 reflectance = textureLod(reflectance_map, vec2(n_v, smooth_roughness), 0.0).rg;
  const vec3 reflected = f0 * reflectance.x + reflectance.y;
  // Light that bounces more than once between facets (Fdez-Aguera, "A Multiple-Scattering
  // Microfacet Model for Real-Time Image-based Lighting", 2019).
  const vec3 gain = 1.0 + f0 * (1.0 / max(reflectance.x + reflectance.y, 0.2) - 1.0);

  const Surface surface = Surface(normal, to_eye, n_v, diffuse_color, f0, gain, alpha_square);
  const float shadow =
      keyShadow(position, normalize(vertex_normal) * (gl_FrontFacing != kMirrored ? 1.0 : -1.0),
                gl_FragCoord.xy);
  const float pool = 1.0 / (1.0 + environment.key_falloff * dot(position.xz, position.xz));
  vec3 light = frame.key_color * (shadow * pool) *
               shade(surface, frame.to_key, 0.25 * frame.key_tangent * frame.key_tangent);
  if (kLamps) light += shadeLamps(surface);

  // The room. Near the floor it is darker below.
  const float exposure = uv_exposure.z;
  const float below = clamp(-normal.y * 0.5 + 0.5, 0.0, 1.0);
  const float near_floor = 1.0 - 0.55 * below * exp(-max(position.y, 0.0) * 7.0);
  const vec3 ambient = irradianceLight(normal) * near_floor;
  // Occlusion tinted by the surface's own colour: light that comes back out of creases (Jimenez et
  // al., "Practical Realtime Strategies for Accurate Indirect Occlusion", 2016, after its idea).
  const vec3 open = exposure / (1.0 - diffuse_color * 0.8 * (1.0 - exposure));
  light += diffuse_color * (1.0 - reflected) * ambient * open;
  const vec3 mirror = reflect(-to_eye, normal);
  const float horizon = clamp(1.0 + 1.3 * dot(mirror, normalize(vertex_normal)), 0.0, 1.0);
  const float glossy_open = clamp(exposure * exposure + (1.0 - smooth_roughness) * 0.3 * exposure, 0.0, 1.0);
  light += reflected * gain * mirroredLight(mirror, smooth_roughness, kSamples > 1) * glossy_open * horizon;

  light += material.emissive * texture(emissive_map, uv_exposure.xy).rgb;
  if (kMirrored) {
    // The rougher the floor, the sooner a reflection fades with height.
    out_color = vec4(light, exp(-4.2 * environment.floor_roughness * max(position.y, 0.0)) * (kAlphaMode == 0 ? 1.0 : base.a));
  } else {
    out_color = vec4(light, kAlphaMode == 0 ? 1.0 : base.a);
  }
}
