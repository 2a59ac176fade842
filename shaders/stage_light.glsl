// The light of the stage: a key light with a soft shadow, and the environment around it.
// Needs what shaders/scene_bindings.glsl declares.
const float kPi = 3.14159265;

/// Light on a surface from all around it, over pi (Ramamoorthi and Hanrahan, "An Efficient
/// Representation for Irradiance Environment Maps", 2001).
vec3 irradianceLight(vec3 n) {
  const vec4 c[9] = environment.irradiance;
  const vec3 light = c[0].rgb + c[1].rgb * n.y + c[2].rgb * n.z + c[3].rgb * n.x +
                     c[4].rgb * (n.x * n.y) + c[5].rgb * (n.y * n.z) +
                     c[6].rgb * (3.0 * n.z * n.z - 1.0) + c[7].rgb * (n.x * n.z) +
                     c[8].rgb * (n.x * n.x - n.y * n.y);
  return max(light, vec3(0.0));
}

/// Where the environment map shows a direction.
vec2 environmentPlace(vec3 direction) {
  return 0.5 + 0.5 * kOctahedronShare * octahedralFromDirection(direction);
}

/// The environment map's level for this roughness. A whole one is one look-up instead of two on
/// devices that filter in software.
float levelOf(float roughness, bool fine) {
  const float level = environment.sharp_level + roughness * environment.rough_levels;
  return fine ? level : floor(level + 0.5);
}

/// What a surface of this roughness mirrors when its mirror direction is `direction`.
vec3 mirroredLight(vec3 direction, float roughness, bool fine) {
  return textureLod(environment_map, environmentPlace(direction), levelOf(roughness, fine)).rgb;
}

/// Height over the ground from which the environment's picture was taken, metres.
const float kPictureHeight = 1.4;

/// The direction in which the picture shows a piece of ground this far from below the eye.
vec3 groundDirection(vec2 away) { return normalize(vec3(away.x, -kPictureHeight, away.y)); }

/// One number per pixel that differs from its neighbours' in a regular way (Jimenez, "Next
/// Generation Post Processing in Call of Duty", 2014).
float interleavedNoise(vec2 pixel) {
  return fract(52.9829189 * fract(dot(pixel, vec2(0.06711056, 0.00583715))));
}

/// i-th of n points spread evenly over the unit disk by the golden angle.
vec2 diskPoint(uint i, uint n, float turn) {
  const float radius = sqrt((float(i) + 0.5) / float(n));
  const float angle = float(i) * 2.39996323 + turn;
  return radius * vec2(cos(angle), sin(angle));
}

/// Share of the key light that reaches the point, 0 to 1. Soft where the blocker is far (Fernando,
/// "Percentage-Closer Soft Shadows", 2005).
float keyShadow(vec3 position, vec3 normal, vec2 pixel) {
  const float texel_metres = frame.shadow_metres / float(textureSize(key_depth_map, 0).x);
  const float slant = 1.0 - max(dot(normal, frame.to_key), 0.0);
  const vec3 lifted = position + normal * (texel_metres * (0.8 + 1.8 * slant) + 0.0012);
  const vec3 at = (frame.shadow_from_world * vec4(lifted, 1.0)).xyz;
  // A loop that does not run is skipped by devices that mask branches.
  const bool inside = all(greaterThan(at.xy, vec2(0.0))) && all(lessThan(at.xy, vec2(1.0)));
  const uint taps = inside ? frame.shadow_taps : 0u;
  if (taps == 0u) return 1.0;
  const float bias = 0.0015 / frame.shadow_range;
  if (taps <= 4u) {
    const float radius = 0.75 / float(textureSize(key_depth_map, 0).x);
    float sum = 0.0;
    for (uint i = 0; i < taps; ++i) {
      const vec2 corner = vec2((i & 1u) == 0u ? -radius : radius, (i & 2u) == 0u ? -radius : radius);
      sum += textureLod(key_shadow_map, vec3(at.xy + corner, at.z - bias), 0.0);
    }
    return sum / float(taps);
  }
  const float turn = 6.2831853 * interleavedNoise(pixel);
  const float search = 0.10 / frame.shadow_metres;
  float blockers = 0.0;
  float depth_sum = 0.0;
  const uint probes = taps / 2u;
  for (uint i = 0; i < probes; ++i) {
    // Denser in the middle: thin blockers are near what they shade.
    const vec2 probe = diskPoint(i, probes, turn);
    const float depth =
        textureLod(key_depth_map, at.xy + search * probe * length(probe), 0.0).r;
    const float blocks = depth < at.z - bias ? 1.0 : 0.0;
    blockers += blocks;
    depth_sum += depth * blocks;
  }
  // Probes may have missed a very thin one: a few taps close by.
  const uint wide_taps = blockers == 0.0 ? 4u : taps;
  const float gap =
      blockers == 0.0 ? 0.0 : (at.z - depth_sum / blockers) * frame.shadow_range;
  const float radius_metres = clamp(gap * frame.key_tangent, 1.2 * texel_metres, 0.16);
  const float radius = radius_metres / frame.shadow_metres;
  // A wide disk on a slanted surface dips below it.
  const float wide_bias = bias + 0.35 * slant * radius_metres / frame.shadow_range;
  float lit = 0.0;
  for (uint i = 0; i < wide_taps; ++i) {
    const vec2 offset = radius * diskPoint(i, wide_taps, turn);
    lit += textureLod(key_shadow_map, vec3(at.xy + offset, at.z - wide_bias), 0.0);
  }
  return lit / float(wide_taps);
}

/// Share of the sky that a point of the floor sees past the bodies.
float floorContact(vec2 place) {
  const vec2 at = (place - frame.contact_origin) * frame.contact_scale;
  const vec2 edge = smoothstep(vec2(0.0), vec2(0.08), min(at, 1.0 - at));
  const float open = textureLod(contact_map, at, 0.0).r;
  return mix(1.0, open, edge.x * edge.y * (frame.contact_scale > 0.0 ? 1.0 : 0.0));
}
