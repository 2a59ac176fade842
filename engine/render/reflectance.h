#pragma once

#include <cstdint>
#include <glm/glm.hpp>
#include <vector>

namespace understudy::render {

/// Share of white light that a GGX surface reflects, split as F0 * x + y (the second sum of the
/// split-sum approximation: Karis, "Real Shading in Unreal Engine 4", 2013). `n_v` is the cosine to
/// the eye, 0 to 1; roughness is perceptual, 0 to 1.
glm::vec2 reflectance(float n_v, float roughness);

/// The function above as an image of side x side texels, two 16-bit fractions each: n_v from left
/// to right, roughness from top to bottom, at texel centres.
std::vector<std::uint16_t> reflectanceMap(std::uint32_t side);

}  // namespace understudy::render
