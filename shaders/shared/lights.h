#ifndef UNDERSTUDY_SHADERS_SHARED_LIGHTS_H
#define UNDERSTUDY_SHADERS_SHARED_LIGHTS_H
#include "shaders/shared/types.h"
#ifdef __cplusplus
namespace understudy::shaders {
#endif

const uint kMostLights = 256;
const uint kLightWords = 8;  ///< Of 32 bits: which lights reach a cluster.

/// The view is cut into columns, rows and slices of equal ratio of depth.
const uint kClusterColumns = 16, kClusterRows = 9, kClusterSlices = 24;
const uint kClusterCount = 3456;
const float kClusterNear = 0.25f;     ///< Metres: the first slice begins at the eye, and ends...
const float kClusterRatio = 1.2847f;  ///< ...here times this: 80 m is where the last one begins.

/// A lamp without shadow.
struct Lamp {
  vec3 position;
  float reach;
  vec3 intensity;    ///< Irradiance at one metre.
  float cone_scale;  ///< Share = clamp(cosine * scale + offset)^2; 0 and 1 for a point.
  vec3 direction;
  float cone_offset;
};

/// The lamps of one frame.
struct LampTable {
  uint count;
  uint reserved[3];
  Lamp lamps[kMostLights];
};

#ifdef __cplusplus
static_assert(sizeof(Lamp) == 48 && sizeof(LampTable) == 16 + 48 * kMostLights);
static_assert(kClusterCount == kClusterColumns * kClusterRows * kClusterSlices);
static_assert(kLightWords * 32 == kMostLights);
}  // namespace understudy::shaders
#endif
#endif
