/* SPDX-License-Identifier: MIT */
/* The background work of a pool: one pass of it, and the thread that repeats it. */
#ifndef DEWPOND_KEEPER_KEEPER_H
#define DEWPOND_KEEPER_KEEPER_H

#include "keeper/pool.h"

/* The bells that a pond rings for this pool. */
struct pond_bells keeper_bells(dew_pool *pool);

/* Starts the keeper's thread. 0 or an errno value. */
int keeper_start(dew_pool *pool);
/* Ends and joins keeper and openers; nothing is left of them. */
void keeper_stop(dew_pool *pool);
bool keeper_is_stopping(const dew_pool *pool);

/* Does what is due: hangs up retirees, retires the old and the idle, lets a
 * failing server be tried, fills up to the floor. With DEW_NO_THREADS it opens
 * by itself. Returns when there is something to do next (exact clock). */
int64_t keeper_tend(dew_pool *pool);

/* Something made sessions at rest unwanted: they are looked at now, not at the
 * next regular time. Any thread. */
void keeper_hurry(dew_pool *pool);

/* For a pool without threads: keeper_tend, and a wait of at most wait_ms for
 * servers that close. One caller at a time: another one does nothing and is
 * told to come back at once. Returns when there is something to do next. */
int64_t keeper_tend_here(dew_pool *pool, int64_t wait_ms);

/* For a borrower of a pool without threads, whom nobody else may help: frees
 * the places of goodbyes that are over and lets a failing server be tried.
 * Waits for nothing; does nothing while somebody tends. */
void keeper_help(dew_pool *pool);

/* What the breaker says now, told to the pond. */
void keeper_apply(dew_pool *pool);

/* A borrower was refused because connects fail: the server is wanted. */
void keeper_ask(dew_pool *pool);

/* What a connect needs has changed: the next one need not wait. */
void keeper_try_again(dew_pool *pool);

/* The keeper holds at least so many sessions from now on. */
void keeper_set_floor(dew_pool *pool, uint32_t sessions);
/* A place that is still to be filled for that, or NULL: for who opens and has
 * nothing else to do. */
struct slot *keeper_order_own(dew_pool *pool);

#endif
