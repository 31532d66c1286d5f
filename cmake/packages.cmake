# Every third-party library, as a target xylem::<name> with system includes. Debian 12 by apt.
find_package(Threads REQUIRED)

# xylem_package(NAME HEADER LIBRARY...): an interface target for a library without a good config.
function(xylem_package name header)
  find_path(XYLEM_${name}_INCLUDE ${header} REQUIRED)
  add_library(xylem_package_${name} INTERFACE)
  add_library(xylem::${name} ALIAS xylem_package_${name})
  target_include_directories(xylem_package_${name} SYSTEM INTERFACE ${XYLEM_${name}_INCLUDE})
  foreach(library ${ARGN})
    find_library(XYLEM_${name}_${library} ${library} REQUIRED)
    target_link_libraries(xylem_package_${name} INTERFACE ${XYLEM_${name}_${library}})
  endforeach()
  target_link_libraries(xylem_package_${name} INTERFACE Threads::Threads)
endfunction()

xylem_package(uv uv.h uv)
xylem_package(flatbuffers flatbuffers/flatbuffers.h flatbuffers)
xylem_package(httplib httplib.h cpp-httplib)
# What Debian built the library with: they change the layout of its classes.
target_compile_definitions(xylem_package_httplib INTERFACE CPPHTTPLIB_OPENSSL_SUPPORT
  CPPHTTPLIB_ZLIB_SUPPORT CPPHTTPLIB_BROTLI_SUPPORT)
xylem_package(sqlite sqlite3.h sqlite3)
xylem_package(json nlohmann/json.hpp)
xylem_package(yaml yaml-cpp/yaml.h yaml-cpp)
xylem_package(cli11 CLI/CLI.hpp)
xylem_package(beast boost/beast/http.hpp)
xylem_package(zlib zlib.h z)
xylem_package(snappy snappy.h snappy)
xylem_package(lz4 lz4frame.h lz4)
xylem_package(zstd zstd.h zstd)
xylem_package(openssl openssl/evp.h crypto)
xylem_package(doctest doctest/doctest.h)
find_program(XYLEM_FLATC flatc REQUIRED)
