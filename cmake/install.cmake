# `cmake --install build/release --prefix P`: the programs, and the client library as the package
# that `find_package(Xylem)` finds, with the target Xylem::client (network/client/README.md).
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

# What a program includes that publishes, consumes or administers, and all that this includes.
# Include paths stay as they are here: the root of them is include/xylem.
set(public_headers
  common/batch/batch.h common/batch/compression.h common/batch/due_time.h common/batch/record.h
  common/bytes.h common/check.h common/clock.h common/error.h common/ids.h common/logger.h common/loop.h
  common/loop/loop_thread.h common/metrics.h common/random.h common/result.h common/signals.h
  common/thread_annotations.h common/timer.h
  network/client/admin_client.h network/client/consumer.h network/client/context.h
  network/client/delivered_records.h network/client/partitioner.h network/client/producer.h
  network/client/retry_policy.h
  network/protocol/frame.h network/protocol/group_messages.h network/protocol/messages.h
  network/protocol/metadata_messages.h
  network/serializer/serializer.h network/serializer/value.h
  network/transport/transport.h)

# The same objects as in the libraries of common and network, but for what a client never calls and
# what needs more third parties: configuration, SQLite, HTTP.
set(not_for_clients "/(config|http|sqlite)[^/]*[./]")
set(third_parties avro lz4 snappy uv z zstd)
add_library(xylem_client STATIC
  $<FILTER:$<TARGET_OBJECTS:xylem_common>,EXCLUDE,${not_for_clients}>
  $<FILTER:$<TARGET_OBJECTS:xylem_network>,EXCLUDE,${not_for_clients}>)
add_library(Xylem::client ALIAS xylem_client)
set_target_properties(xylem_client PROPERTIES LINKER_LANGUAGE CXX EXPORT_NAME client)
target_compile_features(xylem_client INTERFACE cxx_std_23)
list(TRANSFORM public_headers PREPEND ${PROJECT_SOURCE_DIR}/ OUTPUT_VARIABLE header_files)
target_sources(xylem_client PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${header_files})
list(TRANSFORM third_parties PREPEND Xylem:: OUTPUT_VARIABLE found_by_config)
target_link_libraries(xylem_client INTERFACE Threads::Threads
  $<BUILD_INTERFACE:xylem::avro> $<BUILD_INTERFACE:xylem::lz4> $<BUILD_INTERFACE:xylem::snappy>
  $<BUILD_INTERFACE:xylem::uv> $<BUILD_INTERFACE:xylem::zlib> $<BUILD_INTERFACE:xylem::zstd>
  $<INSTALL_INTERFACE:${found_by_config}>)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Xylem)
install(TARGETS xylem_client EXPORT XylemTargets
  ARCHIVE COMPONENT development
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/xylem
  FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/xylem COMPONENT development)
install(EXPORT XylemTargets NAMESPACE Xylem:: DESTINATION ${package_dir} COMPONENT development)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/XylemConfig.cmake.in XylemConfig.cmake
  INSTALL_DESTINATION ${package_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(XylemConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/XylemConfig.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/XylemConfigVersion.cmake
  DESTINATION ${package_dir} COMPONENT development)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT development)

foreach(program xylem-cli xylem-broker xylem-registry xylem-consumer-app)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME COMPONENT programs)
  endif()
endforeach()
