#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/shared/frame.h"

// Scene light to display values.
//
// The curve is the Michaelis-Menten (Naka-Rushton) response of the eye and of film, with a contrast
// exponent: y = w x^c / (x^c + h). c = 1.22 is the contrast of a print in the middle, h puts scene
// grey 0.18 on display grey 0.18, w lets white be reached at about six stops over grey. Before the
// curve a little of each colour's luminance is mixed in, so that bright colours go to white as film
// does; after it the same share is taken out again.
layout(constant_id = 0) const bool kStrip = false;

layout(set = 0, binding = 0, scalar) uniform Frame { FrameUniforms frame; };
layout(set = 1, binding = 0) uniform sampler2D scene_image;
layout(location = 0) out vec4 out_color;

const vec3 kLuminance = vec3(0.2126, 0.7152, 0.0722);
const float kContrast = 1.22;
const float kWhite = 1.035;
const float kMix = 0.10;

vec3 filmCurve(vec3 x) {
  const float grey = pow(0.18, kContrast);
  const float h = grey * (kWhite / 0.18 - 1.0);
  const vec3 power = pow(max(x, vec3(0.0)), vec3(kContrast));
  return kWhite * power / (power + h);
}

vec3 encodeSrgb(vec3 c) {
  return mix(c * 12.92, 1.055 * pow(max(c, vec3(0.0031308)), vec3(1.0 / 2.4)) - 0.055,
             step(vec3(0.0031308), c));
}

float noise(vec2 pixel) {
  return fract(52.9829189 * fract(dot(pixel, vec2(0.06711056, 0.00583715))));
}

/// The bit of the strip at this square: dark, light, 32 bits of the sequence, 8 of its checksum.
bool stripBit(uint square) {
  if (square < 2u) return square == 1u;
  if (square < 34u) return ((frame.sequence >> (33u - square)) & 1u) != 0u;
  const uint sum = (frame.sequence & 255u) + ((frame.sequence >> 8) & 255u) +
                   ((frame.sequence >> 16) & 255u) + (frame.sequence >> 24);
  return ((~sum >> (41u - square)) & 1u) != 0u;
}

void main() {
  const ivec2 pixel = ivec2(gl_FragCoord.xy);
  if (kStrip && pixel.y < 4 && pixel.x < 42 * 4) {
    out_color = vec4(vec3(stripBit(uint(pixel.x) / 4u) ? 1.0 : 0.0), 1.0);
    return;
  }
  vec3 light = texelFetch(scene_image, pixel, 0).rgb * frame.exposure;
  const vec2 from_middle = (gl_FragCoord.xy / frame.size_px - 0.5) * vec2(1.0, 0.8);
  light *= 1.0 - 0.42 * dot(from_middle, from_middle);
  light = mix(light, vec3(dot(light, kLuminance)), kMix);
  vec3 shown = filmCurve(light);
  const float luminance = dot(shown, kLuminance);
  shown = clamp(luminance + (shown - luminance) / (1.0 - kMix), 0.0, 1.0);
  // Half a step of noise hides the steps of eight bits.
  out_color = vec4(encodeSrgb(shown) + (noise(gl_FragCoord.xy) - 0.5) / 255.0, 1.0);
}
