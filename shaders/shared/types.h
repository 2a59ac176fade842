// Types of structs that C++ and GLSL share. Inside `namespace understudy::shaders` the C++ side
// sees GLSL's names. Buffers use scalar layout, so that a struct has the same bytes on both sides;
// structs that are read with std430 layout too must do without vec3. 64-bit numbers travel as two
// uint, low word first.
#ifndef UNDERSTUDY_SHADERS_SHARED_TYPES_H
#define UNDERSTUDY_SHADERS_SHARED_TYPES_H

#ifdef __cplusplus
#include <cstdint>
#include <glm/glm.hpp>

namespace understudy::shaders {

using uint = std::uint32_t;
using vec2 = glm::vec2;
using vec3 = glm::vec3;
using vec4 = glm::vec4;
using ivec2 = glm::ivec2;
using ivec4 = glm::ivec4;
using uvec2 = glm::uvec2;
using uvec4 = glm::uvec4;
using mat4 = glm::mat4;
using device_address = std::uint64_t;  ///< Of a buffer.

}  // namespace understudy::shaders
#else
#extension GL_EXT_scalar_block_layout : require
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_buffer_reference_uvec2 : require
#define device_address uvec2
#endif

#endif
