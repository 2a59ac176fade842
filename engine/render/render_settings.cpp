#include "engine/render/render_settings.h"

#include <fmt/format.h>

namespace understudy::render {

namespace {

core::Result<void> inRange(const char* name, std::uint32_t value, std::uint32_t low,
                           std::uint32_t high) {
  if (value >= low && value <= high) return {};
  return core::makeError(
      fmt::format("render.{} is {}; it must be {} to {}", name, value, low, high));
}

}  // namespace

std::optional<ViewTransform> viewTransform(std::string_view name) {
  if (name == "film") return ViewTransform::film;
  if (name == "print") return ViewTransform::print;
  if (name == "plain") return ViewTransform::plain;
  return std::nullopt;
}

QualitySettings qualitySettings(Quality quality) {
  if (quality == Quality::high) return {};
  return {.samples = quality == Quality::medium ? 4u : 1u,
          .shadow_size_px = 1024,
          .shadow_taps = 4,
          .floor_reflection = false,
          .fine_environment = false};
}

core::Result<void> check(const RenderSettings& settings) {
  const QualitySettings& quality = settings.quality;
  for (const auto& result : {inRange("width_px", settings.width_px, 16, 16384),
                             inRange("height_px", settings.height_px, 16, 16384),
                             inRange("shadow_size_px", quality.shadow_size_px, 256, 8192),
                             inRange("shadow_taps", quality.shadow_taps, 1, 64),
                             inRange("frames_in_flight", settings.frames_in_flight, 1, 3),
                             inRange("max_performers", settings.max_performers, 1, 64),
                             inRange("max_spheres", settings.max_spheres, 1, 1u << 20),
                             inRange("max_lines", settings.max_lines, 1, 1u << 20)}) {
    if (!result) return result;
  }
  if (quality.samples != 1 && quality.samples != 4) {
    return core::makeError(fmt::format("render.samples is {}; it must be 1 or 4", quality.samples));
  }
  if (!(settings.exposure_ev >= -16.0f && settings.exposure_ev <= 16.0f)) {
    return core::makeError(
        fmt::format("render.exposure_ev is {}; it must be -16 to 16", settings.exposure_ev));
  }
  return {};
}

}  // namespace understudy::render
