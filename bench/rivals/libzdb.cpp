/* SPDX-License-Identifier: MIT */
/* Takes libzdb's ping out, or leaves it in: the program's symbol goes first. */
#include "rivals/libzdb.h"

#include <dlfcn.h>

bool bench::libzdb_pings = true;

extern "C" int
Connection_ping(Connection_T connection)
{
    using Ping = int (*)(Connection_T);
    static const Ping real =
        reinterpret_cast<Ping>(dlsym(RTLD_NEXT, "Connection_ping"));
    return bench::libzdb_pings ? real(connection) : 1;
}
