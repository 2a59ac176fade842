#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

#include "engine/core/result.h"

namespace understudy::asset {

/// Writes a PNG. `rgba` has 4 bytes a pixel, rows from the top, no padding, and is written without
/// its alpha.
core::Result<void> savePicture(const std::filesystem::path& path,
                               std::span<const std::uint8_t> rgba, std::uint32_t width_px,
                               std::uint32_t height_px);

}  // namespace understudy::asset
