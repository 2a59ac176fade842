// The lamps that reach a place. Needs `frame` and shaders/shared/lights.h.
layout(set = 0, binding = 12, scalar) readonly buffer Lamps { LampTable table; };
layout(set = 0, binding = 13, scalar) readonly buffer Clusters { uint reached[]; };

/// The cluster that holds a place of the view; outside of the view the nearest one.
uint clusterOf(vec3 position) {
  const vec4 clip = frame.clip_from_world * vec4(position, 1.0);
  const vec2 at = clamp(clip.xy / max(clip.w, 1e-4) * 0.5 + 0.5, 0.0, 0.99999);
  const uvec2 tile = uvec2(at * vec2(kClusterColumns, kClusterRows));
  const float depth = max(clip.w / kClusterNear, 1e-6);
  const float slice = clamp(1.0 + floor(log2(depth) / log2(kClusterRatio)), 0.0,
                            float(kClusterSlices - 1u));
  return (uint(slice) * kClusterRows + tile.y) * kClusterColumns + tile.x;
}

/// Words of bits to look through.
uint lampWords() { return frame.lamp_words; }

/// Irradiance of a lamp on a surface that faces it; `to_lamp` becomes the unit vector there.
vec3 lampLight(Lamp lamp, vec3 position, out vec3 to_lamp) {
  const vec3 away = lamp.position - position;
  const float square = max(dot(away, away), 1e-4);
  to_lamp = away * inversesqrt(square);
  // Inverse square, brought to nothing at its reach (Karis, "Real Shading in Unreal Engine 4",
  // 2013).
  const float ratio = square / (lamp.reach * lamp.reach);
  const float window = clamp(1.0 - ratio * ratio, 0.0, 1.0);
  const float cone =
      clamp(dot(-to_lamp, lamp.direction) * lamp.cone_scale + lamp.cone_offset, 0.0, 1.0);
  return lamp.intensity * (window * window * cone * cone / square);
}
