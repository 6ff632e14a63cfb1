# SPDX-License-Identifier: MIT
# libdewpond_scripted.a: a MySQL server that misbehaves on demand, for tests.
set(scripted_dir ${PROJECT_SOURCE_DIR}/tests/fixture/scripted)
file(GLOB scripted_sources CONFIGURE_DEPENDS ${scripted_dir}/*.c)
add_library(dewpond_scripted_objects OBJECT EXCLUDE_FROM_ALL
    ${scripted_sources})
set_target_properties(dewpond_scripted_objects PROPERTIES
    POSITION_INDEPENDENT_CODE ON)
target_link_libraries(dewpond_scripted_objects PRIVATE dewpond_warnings
    Threads::Threads)
dewpond_archive(dewpond_scripted dewpond_scripted_objects dew_script_*)
target_include_directories(dewpond_scripted INTERFACE
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/tests>)
target_link_libraries(dewpond_scripted PUBLIC Threads::Threads)
add_library(dewpond::scripted ALIAS dewpond_scripted)

# `cmake --install BUILD --component fixture` installs it; with the option every
# install does.
set_target_properties(dewpond_scripted PROPERTIES EXCLUDE_FROM_ALL OFF)
set(component COMPONENT fixture)
if(NOT DEWPOND_INSTALL_FIXTURE)
    list(APPEND component EXCLUDE_FROM_ALL)
endif()
install(TARGETS dewpond_scripted
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} ${component})
install(FILES ${scripted_dir}/scripted_server.h
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/dewpond ${component})
dewpond_install_pkgconfig(dewpond-scripted ${component})
