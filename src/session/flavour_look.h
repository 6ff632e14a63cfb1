/* SPDX-License-Identifier: MIT */
/* What can be seen of a handle without a call: inline in every return. */
#ifndef DEWPOND_SESSION_FLAVOUR_LOOK_H
#define DEWPOND_SESSION_FLAVOUR_LOOK_H

#include "session/flavour.h"

#if FLAVOUR_MARIADB
#include <ma_pvio.h>
#endif

/* Bytes that were received but not yet used, in the library's own buffers. */
enum flavour_known { FLAVOUR_NONE, FLAVOUR_SOME, FLAVOUR_UNKNOWN };

/* More results of the same command are still to come. */
static inline bool
flavour_more_results(const MYSQL *mysql)
{
    return (mysql->server_status & FLAVOUR_MORE_RESULTS) != 0;
}

/* Whether statements are open on this handle. */
static inline bool
flavour_has_statements(const MYSQL *mysql)
{
    return mysql->stmts != NULL;
}

#if FLAVOUR_MARIADB

/* False once the library dropped its socket: then the number in the handle
 * is stale and may be somebody else's. */
static inline bool
flavour_has_transport(const MYSQL *mysql)
{
    return mysql->net.pvio != NULL;
}

/* No transport, or a network error that makes it unusable. */
static inline bool
flavour_is_dead(const MYSQL *mysql)
{
    return mysql->net.pvio == NULL || mysql->net.error >= 2;
}

static inline enum flavour_known
flavour_unread_bytes(const MYSQL *mysql)
{
    const MARIADB_PVIO *const pvio = mysql->net.pvio;

    if (pvio == NULL) {
        return FLAVOUR_NONE;
    }
    if (mysql->net.compress && mysql->net.remain_in_buf != 0) {
        return FLAVOUR_SOME;
    }
    if (pvio->cache != NULL && pvio->cache_pos != NULL &&
        pvio->cache_pos < pvio->cache + pvio->cache_size) {
        return FLAVOUR_SOME;
    }
    return FLAVOUR_NONE;
}

/* Whether session_options_restore would find nothing to put back. */
static inline bool
flavour_options_stand(const MYSQL *mysql)
{
    return (mysql->options.client_flag & CLIENT_LOCAL_FILES) == 0 &&
           mysql->options.local_infile_init == flavour_default_infile &&
           mysql->options.reconnect == 0;
}

#else

static inline bool
flavour_has_transport(const MYSQL *mysql)
{
    return mysql->net.vio != NULL;
}

static inline bool
flavour_is_dead(const MYSQL *mysql)
{
    return mysql->net.vio == NULL || mysql->net.error >= 2;
}

static inline enum flavour_known
flavour_unread_bytes(const MYSQL *mysql)
{
    if (mysql->net.vio == NULL) {
        return FLAVOUR_NONE;
    }
    /* What else it has read lies in a Vio, whose shape is private. */
    return mysql->net.remain_in_buf != 0 && mysql->net.compress
               ? FLAVOUR_SOME
               : FLAVOUR_UNKNOWN;
}

/* With a call into the library, which asks nobody. */
bool flavour_options_stand(const MYSQL *mysql);

#endif

#endif
