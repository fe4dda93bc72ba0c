# cmake --install BUILD --component cpp --prefix DIR: headers, libraries, the program, and the package that
# find_package(noisescope) reads. The wheel of torch stays where it is; programs find it there.
include(CMakePackageConfigHelpers)
set(package "lib/cmake/noisescope")
install(DIRECTORY "${CMAKE_SOURCE_DIR}/noisescope" DESTINATION include COMPONENT cpp FILES_MATCHING PATTERN "*.h")
install(EXPORT noisescope NAMESPACE noisescope:: FILE noisescope-targets.cmake DESTINATION ${package} COMPONENT cpp)
configure_package_config_file(cmake/noisescope-config.cmake.in "${CMAKE_BINARY_DIR}/noisescope-config.cmake"
  INSTALL_DESTINATION ${package})
write_basic_package_version_file("${CMAKE_BINARY_DIR}/noisescope-config-version.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_BINARY_DIR}/noisescope-config.cmake" "${CMAKE_BINARY_DIR}/noisescope-config-version.cmake"
  cmake/FindTorchWheel.cmake DESTINATION ${package} COMPONENT cpp)
