/* SPDX-License-Identifier: MIT */
/* Takes resting sessions like any borrower, keeps the good, retires the rest. */
#include "keeper/sweep.h"

#include "base/clock.h"
#include "base/reclaim.h"
#include "keeper/lease.h"
#include "session/session.h"

/* At most so many sessions are out of the borrowers' reach at a time, and so
 * many are retired in one look: no storm of reconnects. */
#define SWEEP_BATCH 8
#define SWEEP_RETIRED_MAX 8
#define SWEEP_MIN_MS 100
#define SWEEP_MAX_MS 1000

/* `staying`: sessions that live and are not on their way out. The quota would
 * not do: who was retired in this very pass still has its place there. */
static bool
has_rested_too_long(const dew_pool *pool, const struct slot *slot,
                    int64_t now_ms, uint32_t staying)
{
    const int64_t limit = pool->settings->idle_timeout_ms;

    return limit != SETTINGS_OFF && now_ms - slot->rested_ms >= limit &&
           staying > pool->settings->pre_create;
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
    /* A pending one is readable by design. */
    if (!slot_is_pending(slot) && !session_is_quiet(slot->session)) {
        slot->parting = SESSION_CUT;
        pond_suspect(&pool->pond, slot);
        return &tallies->retired_broken;
    }
    return NULL;
}

static uint32_t
look_at_batch(dew_pool *pool, struct slot *const *batch, uint32_t count,
              int64_t now_ms, uint32_t staying)
{
    uint32_t retired = 0;

    for (uint32_t i = 0; i < count; i++) {
        order_u64 *reason =
            reason_to_go(pool, batch[i], now_ms, staying - retired);

        reclaim_read_begin();
        if (reason != NULL) {
            tally_add(reason);
            retired++;
            pond_retire(&pool->pond, batch[i]);
        } else {
            pond_put(&pool->pond, batch[i]);
        }
        reclaim_read_end();
    }
    return retired;
}

static uint32_t
take_batch(dew_pool *pool, struct slot **batch, uint32_t left)
{
    uint32_t count = 0;

    while (count < SWEEP_BATCH && count < left &&
           (batch[count] = pond_take(&pool->pond)) != NULL) {
        count++;
    }
    return count;
}

/* Often enough for the shortest of the limits, seldom enough to cost nothing. */
static int64_t
interval_ms(const dew_pool *pool)
{
    const int64_t limits[] = {pool->settings->idle_timeout_ms,
                              pool->settings->lifetime_ms};
    int64_t interval = SWEEP_MAX_MS;

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        if (limits[i] != SETTINGS_OFF && limits[i] / 4 < interval) {
            interval = limits[i] / 4;
        }
    }
    return interval < SWEEP_MIN_MS ? SWEEP_MIN_MS : interval;
}

int64_t
sweep(dew_pool *pool)
{
    struct slot *batch[SWEEP_BATCH];
    struct pond_gauges gauges;
    const int64_t now_ms = clock_coarse_ms();
    uint32_t retired = 0;

    pond_gauge(&pool->pond, &gauges);
    const uint32_t staying = gauges.idle + gauges.leased;
    for (uint32_t left = gauges.idle;
         left > 0 && retired < SWEEP_RETIRED_MAX;) {
        const uint32_t count = take_batch(pool, batch, left);

        if (count == 0) {
            break;
        }
        retired += look_at_batch(pool, batch, count, now_ms,
                                 staying - retired);
        left -= count;
    }
    return interval_ms(pool);
}
