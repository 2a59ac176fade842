# understudy_shaders(TARGET FILES ...): compiles each GLSL file to SPIR-V and to a C array in a header
# "shaders/<file>.h" (variable k_<file with _ for .>), so that programs need no files beside them.
function(understudy_shaders target)
  cmake_parse_arguments(ARG "" "" "FILES" ${ARGN})
  set(headers)
  foreach(file ${ARG_FILES})
    string(MAKE_C_IDENTIFIER "k_${file}" symbol)
    set(header ${CMAKE_BINARY_DIR}/generated/shaders/${file}.h)
    set(words ${CMAKE_BINARY_DIR}/generated/shaders/${file}.inc)
    file(CONFIGURE OUTPUT ${header} CONTENT
      "#pragma once\n#include <cstdint>\ninline constexpr std::uint32_t ${symbol}[] =\n#include \"${words}\"\n;\n")
    add_custom_command(OUTPUT ${words}
      COMMAND ${GLSLC} --target-env=vulkan1.3 -O -mfmt=c -MD -MF ${words}.d
              -I ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/shaders/${file} -o ${words}
      DEPENDS ${PROJECT_SOURCE_DIR}/shaders/${file} DEPFILE ${words}.d VERBATIM)
    list(APPEND headers ${words})
  endforeach()
  add_custom_target(${target} DEPENDS ${headers})
endfunction()
