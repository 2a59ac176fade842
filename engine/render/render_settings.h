#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/core/result.h"

namespace understudy::render {

/// What a picture may cost.
enum class Quality : std::uint8_t {
  low,     ///< Live on a software device: no multisampling, a small filtered shadow.
  medium,  ///< The same with 4 samples.
  high,    ///< Pictures and graphics cards: 4 samples, wide soft shadow, planar floor reflection.
};

/// How scene light becomes display values; the formulas are in shaders/tone.frag.
enum class ViewTransform : std::uint8_t {
  film,   ///< A sigmoid in log exposure over inset primaries, as AgX does: colours pale as they get
          ///< bright, and keep their hue.
  print,  ///< More contrast and colour: the response of a print.
  plain,  ///< Clipped at 1 and sRGB-encoded: for checking values.
};

/// The transform of that name (film, print, plain), or nothing.
std::optional<ViewTransform> viewTransform(std::string_view name);

/// The single choices behind a Quality; may be changed one by one.
struct QualitySettings {
  std::uint32_t samples = 4;            ///< Multisampling, 1 or 4.
  std::uint32_t shadow_size_px = 2048;  ///< Side of the key light's shadow map, 256 to 8192.
  std::uint32_t shadow_taps = 32;       ///< Samples of the soft shadow, 1 to 64; 4 and less = no
                                        ///< search for the blocker's distance.
  bool floor_reflection = true;         ///< The floor mirrors the characters faintly.
  bool fine_environment = true;         ///< The sky is drawn smoothly where its picture is coarse,
                                        ///< reflections pass smoothly between levels.
};

/// Returns the choices of a quality.
QualitySettings qualitySettings(Quality quality);

/// What a Renderer is made for. Memory is reserved from these once.
struct RenderSettings {
  std::uint32_t width_px = 1280, height_px = 720;  ///< Size of the image, 16 to 16384.
  QualitySettings quality = qualitySettings(Quality::high);
  ViewTransform view_transform = ViewTransform::film;
  float exposure_ev = 0.0f;            ///< Added to the environment's, -16 to 16 stops.
  bool linear_readback = false;        ///< Makes room for FrameOptions::linear_readback.
  std::uint32_t frames_in_flight = 1;  ///< 1 to 3; 1 has the lowest latency.
  std::uint32_t max_performers = 20;   ///< 1 to 64.
  std::uint32_t max_spheres = 8192;    ///< Overlay markers in one frame; more are left out.
  std::uint32_t max_lines = 16384;     ///< Overlay lines in one frame; more are left out.
};

/// Checks the ranges above.
core::Result<void> check(const RenderSettings& settings);

}  // namespace understudy::render
