#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/shared/frame.h"

// Scene light to display values, by one of three view transforms.
//
// film: a sigmoid of log exposure over inset primaries, after the idea of AgX (Sobotka, 2022, as in
// Blender 4): seen from primaries that lie 1.25 times as far from white as those of Rec. 709, every
// colour has some of each channel, so that it pales instead of shifting its hue when channels
// saturate one after the other; afterwards the primaries are put back. The sigmoid is the log-
// logistic curve of darktable's "sigmoid" (Johannesson, 2021), fitted by us to sRGB-encoded display
// values: y = w x^c / (x^c + h). c = 0.95 makes the middle a little harder than the scene (1.06
// times as steep as sRGB at grey), h puts scene grey 0.18 on display grey 0.18, w lets white be
// reached 6 stops over grey.
//
// print: the Michaelis-Menten (Naka-Rushton) response of the eye and of film in linear values, with
// a contrast exponent: c = 1.22 is the contrast of a print in the middle, w lets white be reached at
// about six stops over grey. Before the curve a little of each colour's luminance is mixed in;
// after it the same share is taken out again.
//
// plain: clipped at 1 and encoded as sRGB.
layout(constant_id = 0) const bool kStrip = false;
layout(constant_id = 1) const int kTransform = 0;  // 0 film, 1 print, 2 plain.
layout(constant_id = 3) const int kSceneSamples = 1;

layout(set = 0, binding = 0, scalar) uniform Frame { FrameUniforms frame; };
layout(set = 1, binding = 0) uniform sampler2D scene_image;
layout(set = 1, binding = 1) uniform sampler2DMS scene_samples;
layout(location = 0) out vec4 out_color;

const vec3 kLuminance = vec3(0.2126, 0.7152, 0.0722);

/// Light of a pixel. Its samples are weighted as they will show: an average of light itself would
/// let one bright sample hide three dark ones, and edges would have steps again (Karis, "Tone
/// mapping", 2013).
vec3 lightAt(ivec2 pixel) {
  if (kSceneSamples == 1) return texelFetch(scene_image, pixel, 0).rgb * frame.exposure;
  vec3 sum = vec3(0.0);
  float weights = 0.0;
  for (int i = 0; i < kSceneSamples; ++i) {
    const vec3 light = texelFetch(scene_samples, pixel, i).rgb * frame.exposure;
    const float weight = 1.0 / (1.0 + max(light.r, max(light.g, light.b)));
    sum += weight * light;
    weights += weight;
  }
  return sum / weights;
}

vec3 printCurve(vec3 x) {
  const float contrast = 1.22, white = 1.035;
  const float grey = pow(0.18, contrast);
  const float h = grey * (white / 0.18 - 1.0);
  const vec3 power = pow(max(x, vec3(0.0)), vec3(contrast));
  return white * power / (power + h);
}

vec3 encodeSrgb(vec3 c) {
  return mix(c * 12.92, 1.055 * pow(max(c, vec3(0.0031308)), vec3(1.0 / 2.4)) - 0.055,
             step(vec3(0.0031308), c));
}

/// Display values of light, sRGB-encoded.
vec3 printTransform(vec3 light) {
  const float share = 0.10;
  light = mix(light, vec3(dot(light, kLuminance)), share);
  vec3 shown = printCurve(light);
  const float luminance = dot(shown, kLuminance);
  return encodeSrgb(clamp(luminance + (shown - luminance) / (1.0 - share), 0.0, 1.0));
}

vec3 filmTransform(vec3 light) {
  // Columns; each row sums to 1, so that white stays white. The second is the first's inverse.
  const mat3 inset = mat3(0.8424, 0.0424, 0.0424, 0.0784, 0.8784, 0.0784, 0.0792, 0.0792, 0.8792);
  const mat3 outset = mat3(1.197, -0.053, -0.053, -0.098, 1.151, -0.098, -0.099, -0.098, 1.151);
  const float contrast = 0.95, white = 1.023;
  const float grey = 0.46136;  // 0.18, sRGB-encoded.
  const float h = pow(0.18, contrast) * (white / grey - 1.0);
  const vec3 power = pow(max(inset * light, vec3(0.0)), vec3(contrast));
  return clamp(outset * (white * power / (power + h)), 0.0, 1.0);
}

vec3 viewTransform(vec3 light) {
  if (kTransform == 0) return filmTransform(light);
  return kTransform == 1 ? printTransform(light) : encodeSrgb(clamp(light, 0.0, 1.0));
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
  vec3 light = lightAt(pixel);
  if (kTransform != 2) {
    // A lens darkens the corners.
    const vec2 from_middle = (gl_FragCoord.xy / frame.size_px - 0.5) * vec2(1.0, 0.8);
    light *= 1.0 - 0.42 * dot(from_middle, from_middle);
  }
  // Half a step of noise hides the steps of eight bits.
  out_color = vec4(viewTransform(light) + (noise(gl_FragCoord.xy) - 0.5) / 255.0, 1.0);
}
