// The light of the stage: a key light with a soft shadow, and a room of soft boxes around it.
// Needs frame, key_shadow_map, key_depth_map and contact_map to be declared.
const float kPi = 3.14159265;
const vec3 kFloorAlbedo = vec3(0.150, 0.152, 0.157);

struct SoftBox {
  vec3 axis;
  float sharpness;
  vec3 radiance;
};

const int kSoftBoxCount = 4;
const SoftBox kSoftBoxes[kSoftBoxCount] = SoftBox[kSoftBoxCount](
    SoftBox(vec3(-0.452, 0.740, 0.498), 14.0, vec3(2.10, 1.98, 1.80)),    // Key.
    SoftBox(vec3(0.640, 0.420, -0.643), 9.0, vec3(1.75, 2.10, 2.60)),     // Rim, cool.
    SoftBox(vec3(0.870, 0.260, 0.419), 5.0, vec3(0.30, 0.34, 0.40)),      // Fill.
    SoftBox(vec3(-0.700, 0.300, -0.648), 10.0, vec3(1.15, 1.00, 0.84)));  // Kicker, warm.

/// Radiance from the room, blurred as a surface of this roughness sees it. Lobes are spherical
/// Gaussians; the product of two is one again (Wang et al., "All-Frequency Rendering of Dynamic,
/// Spatially-Varying Reflectance", 2009).
vec3 environment(vec3 direction, float roughness) {
  const float alpha = max(roughness * roughness, 0.01);
  const float width = 0.06 + 0.9 * alpha;
  const float up = smoothstep(-width, width, direction.y);
  const vec3 zenith = vec3(0.120, 0.130, 0.148);
  const vec3 horizon = vec3(0.225, 0.232, 0.246);
  const vec3 ground = vec3(0.120, 0.116, 0.111);
  const float height = clamp(direction.y, 0.0, 1.0);
  vec3 light = mix(ground, mix(horizon, zenith, pow(height, 0.55)), up);
  const float blur = 0.5 / (alpha * alpha);
  for (int i = 0; i < kSoftBoxCount; ++i) {
    const SoftBox box = kSoftBoxes[i];
    const float sharpness = box.sharpness * blur / (box.sharpness + blur);
    light += box.radiance * (sharpness / box.sharpness) *
             exp(sharpness * (dot(direction, box.axis) - 1.0));
  }
  return light;
}

/// What the camera sees behind the stage: a seamless backdrop.
vec3 backdrop(vec3 direction) {
  const float height = clamp(direction.y, 0.0, 1.0);
  const vec3 low = vec3(0.190, 0.195, 0.206);
  const vec3 high = vec3(0.036, 0.040, 0.048);
  return mix(low, high, 1.0 - exp(-3.2 * height));
}

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
