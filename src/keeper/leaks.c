/* SPDX-License-Identifier: MIT */
/* Remembers which loan each slot had, and since when. */
#include "keeper/leaks.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/thread.h"
#include "keeper/pool.h"

/* Room for all slots, made by the first look: most pools never need it. False
 * without memory; the next look tries again. */
static bool
has_room(struct leaks *leaks, uint32_t slot_count)
{
    if (leaks->count >= slot_count) {
        return true;
    }
    struct leak_sight *grown =
        memory_zeroed(slot_count * sizeof(struct leak_sight));
    if (grown == NULL) {
        return false;
    }
    if (leaks->count != 0) {
        memcpy(grown, leaks->sights, leaks->count * sizeof(*grown));
    }
    memory_free(leaks->sights);
    leaks->sights = grown;
    leaks->count = slot_count;
    return true;
}

static void
report(dew_pool *pool, const struct pond_loan *loan, int64_t age_ns)
{
    char name[THREAD_NAME_BYTES];
    const bool lives = thread_name(loan->thread, name);

    tally_add(&pool->pond.tallies.leaks);
    log_line(pool->settings, LOG_WARNING,
             "%s: a loan is out for %lld ms: borrowed at %s:%d by thread %u "
             "(%s); it is the server's thread %llu; release it, or raise "
             "leak_after_ms",
             pool->entry.name, (long long)(age_ns / CLOCK_NS_PER_MS),
             loan->file != NULL ? loan->file : "an unknown place", loan->line,
             loan->thread, lives ? name : "which has ended",
             (unsigned long long)loan->server_thread);
}

static void
look_at(dew_pool *pool, struct leak_sight *sight, const struct pond_loan *loan,
        int64_t now_ns)
{
    const int64_t limit_ns = pool->settings->leak_after_ms * CLOCK_NS_PER_MS;

    if (sight->number != loan->number) {
        *sight = (struct leak_sight){loan->number, now_ns, false};
    } else if (!sight->reported && now_ns - sight->since_ns >= limit_ns) {
        sight->reported = true;
        report(pool, loan, now_ns - sight->since_ns);
    }
}

void
leaks_look(dew_pool *pool)
{
    struct leaks *leaks = &pool->leaks;
    const uint32_t slot_count = pool->pond.slot_count;
    const int64_t now_ns = pool_now_ns(pool);
    struct pond_loan loan;

    if (pool->settings->leak_after_ms == SETTINGS_OFF ||
        !has_room(leaks, slot_count)) {
        return;
    }
    for (uint32_t i = 0; i < slot_count; i++) {
        if (pond_loan_at(&pool->pond, i, &loan)) {
            look_at(pool, &leaks->sights[i], &loan, now_ns);
        }
    }
}

void
leaks_free(struct leaks *leaks)
{
    memory_free(leaks->sights);
    *leaks = (struct leaks){0};
}
