# SPDX-License-Identifier: MIT
# What `cmake --install` puts where: header, libraries, ways to find them.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/dewpond)

install(FILES include/dewpond.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS dewpond dewpond_static
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})

# Written by hand and not exported: the client library of the machine that
# uses the package is found there, not remembered from here.
configure_package_config_file(cmake/dewpond-config.cmake.in
    ${PROJECT_BINARY_DIR}/dewpond-config.cmake
    INSTALL_DESTINATION ${package_dir}
    PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file(
    ${PROJECT_BINARY_DIR}/dewpond-config-version.cmake
    COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/dewpond-config.cmake
    ${PROJECT_BINARY_DIR}/dewpond-config-version.cmake
    DESTINATION ${package_dir})

# At install time, since only then `cmake --install --prefix` is known.
function(dewpond_install_pkgconfig name)
    install(CODE "
        set(CMAKE_INSTALL_INCLUDEDIR [[${CMAKE_INSTALL_INCLUDEDIR}]])
        set(CMAKE_INSTALL_LIBDIR [[${CMAKE_INSTALL_LIBDIR}]])
        set(PROJECT_DESCRIPTION [[${PROJECT_DESCRIPTION}]])
        set(PROJECT_VERSION [[${PROJECT_VERSION}]])
        set(DEWPOND_CLIENT_MODULE [[${DEWPOND_CLIENT_MODULE}]])
        configure_file([[${PROJECT_SOURCE_DIR}/${name}.pc.in]]
            [[${PROJECT_BINARY_DIR}/${name}.pc]] @ONLY)" ${ARGN})
    install(FILES ${PROJECT_BINARY_DIR}/${name}.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig ${ARGN})
endfunction()
dewpond_install_pkgconfig(dewpond)
