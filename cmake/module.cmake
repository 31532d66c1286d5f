# xylem_module(NAME HEADERS ... SOURCES ... USES ... PRIVATELY ... SCHEMAS ...)
# One static library per folder. USES is the whole truth about what the folder may include:
# tests/tidy reads it. PRIVATELY names third-party libraries that no header of the folder shows.
# SCHEMAS are FlatBuffers files; x.fbs becomes "x_generated.h", for this folder's sources only.
function(xylem_module name)
  cmake_parse_arguments(ARG "" "" "HEADERS;SOURCES;USES;PRIVATELY;SCHEMAS" ${ARGN})
  add_library(xylem_${name} STATIC)
  add_library(xylem::${name} ALIAS xylem_${name})
  target_sources(xylem_${name} PRIVATE ${ARG_SOURCES}
    PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${ARG_HEADERS})
  target_link_libraries(xylem_${name} PUBLIC ${ARG_USES} PRIVATE ${ARG_PRIVATELY} xylem_warnings)
  if("xylem::json" IN_LIST ARG_PRIVATELY)
    target_precompile_headers(xylem_${name} REUSE_FROM xylem_precompiled_json)
  else()
    target_precompile_headers(xylem_${name} REUSE_FROM xylem_precompiled)
  endif()
  foreach(schema ${ARG_SCHEMAS})
    get_filename_component(stem ${schema} NAME_WE)
    set(generated ${CMAKE_CURRENT_BINARY_DIR}/generated/${stem}_generated.h)
    add_custom_command(OUTPUT ${generated}
      COMMAND ${XYLEM_FLATC} --cpp --scoped-enums -o ${CMAKE_CURRENT_BINARY_DIR}/generated
              ${CMAKE_CURRENT_SOURCE_DIR}/${schema}
      DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${schema} VERBATIM)
    target_sources(xylem_${name} PRIVATE ${generated})
    add_custom_target(xylem_generated_${stem} DEPENDS ${generated})
    add_dependencies(xylem_generated xylem_generated_${stem})
    target_include_directories(xylem_${name} SYSTEM PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/generated)
  endforeach()
endfunction()

# Everything that is generated, for tools that read sources without building them.
add_custom_target(xylem_generated)

add_library(xylem_warnings INTERFACE)
target_compile_options(xylem_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
  -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough -Werror
  -Wno-missing-field-initializers
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>)

# Reading the standard headers takes a second in every file, and JSON another: they are read once.
# Files still include what they use; the clang preset builds without these and notices.
set(XYLEM_STANDARD_HEADERS <algorithm> <array> <atomic> <chrono> <cstdint> <deque> <expected> <functional>
  <map> <memory> <mutex> <optional> <set> <span> <string> <string_view> <unordered_map> <utility>
  <variant> <vector>)
# xylem_precompiled(NAME HEADER...): what targets name in target_precompile_headers(... REUSE_FROM).
# They are all made here, above the folders that use them: CMake 3.25 must meet them first.
function(xylem_precompiled name)
  file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp "")
  add_library(${name} OBJECT EXCLUDE_FROM_ALL ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
  target_link_libraries(${name} PRIVATE xylem_warnings)
  target_precompile_headers(${name} PRIVATE ${XYLEM_STANDARD_HEADERS} ${ARGN})
endfunction()
xylem_precompiled(xylem_precompiled)
xylem_precompiled(xylem_precompiled_json <nlohmann/json.hpp>)
xylem_precompiled(xylem_precompiled_tests <nlohmann/json.hpp> <doctest/doctest.h>)
target_compile_options(xylem_precompiled_tests PRIVATE -O0)
