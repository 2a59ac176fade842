# understudy_module(NAME SOURCES ... [LINKS ...] [PRIVATE_LINKS ...]): one static library per module, sources listed by hand.
function(understudy_module name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
  add_library(understudy_${name} STATIC ${ARG_SOURCES})
  add_library(understudy::${name} ALIAS understudy_${name})
  target_include_directories(understudy_${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(understudy_${name} PUBLIC ${ARG_LINKS} PRIVATE ${ARG_PRIVATE_LINKS})
  understudy_warnings(understudy_${name})
endfunction()

# A module of headers only.
function(understudy_header_module name)
  cmake_parse_arguments(ARG "" "" "LINKS" ${ARGN})
  add_library(understudy_${name} INTERFACE)
  add_library(understudy::${name} ALIAS understudy_${name})
  target_include_directories(understudy_${name} INTERFACE ${PROJECT_SOURCE_DIR})
  target_link_libraries(understudy_${name} INTERFACE ${ARG_LINKS})
endfunction()

function(understudy_warnings target)
  # Designated initialisers leave fields to their defaults on purpose; g++ 12 warns falsely of
  # overlapping strings (GCC bug 105651).
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wconversion -Wshadow -Werror -Wno-missing-field-initializers -Wno-restrict)
endfunction()

# understudy_tool(NAME SOURCES ... LINKS ...): one executable in build/bin.
function(understudy_tool name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINKS})
  target_compile_definitions(${name} PRIVATE UNDERSTUDY_VERSION="${PROJECT_VERSION}")
  understudy_warnings(${name})
endfunction()
