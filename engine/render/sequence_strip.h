#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace understudy::render {

/// Reads the sequence that FrameOptions::sequence_strip wrote into an image (RGBA, rows from the
/// top): the lower 32 bits. Nothing where there is no valid strip. The strip is one row of 42
/// squares of 4 x 4 px in the upper left corner: dark, light, 32 bits of the sequence from the
/// highest, then 8 bits of its checksum (the sum of its four bytes, inverted).
std::optional<std::uint32_t> readSequenceStrip(std::span<const std::uint8_t> rgba,
                                               std::uint32_t width_px, std::uint32_t height_px);

}  // namespace understudy::render
