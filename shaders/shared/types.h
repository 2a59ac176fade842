#ifndef UNDERSTUDY_SHADERS_SHARED_TYPES_H
#define UNDERSTUDY_SHADERS_SHARED_TYPES_H
// The words that C++ and GLSL share. Structs built from them have the same bytes on both sides
// (scalar block layout).
#ifdef __cplusplus
#include <cstdint>
#include <glm/glm.hpp>

namespace understudy::shared {
using uint = std::uint32_t;
using device_address = std::uint64_t;  ///< Of a buffer; GLSL sees two words.
using glm::mat4;
using glm::uvec2;
using glm::uvec4;
using glm::vec2;
using glm::vec3;
using glm::vec4;
}  // namespace understudy::shared
#else
#extension GL_EXT_scalar_block_layout : require
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_buffer_reference_uvec2 : require
#define device_address uvec2
#endif
#endif
