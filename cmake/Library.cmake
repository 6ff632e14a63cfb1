# SPDX-License-Identifier: MIT
# The libraries: libdewpond.so, libdewpond.a and the twin that tests link.
file(GLOB dewpond_sources CONFIGURE_DEPENDS src/*/*.c)
if(NOT dewpond_sources)
    message(FATAL_ERROR "no sources under src/: an incomplete checkout")
endif()
set(src_dir ${PROJECT_SOURCE_DIR}/src)

# What every user of the library needs, one target to say it once.
add_library(dewpond_needs INTERFACE)
target_include_directories(dewpond_needs INTERFACE
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>)
target_link_libraries(dewpond_needs INTERFACE ${dewpond_client})

function(dewpond_compile target)
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    target_include_directories(${target} PRIVATE ${src_dir})
    target_compile_definitions(${target} PRIVATE
        DEWPOND_VERSION="${PROJECT_VERSION}"
        DEWPOND_URCU_INLINE=$<BOOL:${DEWPOND_URCU_INLINE}>)
    # Thread-local variables (four words of ours, one of liburcu's) without a
    # call for each look: a borrow has several. They fit what the loader keeps
    # for libraries that are opened later (tests/story/dlclose).
    target_compile_options(${target} PRIVATE ${CK_CFLAGS}
        -ftls-model=initial-exec)
    target_link_libraries(${target} PUBLIC dewpond_needs
        PRIVATE PkgConfig::URCU Threads::Threads dewpond_warnings)
endfunction()

# The public functions live in src/api; nothing else is to be seen outside.
set(inner_sources ${dewpond_sources})
list(FILTER inner_sources EXCLUDE REGEX "^${src_dir}/api/")
set(twin_kind STATIC)
if(DEWPOND_TWIN_SHARED)
    set(twin_kind SHARED)
else()
    set_source_files_properties(${inner_sources} PROPERTIES
        COMPILE_OPTIONS -fvisibility=hidden)
endif()

add_library(dewpond_objects OBJECT ${dewpond_sources})
dewpond_compile(dewpond_objects)

# -z nodelete: liburcu's thread-exit handlers must not be unmapped by dlclose.
add_library(dewpond SHARED $<TARGET_OBJECTS:dewpond_objects>)
set_target_properties(dewpond PROPERTIES
    VERSION ${PROJECT_VERSION} SOVERSION 0 LINKER_LANGUAGE C
    LINK_DEPENDS ${src_dir}/dewpond.map)
target_link_options(dewpond PRIVATE
    -Wl,--version-script=${src_dir}/dewpond.map -Wl,-z,nodelete)
# clang leaves its sanitizer runtime to the program: then symbols are open.
if(NOT (DEWPOND_SANITIZE AND CMAKE_C_COMPILER_ID MATCHES "Clang"))
    target_link_options(dewpond PRIVATE -Wl,-z,defs)
endif()
target_link_libraries(dewpond PUBLIC dewpond_needs
    PRIVATE PkgConfig::URCU Threads::Threads)

# One object with every name but the public ones made local, so that the archive
# adds nothing else to the name space of the program that links it.
function(dewpond_archive target objects public)
    set(whole ${PROJECT_BINARY_DIR}/${target}_whole.o)
    add_custom_command(OUTPUT ${whole}
        COMMAND ${CMAKE_LINKER} -r -o ${whole} $<TARGET_OBJECTS:${objects}>
        COMMAND ${CMAKE_OBJCOPY} --wildcard --keep-global-symbol=${public}
            ${whole}
        DEPENDS ${objects} $<TARGET_OBJECTS:${objects}>
        COMMENT "Joining ${target} into one object"
        COMMAND_EXPAND_LISTS VERBATIM)
    set_source_files_properties(${whole} PROPERTIES
        EXTERNAL_OBJECT ON GENERATED ON)
    add_library(${target} STATIC EXCLUDE_FROM_ALL ${whole})
    set_target_properties(${target} PROPERTIES LINKER_LANGUAGE C)
endfunction()

dewpond_archive(dewpond_static dewpond_objects dew_*)
set_target_properties(dewpond_static PROPERTIES
    OUTPUT_NAME dewpond EXPORT_NAME static EXCLUDE_FROM_ALL OFF)
target_link_libraries(dewpond_static PUBLIC dewpond_needs
    PRIVATE PkgConfig::URCU Threads::Threads)

add_library(dewpond_testing ${twin_kind} EXCLUDE_FROM_ALL ${dewpond_sources})
dewpond_compile(dewpond_testing)
target_compile_definitions(dewpond_testing PUBLIC DEWPOND_TESTING=1
    $<$<BOOL:${DEWPOND_CANARIES}>:DEWPOND_CANARIES=1>)
if(DEWPOND_COVERAGE)
    # Several threads count, and children that leave by _exit count, too.
    target_compile_options(dewpond_testing PRIVATE
        -O0 --coverage -fprofile-update=atomic)
    target_sources(dewpond_testing PRIVATE cmake/coverage_exit.c)
    target_link_options(dewpond_testing INTERFACE --coverage)
endif()

# As it is released, whatever this build is: its instructions are counted.
add_library(dewpond_counted OBJECT EXCLUDE_FROM_ALL ${dewpond_sources})
dewpond_compile(dewpond_counted)
target_compile_options(dewpond_counted PRIVATE -O2 -g -DNDEBUG)

add_library(dewpond::dewpond ALIAS dewpond)
add_library(dewpond::static ALIAS dewpond_static)
