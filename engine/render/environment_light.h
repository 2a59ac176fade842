#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "engine/core/result.h"
#include "engine/scene/environment.h"

namespace understudy::render {

/// Light from an environment's picture, ready for shading.
struct EnvironmentLight {
  /// EnvironmentUniforms::irradiance.
  std::array<glm::vec3, 9> irradiance{};
  /// Octahedral maps, each half as wide as the one before, texels of four half floats. From
  /// `sharp_level` to the last: what a GGX surface mirrors, roughness 0 to 1 in equal steps. Before
  /// it: the picture itself, for the sky.
  std::vector<std::vector<std::uint64_t>> levels;
  std::uint32_t side_px = 0;      ///< Of level 0.
  std::uint32_t sharp_level = 0;  ///< Roughness 0.
};

/// Fails where the picture's size and its values do not fit together.
core::Result<void> check(const scene::Environment& environment);

/// Prefilters the picture in several threads; about 0.2 s for 1024 x 512 px.
EnvironmentLight makeEnvironmentLight(const scene::Environment& environment);

/// Irradiance over pi on a surface, from EnvironmentLight::irradiance.
glm::vec3 irradianceOverPi(const std::array<glm::vec3, 9>& coefficients, const glm::vec3& normal);

/// Where a direction lies in a level, 0 to 1 both ways; and the direction of such a place, of the
/// border too.
glm::vec2 environmentPlace(const glm::vec3& direction);
glm::vec3 environmentDirection(const glm::vec2& place);

/// Light as one texel of the maps, and back. More than kMostLight is cut.
inline constexpr float kMostLight = 65504.0f;
std::uint64_t packLight(const glm::vec3& light);
glm::vec3 unpackLight(std::uint64_t texel);

}  // namespace understudy::render
