#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

#include "engine/core/result.h"

namespace understudy::asset {

/// Writes an OpenEXR picture for the compositor: half floats R, G, B, A, scene-linear with the
/// primaries of Rec. 709, ZIP-compressed scanlines. `rgba` has 4 half floats a pixel, rows from the
/// top, no padding.
core::Result<void> saveExr(const std::filesystem::path& path, std::span<const std::uint16_t> rgba,
                           std::uint32_t width_px, std::uint32_t height_px);

}  // namespace understudy::asset
