/* SPDX-License-Identifier: MIT */
/* A server that stops taking writes: its sessions are replaced, once. */
/*
 * After a failover the old sessions are with a server that only reads. Who
 * was told so by an error (1290, 1792, 1836) gives a hint when he returns his
 * session; the clean-up asks the server, and so does one in five seconds
 * without a hint. Confirmed is: it took writes when the session was opened, and
 * takes none now. Then:
 *
 *     WRITABLE --confirmed--> DEMOTED --a session that can write arrives--+
 *        ^   epoch + 1                 epoch + 1, but it stays            |
 *        +----------------------------------------------------------------+
 *
 * DEMOTED: the name of the host may still lead to the old server. A session
 * that is read-only from the start lives for half a minute to a minute then;
 * and of those that refuse a write at most one in a second is replaced. A pool
 * that never knew another server than one that only reads is never DEMOTED.
 */
#ifndef DEWPOND_KEEPER_ROLE_H
#define DEWPOND_KEEPER_ROLE_H

#include <stdbool.h>

#include "base/seldom.h"

struct dew_pool;
struct slot;

/* All zero: WRITABLE, or not known to be anything else. */
struct role {
    order_u32 demoted;         /* 1: DEMOTED; writers: any holder of a slot */
    struct seldom refused_one; /* replaced for a write that it refused */
};

/* A clean-up or a probe has been answered. True: the session is outdated,
 * because its server takes no writes any more. The holder's. */
bool role_is_lost(struct dew_pool *pool, const struct slot *slot);

/* A session was opened. The opener's, before anybody else has the slot. */
void role_met(struct dew_pool *pool, struct slot *slot);

/* A session has come back: true if another one in its place may find the
 * server that takes writes. */
bool role_wants_another(struct dew_pool *pool, const struct slot *slot);

#endif
