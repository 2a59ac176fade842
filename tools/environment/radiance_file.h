#pragma once

#include <glm/glm.hpp>
#include <span>
#include <string>

namespace understudy::environment {

/// The bytes of a Radiance .hdr picture: shared exponents, each scanline run-length coded channel
/// by channel (Ward, "Real Pixels", Graphics Gems II, 1991). Rows from the top; the width must be 8
/// to 32767.
std::string radianceFile(std::span<const glm::vec3> pixels, std::uint32_t width_px,
                         std::uint32_t height_px);

}  // namespace understudy::environment
