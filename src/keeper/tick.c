/* SPDX-License-Identifier: MIT */
/* When the pool's coarse clock begins to tick, moves and stops. */
#include "keeper/tick.h"

#include "keeper/pool.h"

/* 64 loans of one session in so short a time: it is worth a tick. */
#define SPELL_NS (8 * CLOCK_NS_PER_MS)
/* Fewer loans in a second than this, and it is not. */
#define LOANS_PER_MS 2

void
tick_sampled(dew_pool *pool, int64_t spell_ns)
{
    struct tick *tick = &pool->tick;

    if (!pool->threaded || spell_ns > SPELL_NS ||
        tick_now_ms(tick) != TICK_OFF) {
        return;
    }
    /* ORDER tick.3 seq_cst <-> tick.4 tick.5: set before the keeper is rung, by
     * one of many. */
    if (order_swap_seq_u32(&tick->wanted, 1) == 0) {
        poll_bell_ring(&pool->work);
    }
}

static void
set(struct tick *tick, int64_t now_ms)
{
    /* ORDER tick.2 relaxed <-> tick.1: see there. */
    order_store_relaxed_u64(&tick->now_ms, (uint64_t)now_ms);
}

void
tick_init(struct tick *tick)
{
    *tick = (struct tick){.counted_ms = 0};
    set(tick, TICK_OFF);
}

int64_t
tick_latest_ms(const struct tick *tick, int64_t noted_ms)
{
    return noted_ms == tick->late_from_ms ? tick->late_to_ms : noted_ms;
}

/* What was noted since it moved last may be as young as now. */
static void
note_lateness(struct tick *tick, int64_t now_ms)
{
    if (now_ms - tick->moved_ms > 2 * TICK_MS) {
        tick->late_from_ms = tick->moved_ms;
        tick->late_to_ms = now_ms;
    }
}

void
tick_pause(struct tick *tick)
{
    if (tick->ticks) {
        note_lateness(tick, clock_coarse_ms());
        tick->moved_ms = CLOCK_NEVER; /* until it moves nobody relies on it */
        set(tick, TICK_OFF);
    }
}

/* How many loans began since the last count, which this one replaces. */
static uint64_t
count_loans(dew_pool *pool, int64_t now_ms)
{
    struct pond_gauges gauges;

    pond_gauge(&pool->pond, &gauges);
    const uint64_t begun = gauges.loans - pool->tick.loans;
    pool->tick.loans = gauges.loans;
    pool->tick.counted_ms = now_ms;
    return begun;
}

void
tick_judge(dew_pool *pool)
{
    struct tick *tick = &pool->tick;

    if (!tick->ticks) {
        return;
    }
    const int64_t now_ms = clock_coarse_ms();
    const int64_t spell_ms = now_ms - tick->counted_ms;
    if (count_loans(pool, now_ms) < (uint64_t)spell_ms * LOANS_PER_MS) {
        tick->ticks = false;
        set(tick, TICK_OFF);
        /* ORDER tick.5 seq_cst <-> tick.3: the next spell asks anew. */
        order_store_seq_u32(&tick->wanted, 0);
    }
}

void
tick_move(dew_pool *pool)
{
    struct tick *tick = &pool->tick;

    /* ORDER tick.4 seq_cst <-> tick.3: as of the last ring. */
    if (order_load_seq_u32(&tick->wanted) == 0) {
        return;
    }
    const int64_t now_ms = clock_coarse_ms();
    if (!tick->ticks) {
        tick->ticks = true;
        (void)count_loans(pool, now_ms);
    } else if (tick->moved_ms != CLOCK_NEVER) {
        note_lateness(tick, now_ms);
    }
    tick->moved_ms = now_ms;
    set(tick, now_ms);
}

int64_t
tick_due_ns(const struct tick *tick, int64_t now_ns)
{
    return tick->ticks ? now_ns + TICK_MS * CLOCK_NS_PER_MS : CLOCK_NEVER;
}
