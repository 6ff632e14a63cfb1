/* SPDX-License-Identifier: MIT */
/* Several commands in one send that never waits, where the library allows it. */
/*
 * MariaDB Connector/C writes each command by itself: a system call for each,
 * and the server is woken for the first while the second is still to come. Its
 * transport is a table of functions (ma_pvio.h). So between begin and end the
 * handle has a copy of that table whose write keeps the bytes. All else is the
 * library's own work as always: the packets, the counter, the handle's state.
 *
 * Elsewhere, and where the session is not plain, each command leaves by itself.
 */
#ifndef DEWPOND_SESSION_FLAVOUR_GATHER_H
#define DEWPOND_SESSION_FLAVOUR_GATHER_H

#include "session/flavour.h"

#if FLAVOUR_MARIADB

/* What is longer leaves by itself, by the library's own write, which may wait:
 * only an init_sql is. */
#define FLAVOUR_GATHER_MAX 2048u

struct flavour_gather {
    MYSQL *mysql;
    MARIADB_PVIO *pvio; /* NULL: nothing is kept back */
    PVIO_METHODS *own;  /* the library's table */
    PVIO_METHODS keeping;
    bool failed;
    size_t length;
    unsigned char bytes[FLAVOUR_GATHER_MAX];
};

/* From now on commands are kept back. The gather must not move. */
void flavour_gather_begin(MYSQL *mysql, struct flavour_gather *gather);
/* Lets them go, if they are wanted. False: not all of it went out, and the
 * handle is dead to flavour_is_dead. Never waits, never raises SIGPIPE. */
bool flavour_gather_end(struct flavour_gather *gather, bool wanted);

#else

struct flavour_gather {
    MYSQL *mysql;
};

static inline void
flavour_gather_begin(MYSQL *mysql, struct flavour_gather *gather)
{
    gather->mysql = mysql;
}

static inline bool
flavour_gather_end(struct flavour_gather *gather, bool wanted)
{
    (void)gather;
    return wanted;
}

#endif

#endif
