# cmake --install: the library, its headers, the program, and a package for find_package(sonograd).
include(CMakePackageConfigHelpers)
install(TARGETS sonograd EXPORT sonograd-targets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET sonograd_app)
  # Where the library is a shared one, the program finds it from any prefix.
  set_target_properties(sonograd_app PROPERTIES INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
  install(TARGETS sonograd_app RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
foreach(folder IN LISTS folders)
  install(DIRECTORY ${CMAKE_SOURCE_DIR}/${folder} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/sonograd
          FILES_MATCHING PATTERN "*.h")
endforeach()
install(EXPORT sonograd-targets NAMESPACE sonograd:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/sonograd)
configure_package_config_file(cmake/sonograd-config.cmake.in ${CMAKE_BINARY_DIR}/sonograd-config.cmake
                              INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/sonograd)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/sonograd-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/sonograd-config.cmake ${CMAKE_BINARY_DIR}/sonograd-config-version.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/sonograd)
