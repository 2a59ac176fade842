#pragma once

#include <glm/glm.hpp>
#include <span>

namespace understudy::test {

/// A ball that casts a shadow; world, metres.
struct CasterBall {
  glm::vec3 centre{0.0f};
  float radius = 0.0f;
};

/// The key light's shadow map, fitted around what casts shadows.
struct ShadowFit {
  glm::mat4 shadow_from_world{1.0f};  ///< To map coordinates 0 to 1 (x, y) and depth 0 to 1.
  float metres = 0.0f;                ///< Side of the map; 0 = nothing casts a shadow.
  float range = 1.0f;                 ///< Metres from depth 0 to depth 1.
};

/// Fits the map. The side grows in steps of a quarter metre and the map moves by whole texels, so
/// that shadow edges do not swim. Depth reaches down to the floor (y = 0) under the whole map.
ShadowFit fitShadow(std::span<const CasterBall> casters, const glm::vec3& to_key,
                    std::uint32_t map_size_px);

}  // namespace understudy::test
