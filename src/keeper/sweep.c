/* SPDX-License-Identifier: MIT */
/* Looks at resting sessions one by one, keeps the good, retires the rest. */
#include "keeper/sweep.h"

#include "base/clock.h"
#include "base/mutant.h"
#include "base/reclaim.h"
#include "keeper/lease.h"

/* At most so many are retired in one round, or an eighth of all: no storm of
 * reconnects. What is left comes next, SWEEP_MIN_MS later. */
#define SWEEP_RETIRED_MIN 8
#define SWEEP_RETIRED_PART 8
#define SWEEP_MIN_MS 100
#define SWEEP_MAX_MS 1000
/* A round that took longer goes on in the next one: the keeper has more to do,
 * and the probes of many sessions with a far server add up. */
#define SWEEP_ENOUGH_MS 100
/* What was opened beyond size for a burst goes when it has rested for this part
 * of idle_timeout_ms; the others for all of it. */
#define SWEEP_BURST_PART 10

/* A session whose on_connect has to run again is a borrower's to settle. */
static bool
is_mine_to_look_at(const dew_pool *pool, const struct slot *slot)
{
    return !slot_is_pending(slot) || pool->settings->on_connect == NULL;
}

static bool
is_pinged(const dew_pool *pool, const struct slot *slot)
{
    return pool->settings->keepalive_ms != SETTINGS_OFF &&
           is_mine_to_look_at(pool, slot);
}

/* A quick return leaves the time at which the loan began (lease_quick.h), and
 * that may be long ago: such a session rests from the first look at it on.
 * `staying`: sessions that live and are not on their way out. The quota would
 * not do: who was retired in this very pass still has its place there. */
static bool
has_rested_too_long(const dew_pool *pool, struct slot *slot, int64_t now_ms,
                    uint32_t staying)
{
    const int64_t limit = server_idle_ms(pool, slot);
    const int64_t rested_ms = now_ms - slot_rests_since_ms(slot, now_ms);

    /* The server saw nothing of a loan that sent nothing. */
    if (!is_pinged(pool, slot) &&
        server_ends_rest(pool, slot, now_ms - slot_used_ms(slot))) {
        return true;
    }
    if (limit == SETTINGS_OFF) {
        return false;
    }
    if (staying > pond_sizes(&pool->pond).size) {
        return rested_ms >= limit / SWEEP_BURST_PART;
    }
    return rested_ms >= limit && staying > pool->settings->pre_create;
}

/* NULL: it may stay. Otherwise the tally of the reason. */
static order_u64 *
reason_to_go(dew_pool *pool, struct slot *slot, int64_t now_ms,
             uint32_t staying)
{
    struct tallies *tallies = &pool->pond.tallies;

    if (pond_is_outdated(&pool->pond, slot)) {
        return &tallies->retired_refresh;
    }
    if (now_ms >= slot->expires_ms) {
        return &tallies->retired_lifetime;
    }
    if (has_rested_too_long(pool, slot, now_ms, staying)) {
        return &tallies->retired_idle;
    }
    return NULL;
}

/* Reads a reset's answer that is here, polls, and probes who rested for
 * keepalive_ms. False: it is dead, and counted. A reset's answer that is late
 * is waited for by whoever borrows. That of a probe, or of what has to be sent
 * behind a reset, must come: a session that was asked cannot be put back, and
 * one that is told dead for being far away would be replaced again and
 * again. */
static bool
is_fit(dew_pool *pool, struct slot *slot)
{
    if (!is_mine_to_look_at(pool, slot)) {
        return !lease_is_gone(pool, slot);
    }
    return lease_make_ready(pool, slot,
                            clock_deadline_after_ms(
                                pool->settings->ping_timeout_ms),
                            0) != LEASE_DEAD;
}

/* False: it does not stay, or is one too many since the pool shrank. */
static bool
let_go(dew_pool *pool, struct slot *slot, bool stays)
{
    reclaim_read_begin();
    if (stays) {
        stays = pond_sweep_put(&pool->pond, slot, pool->sweeps);
    } else {
        lease_drop(pool, slot);
    }
    reclaim_read_end();
    return stays;
}

/* Often enough for the shortest of the limits, seldom enough to cost nothing. */
static int64_t
interval_ms(const dew_pool *pool)
{
    const int64_t limits[] = {
        pool->settings->idle_timeout_ms, pool->settings->lifetime_ms,
        pool->settings->keepalive_ms, server_rest_ms(pool),
        pool->settings->leak_after_ms};
    int64_t interval = SWEEP_MAX_MS;

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        if (limits[i] != SETTINGS_OFF && limits[i] / 4 < interval) {
            interval = limits[i] / 4;
        }
    }
    return interval < SWEEP_MIN_MS ? SWEEP_MIN_MS : interval;
}

static uint32_t
retired_max(uint32_t staying)
{
    const uint32_t part = staying / SWEEP_RETIRED_PART;

    if (MUTANT(32)) { return UINT32_MAX; }
    return part > SWEEP_RETIRED_MIN ? part : SWEEP_RETIRED_MIN;
}

static bool
took_long(int64_t since_ns)
{
    return clock_now_ns() - since_ns > SWEEP_ENOUGH_MS * CLOCK_NS_PER_MS;
}

int64_t
sweep(dew_pool *pool)
{
    const int64_t since_ns = clock_now_ns();
    struct pond_gauges gauges;
    const int64_t now_ms = clock_coarse_ms();
    uint32_t retired = 0;
    bool found_dead = false, interrupted = false;

    pond_gauge(&pool->pond, &gauges);
    const uint32_t staying = gauges.idle + gauges.leased;
    const uint32_t most = retired_max(staying);

    for (uint32_t i = 0; i < gauges.idle && !interrupted; i++) {
        struct slot *slot = pond_sweep_take(&pool->pond, pool->sweeps);

        if (slot == NULL) {
            break;
        }
        order_u64 *reason = reason_to_go(pool, slot, now_ms, staying - retired);
        if (reason != NULL) {
            tally_add(reason);
        }
        const bool is_dead = reason == NULL && !is_fit(pool, slot);
        found_dead = found_dead || is_dead;
        retired += !let_go(pool, slot, reason == NULL && !is_dead);
        interrupted = retired == most || took_long(since_ns);
    }
    if (interrupted) {
        return SWEEP_MIN_MS; /* the same round goes on then */
    }
    pool->sweeps++;
    return found_dead ? SWEEP_MIN_MS : interval_ms(pool);
}
