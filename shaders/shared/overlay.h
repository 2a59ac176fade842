#ifndef UNDERSTUDY_SHADERS_SHARED_OVERLAY_H
#define UNDERSTUDY_SHADERS_SHARED_OVERLAY_H
#include "shaders/shared/types.h"
#ifdef __cplusplus
namespace understudy::shaders {
#endif

/// A small lit sphere.
struct OverlaySphere {
  vec3 position;  ///< World, metres.
  float radius;   ///< Metres.
  vec4 color;     ///< Linear, alpha = opacity.
};

/// A thin line of constant width on the screen.
struct OverlayLine {
  vec3 from;       ///< World, metres.
  float width_px;  ///< Width in pixels of the image.
  vec3 to;         ///< World, metres.
  float in_front;  ///< 1 = drawn over bodies, 0 = hidden by them.
  vec4 color;      ///< Linear, alpha = opacity.
};

#ifdef __cplusplus
static_assert(sizeof(OverlaySphere) == 32 && sizeof(OverlayLine) == 48);
}  // namespace understudy::shaders
#endif
#endif
