# SPDX-License-Identifier: MIT
# The language, the warnings and the sanitizers of every target here.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
# The value that a file which says it itself gives it: then both may.
add_compile_definitions(_GNU_SOURCE=1)

add_library(dewpond_warnings INTERFACE)
target_compile_options(dewpond_warnings INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wswitch-enum
    -Wstrict-prototypes $<$<BOOL:${DEWPOND_DEV}>:-Werror>)

# Sanitizers in a debug build, so that assertions count, but not at -O0.
if(DEWPOND_SANITIZE STREQUAL "address")
    add_compile_options(-O1 -fsanitize=address,undefined
        -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=address,undefined)
elseif(DEWPOND_SANITIZE STREQUAL "fuzz")
    # As address, with what libFuzzer (clang) wants to see of the code.
    add_compile_options(-O1 -fsanitize=fuzzer-no-link,address,undefined
        -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=address,undefined)
elseif(DEWPOND_SANITIZE STREQUAL "thread")
    add_compile_options(-O1 -fsanitize=thread -fno-omit-frame-pointer)
    add_link_options(-fsanitize=thread)
elseif(NOT DEWPOND_SANITIZE STREQUAL "")
    message(FATAL_ERROR "DEWPOND_SANITIZE is '${DEWPOND_SANITIZE}'; "
        "allowed are address, fuzz, thread or nothing")
endif()
