#include "engine/render/sequence_strip.h"

#include <cstddef>

namespace understudy::render {

std::optional<std::uint32_t> readSequenceStrip(std::span<const std::uint8_t> rgba,
                                               std::uint32_t width_px, std::uint32_t height_px) {
  constexpr std::uint32_t kSquares = 42, kSide = 4;
  if (width_px < kSquares * kSide || height_px < kSide ||
      rgba.size() < std::size_t{4} * width_px * height_px) {
    return std::nullopt;
  }
  std::uint64_t bits = 0;
  for (std::uint32_t square = 0; square < kSquares; ++square) {
    const std::size_t pixel = std::size_t{2} * width_px + square * kSide + 2;
    const int sum = rgba[4 * pixel] + rgba[4 * pixel + 1] + rgba[4 * pixel + 2];
    bits = (bits << 1) | (sum > 3 * 127 ? 1u : 0u);
  }
  const auto sequence = static_cast<std::uint32_t>(bits >> 8);
  const std::uint32_t sum =
      (sequence & 255u) + ((sequence >> 8) & 255u) + ((sequence >> 16) & 255u) + (sequence >> 24);
  const bool starts = (bits >> 40) == 1u;
  if (!starts || ((~sum) & 255u) != (bits & 255u)) return std::nullopt;
  return sequence;
}

}  // namespace understudy::render
