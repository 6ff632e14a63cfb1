# SPDX-License-Identifier: MIT
# Goal: what `cmake --install` puts somewhere can be used from there.
# Method: build and run a C and a C++ program against it in all four ways.
. "$(dirname "$0")/lib.sh"

: "${build_dir:?the build directory}"
make_scratch
prefix=$scratch/prefix
cmake --install "$build_dir" --prefix "$prefix" >"$scratch/log" 2>&1 || {
    cat "$scratch/log" >&2
    fail "cmake --install failed"
}

pc=$(find "$prefix" -name dewpond.pc)
[ -n "$pc" ] || fail "dewpond.pc is not installed"
export PKG_CONFIG_PATH="${pc%/*}${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
library_dir=$(pkg-config --variable=libdir dewpond)
archive=$(pkg-config --variable=archive dewpond)
version=$(pkg-config --modversion dewpond)

mkdir "$scratch/user"
cd "$scratch/user"
# It names a function of the client library too: borrowers call it themselves.
cat >main.c <<'END'
#include <dewpond.h>
#include <stdio.h>

int
main(void)
{
    dew_config config = DEW_CONFIG_INIT;
    dew_pool *pool = NULL;
    dew_error error;

    config.size = 70000;
    if (dew_pool_open(&pool, &config, &error) != DEW_EINVAL ||
        mysql_get_client_info() == NULL) {
        return 1;
    }
    return puts(dew_version()) < 0;
}
END
cp main.c main.cc
cat >CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.20)
project(user LANGUAGES C CXX)
find_package(dewpond 0.1 REQUIRED)
foreach(language IN ITEMS c cc)
    add_executable(cmake_shared_${language} main.${language})
    target_link_libraries(cmake_shared_${language} PRIVATE dewpond::dewpond)
    add_executable(cmake_static_${language} main.${language})
    target_link_libraries(cmake_static_${language} PRIVATE dewpond::static)
endforeach()
END

# must COMMAND...: quiet unless it fails.
must()
{
    "$@" >log 2>&1 || {
        cat log >&2
        fail "this failed: $*"
    }
}

for language in c cc; do
    compiler=$cc
    [ $language = c ] || compiler=$cxx
    # shellcheck disable=SC2046
    must $compiler -o pkgconfig_shared_$language main.$language \
        $(pkg-config --cflags --libs dewpond)
    # shellcheck disable=SC2046
    must $compiler -o pkgconfig_static_$language main.$language \
        $(pkg-config --static --cflags --libs dewpond |
            sed "s|-ldewpond|$archive|")
done
must cmake -G Ninja -S . -B build -DCMAKE_PREFIX_PATH="$prefix" \
    -DCMAKE_C_COMPILER="$cc" -DCMAKE_CXX_COMPILER="$cxx"
must cmake --build build -j 2
mv build/cmake_*_c build/cmake_*_cc .

count=0
for program in *_shared_* *_static_*; do
    needs=$(readelf -dW "$program" | grep -c 'NEEDED.*libdewpond' || true)
    case $program in
    *_shared_*) [ "$needs" = 1 ] || fail "$program does not use the library" ;;
    *) [ "$needs" = 0 ] || fail "$program is not static" ;;
    esac
    says=$(LD_LIBRARY_PATH=$library_dir "./$program") ||
        fail "$program fails when it is run"
    [ "$says" = "$version" ] || fail "$program says '$says', not $version"
    count=$((count + 1))
done
[ $count -eq 8 ] || fail "$count programs were run, not eight"

# The scripted server is a component of its own, and comes only when asked for.
[ -z "$(find "$prefix" -name '*scripted*')" ] ||
    fail "the scripted server was installed without being asked for"
must cmake --install "$build_dir" --prefix "$prefix" --component fixture
mkdir scripted
cat >scripted/main.c <<'END'
#include <dewpond.h>
#include <dewpond/scripted_server.h>
#include <stdio.h>

int
main(void)
{
    const dew_script_step full = {
        .moment = DEW_SCRIPT_GREETING,
        .say = DEW_SCRIPT_ERROR,
        .number = 1040,
        .then = DEW_SCRIPT_CLOSE,
    };
    dew_script_server *server = dew_script_start(NULL, NULL, 0);
    dew_config config = DEW_CONFIG_INIT;
    dew_conn conn;
    dew_error error;

    if (server == NULL || !dew_script_play(server, &full, 1)) {
        return 1;
    }
    config.unix_socket = dew_script_socket(server);
    if (dew_connect(&config, &conn, &error) != DEW_ECONNECT ||
        error.mysql_errno != 1040 || !dew_script_play(server, NULL, 0) ||
        dew_connect(&config, &conn, &error) != DEW_OK) {
        return 2;
    }
    dew_release(&conn);
    dew_script_stop(server);
    return puts("scripted") < 0;
}
END
cat >scripted/main.cc <<'END'
#include <dewpond/scripted_server.h>
#include <cstdio>

int
main()
{
    dew_script_server *server = dew_script_start(nullptr, nullptr, 0);
    const bool listens = server != nullptr && dew_script_port(server) != 0;

    dew_script_stop(server);
    return listens ? std::puts("scripted") < 0 : 1;
}
END
cat >scripted/CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.20)
project(user LANGUAGES C)
find_package(dewpond 0.1 REQUIRED)
add_executable(scripted_cmake main.c)
target_link_libraries(scripted_cmake PRIVATE dewpond::dewpond
    dewpond::scripted)
END
must cmake -G Ninja -S scripted -B scripted/build \
    -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$cc"
must cmake --build scripted/build
# shellcheck disable=SC2046
must $cc -o scripted/build/scripted_c scripted/main.c \
    $(pkg-config --cflags --libs dewpond dewpond-scripted)
# shellcheck disable=SC2046
must $cxx -o scripted/build/scripted_cc scripted/main.cc \
    $(pkg-config --cflags --libs dewpond-scripted)
for program in scripted_cmake scripted_c scripted_cc; do
    says=$(LD_LIBRARY_PATH=$library_dir "scripted/build/$program") ||
        fail "$program fails when it is run"
    [ "$says" = scripted ] || fail "$program says '$says'"
    count=$((count + 1))
done
foreign=$(nm -g --defined-only "$library_dir/libdewpond_scripted.a" |
    awk 'NF == 3 && $3 !~ /^dew_script_/ { print $3 }')
[ -z "$foreign" ] || fail "libdewpond_scripted.a also defines $foreign"

# Nothing of this build's directories may be remembered in what was installed.
grep -rlI -e "$build_dir" -e "$source_dir" "$prefix" >&2 &&
    fail "installed files name the build's directories"
verdict "" "$count programs"
