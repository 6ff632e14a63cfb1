# SPDX-License-Identifier: MIT
# Finds the client library, Concurrency Kit and liburcu through pkg-config.
include(CheckCSourceCompiles)
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

if(DEWPOND_CLIENT STREQUAL "auto")
    set(candidates libmariadb mysqlclient)
elseif(DEWPOND_CLIENT MATCHES "^(libmariadb|mysqlclient)$")
    set(candidates ${DEWPOND_CLIENT})
else()
    message(FATAL_ERROR "DEWPOND_CLIENT is '${DEWPOND_CLIENT}'; "
        "allowed are auto, libmariadb and mysqlclient")
endif()
foreach(candidate IN LISTS candidates)
    pkg_check_modules(CLIENT_${candidate} QUIET IMPORTED_TARGET ${candidate})
    if(CLIENT_${candidate}_FOUND)
        set(DEWPOND_CLIENT_MODULE ${candidate})
        break()
    endif()
endforeach()
if(NOT DEWPOND_CLIENT_MODULE)
    list(JOIN candidates " nor " names)
    message(FATAL_ERROR "pkg-config finds no ${names}: install the client "
        "library's development files (Debian: libmariadb-dev)")
endif()
set(dewpond_client PkgConfig::CLIENT_${DEWPOND_CLIENT_MODULE})
message(STATUS "dewpond: client library ${DEWPOND_CLIENT_MODULE} "
    "${CLIENT_${DEWPOND_CLIENT_MODULE}_VERSION}")

pkg_check_modules(URCU REQUIRED IMPORTED_TARGET liburcu-bp liburcu-cds)

# Only headers of Concurrency Kit are used: nothing of it is linked. Without a
# native double-word compare-and-swap its stack has no multi-consumer pop.
pkg_check_modules(CK REQUIRED ck)
set(CMAKE_REQUIRED_FLAGS "${CK_CFLAGS}")
string(REPLACE ";" " " CMAKE_REQUIRED_FLAGS "${CMAKE_REQUIRED_FLAGS}")
check_c_source_compiles("
    #include <ck_stack.h>
    #ifndef CK_F_STACK_POP_MPMC
    #error no ck_stack_pop_mpmc
    #endif
    int main(void) { return 0; }" DEWPOND_HAVE_STACK_POP_MPMC)
unset(CMAKE_REQUIRED_FLAGS)
if(NOT DEWPOND_HAVE_STACK_POP_MPMC)
    unset(DEWPOND_HAVE_STACK_POP_MPMC CACHE)
    message(FATAL_ERROR "Concurrency Kit on this platform "
        "(${CMAKE_SYSTEM_PROCESSOR}, ${CMAKE_C_COMPILER}) has no "
        "CK_F_STACK_POP_MPMC, which needs a double-word compare-and-swap. "
        "dewpond does not fall back to a lock.")
endif()
