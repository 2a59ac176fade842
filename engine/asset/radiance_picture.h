#pragma once

#include <cstdint>
#include <glm/glm.hpp>
#include <string>
#include <vector>

#include "engine/core/result.h"

namespace understudy::asset {

/// A picture of light, rows from the top.
struct RadiancePicture {
  std::uint32_t width_px = 0, height_px = 0;
  std::vector<glm::vec3> pixels;
};

/// Reads a Radiance .hdr picture (Ward, "Real Pixels", Graphics Gems II, 1991): shared exponents,
/// rows from the top, run lengths or none. Wider or higher ones than `most_columns`
/// are refused before memory is asked for. `name` stands for the file in errors.
core::Result<RadiancePicture> readRadiance(const std::string& bytes, const std::string& name,
                                           std::uint32_t most_columns);

}  // namespace understudy::asset
