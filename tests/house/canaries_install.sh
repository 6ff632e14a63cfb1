# SPDX-License-Identifier: MIT
# Goal: the house test `install` can fail.
# Method: it installs from a build directory that spoils one thing of what the
# real one has put there, and must name it; and one that spoils nothing.
. "$(dirname "$0")/lib.sh"

: "${build_dir:?the build directory}"
house=$source_dir/tests/house
make_scratch
caught=0

# try CMAKE-CODE...: what is run behind the real installation, in $status; ours
# is the prefix of what was installed.
try()
{
    rm -rf "$scratch/b"
    mkdir "$scratch/b"
    {
        printf 'include("%s/cmake_install.cmake")\n' "$build_dir"
        # shellcheck disable=SC2016
        echo 'set(ours "${CMAKE_INSTALL_PREFIX}")'
        # shellcheck disable=SC2016
        echo 'file(GLOB_RECURSE all "${ours}/*")'
        printf '%s\n' "$@"
    } >"$scratch/b/cmake_install.cmake"
    status=0
    sh "$house/install.sh" "$source_dir" "$scratch/b" >"$scratch/out" 2>&1 ||
        status=$?
}

# barks EXPECTED CMAKE-CODE...
barks()
{
    expected=$1
    shift
    try "$@"
    [ $status -ne 0 ] || fail "install overlooks: $expected"
    grep -qF -e "$expected" "$scratch/out" || {
        cat "$scratch/out" >&2
        fail "install fails, but does not say: $expected"
    }
    caught=$((caught + 1))
}

# in_file NAME REGEX TEXT: code that puts TEXT for REGEX in each file so named.
in_file()
{
    cat <<CODE
foreach(file IN LISTS all)
    if(file MATCHES "/$1\$" AND EXISTS "\${file}")
        file(READ "\${file}" text)
        string(REGEX REPLACE "$2" "$3" text "\${text}")
        file(WRITE "\${file}" "\${text}")
    endif()
endforeach()
CODE
}

# gone REGEX: code that takes each file away whose path ends so.
gone()
{
    cat <<CODE
foreach(file IN LISTS all)
    if(file MATCHES "$1\$")
        file(REMOVE "\${file}")
    endif()
endforeach()
CODE
}

try ''
[ $status -eq 0 ] || {
    cat "$scratch/out" >&2
    fail "install complains about a sound installation"
}

barks 'cmake --install failed' 'message(FATAL_ERROR "no room")'
barks 'dewpond.pc is not installed' "$(gone /dewpond.pc)"
barks 'this failed: '"$cc"' -o pkgconfig_shared_c' "$(gone /dewpond.h)"
barks 'this failed: '"$cc"' -o pkgconfig_shared_c' \
    "$(in_file dewpond.pc 'Libs:[^\n]*' 'Libs:')"
barks 'this failed: '"$cc"' -o pkgconfig_static_c' "$(gone /libdewpond.a)"
barks 'this failed: cmake -G Ninja -S . -B build' \
    "$(gone '/dewpond-config.cmake')"
barks 'says' "$(in_file dewpond.pc 'Version:[^\n]*' 'Version: 9.9.9')"
barks 'the scripted server was installed without being asked for' \
    'file(WRITE "${ours}/include/dewpond/scripted_server.h" "")'
barks 'also defines' 'if(CMAKE_INSTALL_COMPONENT STREQUAL "fixture")' \
    "file(WRITE \"$scratch/f.c\" \"int foreign; int foreign;\")" \
    "execute_process(COMMAND $cc -c $scratch/f.c -o $scratch/f.o)" \
    'file(GLOB_RECURSE archive "${ours}/*/libdewpond_scripted.a")' \
    "execute_process(COMMAND ar q \${archive} $scratch/f.o)" 'endif()'
barks "name the build's directories" \
    'file(GLOB_RECURSE header "${ours}/*/dewpond.h")' \
    "file(APPEND \"\${header}\" \"/* made in $scratch/b */\")"

verdict "" "the watchfulness of the test of the install: $caught offences were caught"
