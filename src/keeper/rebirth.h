/* SPDX-License-Identifier: MIT */
/* A pool in a forked child: its first call builds a new core behind it. */
/*
 * A child inherits a copy of everything at one instant: lists between two
 * writes, locks of threads that it does not have, handles whose sockets are
 * its parent's. None of that is repaired, closed or freed. What is kept is what
 * nobody was writing: the name, the settings, and the credentials (whose lock
 * is held around forks). All else is put aside as it is, and made anew.
 *
 * Everything that the child calls on the pool before has no effect on the
 * parent: base/forked.h took the sockets away, a loan that the parent lent is
 * stale by the pool's generation, and afterwards by its number.
 *
 * WHO. The first call of a child that needs the core; calls that come at the
 * same time wait for it. The lock is held around forks too, so a child never
 * inherits half a rebirth. It is not taken inside read-side sections.
 */
#ifndef DEWPOND_KEEPER_REBIRTH_H
#define DEWPOND_KEEPER_REBIRTH_H

#include "keeper/pool.h"

/* Before the first pool or connection: all fork handlers, in their order.
 * Idempotent and thread-safe; false, for good, without memory for them. */
bool rebirth_init(void);

/* This process made the pool's core, from now on. */
void rebirth_stamp(dew_pool *pool);

/* Builds the new core, if nobody did meanwhile. DEW_OK; DEW_ENOMEM; or
 * DEW_ESYSTEM: no descriptor or thread; then the next call tries again. */
dew_code rebirth(dew_pool *pool, dew_error *error);
/* The same for the pool that has this name, if there is one. One that a thread
 * of an ancestor was still opening is forgotten: nobody here will. */
dew_code rebirth_named(const char *name, dew_error *error);
/* True: such a pool had this name, and has it no more. */
bool rebirth_forget(const char *name);

/* Every call on a pool begins with one of these two: the first where it needs
 * the core, the second where it brings a loan (false: it is stale). */
static inline bool
pool_is_mine(const dew_pool *pool)
{
    return forked_is_mine(&pool->generation);
}

static inline dew_code
pool_enter(const dew_pool *pool, dew_error *error)
{
    /* No pool was made const: a child's first look may build it. */
    return pool_is_mine(pool) ? DEW_OK
                              : rebirth((dew_pool *)(uintptr_t)pool, error);
}

#endif
