/* SPDX-License-Identifier: MIT */
/* What a pool learnt of its server: how long sessions may rest, and how many fit. */
/*
 * A server hangs up on whoever rests for wait_timeout. So a session is pinged,
 * or leaves, 45 s before that (at half of it where it is less than 90 s),
 * whatever keepalive_ms and idle_timeout_ms say. Each session has its own limit,
 * because init_sql may set it; the newest one's counts for all, too, because a
 * reset brings the server's present value back.
 *
 * A session that is not pinged (keepalive_ms is off) leaves at the limit even
 * where the pool may not shrink, and another one takes its place: it would be
 * found dead a little later.
 */
#ifndef DEWPOND_KEEPER_SERVER_H
#define DEWPOND_KEEPER_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/order.h"

struct dew_pool;
struct slot;

/* All zero: nothing is known. Writers: whoever opens a session. Readers: the
 * keeper, borrowers, and who opens a session in any pool. */
struct server_news {
    order_u64 rest_ms;    /* how long the newest session may rest; 0: ever */
    order_u64 identity;   /* of the server that the newest session is with */
    order_u64 told_rest;  /* the rest_ms that the log was told of */
    order_u64 told_crowd; /* the sum and limit that the log was told of */
    order_u32 introduced; /* 1: the log was told what the server is */
};

/* A session was opened: notes what it learnt, and tells the log what is new.
 * The opener's, before anybody else has the slot. Outside sections. */
void server_met(struct dew_pool *pool, struct slot *slot);

/* idle_timeout_ms and keepalive_ms as they are for this session, or
 * SETTINGS_OFF. */
int64_t server_idle_ms(const struct dew_pool *pool, const struct slot *slot);
int64_t server_keepalive_ms(const struct dew_pool *pool,
                            const struct slot *slot);
/* Whether the server is about to hang up on who rested for so long, if nobody
 * pings it. */
bool server_ends_rest(const struct dew_pool *pool, const struct slot *slot,
                      int64_t rested_ms);
/* How long the newest session may rest, or SETTINGS_OFF. */
int64_t server_rest_ms(const struct dew_pool *pool);

#endif
