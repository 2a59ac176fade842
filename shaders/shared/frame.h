#ifndef UNDERSTUDY_SHADERS_SHARED_FRAME_H
#define UNDERSTUDY_SHADERS_SHARED_FRAME_H
#include "shaders/shared/types.h"
#ifdef __cplusplus
namespace understudy::shaders {
#endif

const uint kMostPerformers = 64;

/// What all passes of one frame know; written at the latch.
struct FrameUniforms {
  mat4 clip_from_world;
  mat4 shadow_from_world;  ///< To shadow map coordinates 0 to 1 and depth.
  vec3 eye;
  float exposure;
  vec3 view_right;      ///< Camera axes; right and up are scaled by the tangents of half the view.
  float pixel_tangent;  ///< Tangent that one pixel covers in the middle of the image.
  vec3 view_up;
  float shadow_metres;  ///< Side of the shadow map in metres.
  vec3 view_forward;
  float shadow_range;  ///< Depth of the shadow map in metres.
  vec3 to_key;
  float key_tangent;       ///< Tangent of half the key light's angular size.
  vec3 key_color;          ///< Irradiance on a surface that faces the key.
  float floor_reflection;  ///< 1 = the floor mirrors, 0 = it does not.
  vec2 size_px;
  vec2 contact_origin;  ///< World x, z of the contact map's corner.
  float contact_scale;  ///< 1 / metres of its side; 0 = no map.
  uint shadow_taps;
  uint sequence;  ///< Lower 32 bits.
  uint performer_count;
  vec3 floor_ambient;  ///< Light of the room on the open floor.
  uint lamp_words;     ///< Of 32 lamps each: none on a stage without lamps.
  /// Share of each performer of the cast that is drawn; less than 1 is dithered.
  float presence[kMostPerformers];
};

/// Where a performer is, so that what is far away need not be looked at.
struct PerformerBounds {
  vec3 center;
  float radius;
  uint first_occluder;
  uint occluder_count;
};

/// A bone as a round stick: what darkens the floor near the body.
struct Occluder {
  vec3 from;
  float radius;
  vec3 to;
  float strength;
};

#ifdef __cplusplus
static_assert(sizeof(FrameUniforms) == 128 + 7 * 16 + 32 + 4 * kMostPerformers);
static_assert(sizeof(PerformerBounds) == 24 && sizeof(Occluder) == 32);
}  // namespace understudy::shaders
#endif
#endif
