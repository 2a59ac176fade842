#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/shared/frame.h"

// How much of the sky the floor sees past the bodies that stand on it. Each bone is a stick; a
// point of the floor sees its nearest ball. (Sphere occlusion: Wright, "Sphere ambient occlusion",
// the cosine-weighted solid angle of a ball.)
layout(local_size_x = 8, local_size_y = 8) in;
layout(set = 0, binding = 0, scalar) uniform Frame { FrameUniforms frame; };
layout(set = 0, binding = 4, rgba16f) writeonly uniform image2D contact_map;
layout(set = 0, binding = 5, scalar) readonly buffer Bounds { PerformerBounds bounds[]; };
layout(set = 0, binding = 6, scalar) readonly buffer Occluders { Occluder occluders[]; };

void main() {
  const ivec2 texel = ivec2(gl_GlobalInvocationID.xy);
  const vec2 side = vec2(imageSize(contact_map));
  const vec2 place = frame.contact_origin + (vec2(texel) + 0.5) / (side * frame.contact_scale);
  const vec3 point = vec3(place.x, 0.0, place.y);
  float open = 1.0;
  for (uint i = 0; i < frame.performer_count; ++i) {
    const PerformerBounds around = bounds[i];
    const vec2 away = place - around.center.xz;
    const float reach = around.radius + 0.5;
    const uint count = dot(away, away) < reach * reach ? around.occluder_count : 0u;
    for (uint k = 0; k < count; ++k) {
      const Occluder stick = occluders[around.first_occluder + k];
      const vec3 axis = stick.to - stick.from;
      const float along =
          clamp(dot(point - stick.from, axis) / max(dot(axis, axis), 1e-8), 0.0, 1.0);
      const vec3 toward = stick.from + along * axis - point;
      const float distance = max(length(toward), stick.radius);
      const float cosine = clamp(toward.y / distance, 0.0, 1.0);
      const float ratio = stick.radius / distance;
      open *= 1.0 - stick.strength * min(cosine * ratio * ratio + 0.25 * ratio * ratio * ratio, 1.0);
    }
  }
  imageStore(contact_map, texel, vec4(max(open, 0.0)));
}
