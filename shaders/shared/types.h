#ifndef UNDERSTUDY_SHADERS_SHARED_TYPES_H
#define UNDERSTUDY_SHADERS_SHARED_TYPES_H
// The words that C++ and GLSL share. Structs built from them have the same bytes on both sides
// (scalar block layout).
#ifdef __cplusplus
#include <cstdint>
#include <glm/glm.hpp>

namespace understudy::shared {
using uint = std::uint32_t;
using glm::mat4;
using glm::uvec2;
using glm::uvec4;
using glm::vec2;
using glm::vec3;
using glm::vec4;
}  // namespace understudy::shared
#else
#extension GL_EXT_scalar_block_layout : require
#endif
#endif
