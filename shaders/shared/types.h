// Types of structs that C++ and GLSL share. Inside `namespace understudy::shaders` the C++ side
// sees GLSL's names. Layout std430 or scalar: use vec2, vec4, mat4 and plain scalars; never vec3 or
// mat3, whose alignment differs. 64-bit numbers travel as two uint, low word first.
#ifndef UNDERSTUDY_SHADERS_SHARED_TYPES_H
#define UNDERSTUDY_SHADERS_SHARED_TYPES_H

#ifdef __cplusplus
#include <cstdint>
#include <glm/glm.hpp>

namespace understudy::shaders {

using uint = std::uint32_t;
using vec2 = glm::vec2;
using vec4 = glm::vec4;
using ivec2 = glm::ivec2;
using ivec4 = glm::ivec4;
using uvec2 = glm::uvec2;
using uvec4 = glm::uvec4;
using mat4 = glm::mat4;

}  // namespace understudy::shaders
#endif

#endif
