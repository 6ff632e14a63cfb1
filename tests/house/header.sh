# SPDX-License-Identifier: MIT
# Goal: the public header stands alone, in C11 and in C++11.
# Method: compile it by itself, twice in one file, and its initialisers.
. "$(dirname "$0")/lib.sh"

make_scratch
cat >"$scratch/alone.c" <<'END'
#include "dewpond.h"
#include "dewpond.h"

int use(void);
int
use(void)
{
    dew_config config = DEW_CONFIG_INIT;
    dew_conn conn = DEW_CONN_INIT;

    config.size = DEW_ZERO;
    config.maxsize = DEW_OFF;
    return conn.mysql == NULL && config.struct_size == sizeof(config) ? 0 : 1;
}
END
cp "$scratch/alone.c" "$scratch/alone.cc"
cat >"$scratch/scoped.c" <<'END'
#include "dewpond.h"

dew_code use(dew_pool *pool, dew_error *error);
dew_code
use(dew_pool *pool, dew_error *error)
{
    DEW_SCOPED dew_conn conn = DEW_CONN_INIT;

    return dew_acquire(pool, DEW_NO_WAIT, &conn, error);
}
END
cp "$scratch/scoped.c" "$scratch/scoped.cc"

# try COMPILER STANDARD FILE
try()
{
    command -v "$1" >/dev/null 2>&1 || return 0
    # The client library's own headers are not ours to judge: -isystem.
    # shellcheck disable=SC2086
    "$1" -std="$2" -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror \
        -Iinclude ${CLIENT_SYSTEM_CFLAGS-} -fsyntax-only "$3" 2>&1 ||
        printf 'include/dewpond.h:1: refused by %s -std=%s\n' "$1" "$2"
}

offences=$(
    for file in alone scoped; do
        for compiler in "$cc" gcc clang; do
            try "$compiler" c11 "$scratch/$file.c"
        done
        for compiler in "$cxx" g++ clang++; do
            try "$compiler" c++11 "$scratch/$file.cc"
            try "$compiler" c++20 "$scratch/$file.cc"
        done
    done
)
verdict "$offences"
