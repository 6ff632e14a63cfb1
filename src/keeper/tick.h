/* SPDX-License-Identifier: MIT */
/* The pool's own coarse clock: a word that the keeper moves while much is lent. */
/*
 * WHY. Reading the system's coarse clock is a fifth of a borrow and its return.
 * While sessions go out and come back thousands of times a second, the keeper
 * writes the time down every TICK_MS, and who borrows reads a word.
 *
 * WHEN. A loan whose time is sampled (the first ones of a session, then one in
 * 64, or in 1 024 while it ticks) sees how long ago the last sample was. Short: it asks for the tick. The
 * keeper, which looks at all sessions at least once a second, ends it when few
 * loans began meanwhile. Else, and while the keeper is at work, which may take
 * long, the word is TICK_OFF, and who borrows asks the system.
 *
 * HOW LATE. By TICK_MS, and by as long as the keeper is kept off its CPU; after a
 * stop of the whole process until it runs again. What is decided by it may be late
 * by that much and no more than late: whether a session is looked at before it is
 * lent, and how old a loan is said to be. Leaks are not told too early for that:
 * the keeper knows when it was late (tick_latest_ms).
 */
#ifndef DEWPOND_KEEPER_TICK_H
#define DEWPOND_KEEPER_TICK_H

#include "base/clock.h"
#include "base/order.h"

#define TICK_MS INT64_C(10)
/* A session may have been used later than the word says, by the system's clock,
 * and by that much at most. Beyond, the system is asked. */
#define TICK_LATE_MS INT64_C(1000)

/* No time: ask the system. Too far from any time to be within a bypass. */
#define TICK_OFF (INT64_MIN / 2)

struct dew_pool;

struct tick {
    order_u64 now_ms; /* the keeper's; TICK_OFF: it does not tick, or is busy */
    order_u32 wanted; /* 1: much is lent */
    /* The keeper's. */
    bool ticks;
    int64_t moved_ms;
    int64_t late_from_ms, late_to_ms; /* the last time that it came late */
    int64_t counted_ms;
    uint64_t loans; /* as of then */
};

/* The coarse time, or TICK_OFF. */
static inline int64_t
tick_now_ms(const struct tick *tick)
{
    /* ORDER tick.1 relaxed <-> tick.2: a number, and nothing behind it. */
    return (int64_t)order_load_relaxed_u64(&tick->now_ms);
}

/* A sampled loan begins, so long after the last sample of its session. */
void tick_sampled(struct dew_pool *pool, int64_t spell_ns);

/* The keeper's, after each sweep: ends it where few loans began. */
void tick_judge(struct dew_pool *pool);
/* The keeper's: begins it if it is wanted, and moves it. */
void tick_move(struct dew_pool *pool);
/* Before anybody uses it. */
void tick_init(struct tick *tick);
/* The keeper's: it goes to work, and nobody shall rely on it meanwhile. */
void tick_pause(struct tick *tick);
/* The keeper's: the latest moment that may have been noted as this one. */
int64_t tick_latest_ms(const struct tick *tick, int64_t noted_ms);
/* The keeper's: when to move it, exact clock; CLOCK_NEVER: it does not tick. */
int64_t tick_due_ns(const struct tick *tick, int64_t now_ns);

#endif
