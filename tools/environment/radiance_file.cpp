#include "tools/environment/radiance_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <vector>

namespace understudy::environment {

namespace {

std::array<std::uint8_t, 4> sharedExponent(const glm::vec3& c) {
  const float most = std::max({c.x, c.y, c.z});
  if (!(most > 1e-30f)) return {0, 0, 0, 0};
  // most = mantissa 2^exponent with the mantissa in [0.5, 1).
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(most);
  const int exponent = static_cast<int>(bits >> 23) - 126;
  const float scale = std::bit_cast<float>(static_cast<std::uint32_t>(127 + 8 - exponent) << 23);
  const auto byte = [&](float value) {
    return static_cast<std::uint8_t>(std::clamp(value * scale + 0.5f, 0.0f, 255.0f));
  };
  return {byte(c.x), byte(c.y), byte(c.z), static_cast<std::uint8_t>(exponent + 128)};
}

/// Runs of four and more as a count over 128 and the value; everything else as a count and itself.
void appendRuns(std::string& bytes, std::span<const std::uint8_t> row) {
  const auto runAt = [&](std::size_t i) {
    std::size_t end = i + 1;
    while (end < row.size() && end - i < 127 && row[end] == row[i]) ++end;
    return end - i;
  };
  std::size_t i = 0;
  while (i < row.size()) {
    const std::size_t run = runAt(i);
    if (run >= 4) {
      bytes += static_cast<char>(128 + run);
      bytes += static_cast<char>(row[i]);
      i += run;
      continue;
    }
    std::size_t end = i;
    while (end < row.size() && end - i < 128 && runAt(end) < 4) ++end;
    bytes += static_cast<char>(end - i);
    bytes.append(reinterpret_cast<const char*>(row.data()) + i, end - i);
    i = end;
  }
}

}  // namespace

std::string radianceFile(std::span<const glm::vec3> pixels, std::uint32_t width_px,
                         std::uint32_t height_px) {
  std::string bytes =
      fmt::format("#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y {} +X {}\n", height_px, width_px);
  std::array<std::vector<std::uint8_t>, 4> channels;
  for (std::uint32_t y = 0; y < height_px; ++y) {
    for (auto& channel : channels) channel.clear();
    for (std::uint32_t x = 0; x < width_px; ++x) {
      const auto packed = sharedExponent(pixels[std::size_t{y} * width_px + x]);
      for (std::size_t c = 0; c < 4; ++c) channels[c].push_back(packed[c]);
    }
    bytes += {2, 2, static_cast<char>(width_px >> 8), static_cast<char>(width_px & 255)};
    for (const auto& channel : channels) appendRuns(bytes, channel);
  }
  return bytes;
}

}  // namespace understudy::environment
