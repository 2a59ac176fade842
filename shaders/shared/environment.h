#ifndef UNDERSTUDY_SHADERS_SHARED_ENVIRONMENT_H
#define UNDERSTUDY_SHADERS_SHARED_ENVIRONMENT_H
#include "shaders/shared/types.h"
#ifdef __cplusplus
namespace understudy::shaders {
#endif

/// Share of the environment map's side that the octahedron covers; the rest is a border that
/// repeats what lies across the edge, at every level at least one texel wide.
const float kOctahedronShare = 0.875f;

/// What the environment looks and shines like; written when it is chosen, not per frame.
struct EnvironmentUniforms {
  /// Light on a surface by its normal n, over pi: the sum of these times 1, y, z, x, xy, yz, 3zz -
  /// 1, xz, xx - yy. w is unused.
  vec4 irradiance[9];
  vec3 floor_color;
  float floor_reflection;  ///< Share that is mirrored, seen from above.
  vec3 sun_radiance;       ///< Of the key's disk in the sky; 0 = not drawn.
  float sun_cosine;        ///< Cosine of half the disk's size.
  float floor_roughness;
  float floor_fade_near;  ///< Metres from the eye.
  float floor_fade_far;
  float key_falloff;   ///< Share of the key r metres from the middle: 1 / (1 + key_falloff r^2).
  float sharp_level;   ///< Of the environment map: for roughness 0; finer ones are for the sky.
  float rough_levels;  ///< From there to the last, for roughness 1.
};

#ifdef __cplusplus
static_assert(sizeof(EnvironmentUniforms) == 9 * 16 + 3 * 16 + 8);
}  // namespace understudy::shaders
#endif
#endif
