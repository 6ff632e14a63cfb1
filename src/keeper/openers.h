/* SPDX-License-Identifier: MIT */
/* Opening sessions: one connect, and the threads that do nothing else. */
#ifndef DEWPOND_KEEPER_OPENERS_H
#define DEWPOND_KEEPER_OPENERS_H

#include "keeper/pool.h"

/* Connects the session of an OPENING slot, within connect_timeout_ms and the
 * deadline, and tells the breaker. True: the slot has its session and is
 * still OPENING. False: *error tells why, and nothing is left. Blocks. */
bool opener_connect(dew_pool *pool, struct slot *slot, int64_t deadline_ns,
                    dew_error *error);

/* Without threads: fills up to the keeper's floor, until a connect fails. */
void openers_open_here(dew_pool *pool);

/* A thread for each opening, ordered or begun, up to connects_max. Who sleeps
 * is not counted on twice: two orders are the work of two. */
void openers_grow(dew_pool *pool);

/* After pool->stopping: joins all opener threads. */
void openers_join(dew_pool *pool);

#endif
