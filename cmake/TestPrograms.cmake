# SPDX-License-Identifier: MIT
# Makes a test program of a file, and a ctest test of the program.
set(test_environment
    "ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1"
    "UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1"
    "LSAN_OPTIONS=report_objects=1")
# Why each of these: tsan/README.md.
set(tsan_options "history_size=7:second_deadlock_stack=1:exitcode=66:io_sync=0"
    ":suppressions=${PROJECT_SOURCE_DIR}/tsan/suppressions")
string(JOIN "" tsan_options ${tsan_options})
if(DEWPOND_SANITIZE STREQUAL "thread" AND CMAKE_C_COMPILER_ID MATCHES "Clang")
    # Without it clang's reports are bare addresses.
    string(REGEX MATCH "^[0-9]+" major ${CMAKE_C_COMPILER_VERSION})
    find_program(SYMBOLIZER NAMES llvm-symbolizer-${major} llvm-symbolizer
        REQUIRED)
    string(APPEND tsan_options ":external_symbolizer_path=${SYMBOLIZER}")
endif()
list(APPEND test_environment "TSAN_OPTIONS=${tsan_options}")

set(test_emulator "")
if(DEWPOND_VALGRIND)
    find_program(VALGRIND valgrind REQUIRED)
    set(test_emulator ${VALGRIND} --quiet --error-exitcode=9
        --leak-check=full --show-leak-kinds=definite,indirect
        --errors-for-leak-kinds=definite,indirect --child-silent-after-fork=yes)
endif()

# Sets `variable` to the limit that the file names, or else to its label's.
function(dewpond_test_timeout variable label source)
    set(limit 120)
    if(label MATCHES "^(unit|story)$")
        set(limit 60)
    endif()
    file(STRINGS ${source} line LIMIT_COUNT 1
        REGEX "/\\* ctest: timeout=[0-9]+ \\*/")
    if(line MATCHES "timeout=([0-9]+)")
        set(limit ${CMAKE_MATCH_1})
    endif()
    # The limit is read at configure time: a changed file is read again.
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
    if(DEWPOND_SANITIZE)
        math(EXPR limit "${limit} * 3")
    elseif(DEWPOND_VALGRIND)
        math(EXPR limit "${limit} * 10")
    endif()
    set(${variable} ${limit} PARENT_SCOPE)
endfunction()

# Exit status 77 is a test that could not be tried; it says why on stderr.
function(dewpond_test_properties test label timeout)
    set_tests_properties(${test} PROPERTIES LABELS ${label}
        TIMEOUT ${timeout} SKIP_RETURN_CODE 77
        ENVIRONMENT "${test_environment}")
    if(label STREQUAL "stress")
        # It wants the machine for itself: its neighbours keep deadlines.
        set_tests_properties(${test} PROPERTIES RUN_SERIAL ON)
    endif()
endfunction()

function(dewpond_test_program label source)
    get_filename_component(name ${source} NAME_WE)
    set(test ${label}.${name})
    add_executable(${test} ${source})
    add_dependencies(tests ${test})
    set_target_properties(${test} PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/${label}
        OUTPUT_NAME ${name})
    target_include_directories(${test} PRIVATE ${PROJECT_SOURCE_DIR}/src
        ${CMAKE_CURRENT_SOURCE_DIR})
    target_compile_options(${test} PRIVATE ${CK_CFLAGS})
    target_compile_definitions(${test} PRIVATE
        DEWPOND_SO_PATH="$<TARGET_FILE:dewpond>"
        DEWPOND_URCU_INLINE=$<BOOL:${DEWPOND_URCU_INLINE}>)
    target_link_libraries(${test} PRIVATE dewpond_testing ${test_fixture}
        PkgConfig::CMOCKA PkgConfig::URCU Threads::Threads dewpond_warnings
        ${CMAKE_DL_LIBS})
    # What is not called is not loaded: a test of unloading depends on it.
    target_link_options(${test} PRIVATE -Wl,--as-needed)
    file(STRINGS ${source} loads_it LIMIT_COUNT 1 REGEX "DEWPOND_SO_PATH")
    if(loads_it)
        add_dependencies(${test} dewpond)
    endif()
    dewpond_test_timeout(timeout ${label} ${source})
    # A program that runs itself again would run valgrind's own program there.
    file(STRINGS ${source} runs_itself LIMIT_COUNT 1 REGEX "/proc/self/exe")
    set(emulator ${test_emulator})
    if(runs_itself)
        set(emulator "")
    endif()
    add_test(NAME ${test} COMMAND ${emulator} $<TARGET_FILE:${test}>)
    dewpond_test_properties(${test} ${label} ${timeout})
endfunction()
