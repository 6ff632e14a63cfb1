/* SPDX-License-Identifier: MIT */
/* Looks at the ages of all loans, and remembers which were reported. */
#include "keeper/leaks.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/mutant.h"
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
    uint64_t *grown = memory_zeroed(slot_count * sizeof(*grown));
    if (grown == NULL) {
        return false;
    }
    if (leaks->count != 0) {
        memcpy(grown, leaks->reported, leaks->count * sizeof(*grown));
    }
    memory_free(leaks->reported);
    leaks->reported = grown;
    leaks->count = slot_count;
    return true;
}

static void
report(dew_pool *pool, const struct pond_loan *loan, int64_t age_ms)
{
    char name[THREAD_NAME_BYTES];
    const bool lives = thread_name(loan->thread, name);

    tally_add(&pool->pond.tallies.leaks);
    log_line(pool->settings, LOG_WARNING,
             "%s: a loan is out for %lld ms: borrowed at %s:%d by thread %u "
             "(%s); it is the server's thread %llu; release it, or raise "
             "leak_after_ms",
             pool->entry.name, (long long)age_ms,
             loan->file != NULL ? loan->file : "an unknown place", loan->line,
             loan->thread, lives ? name : "which has ended",
             (unsigned long long)loan->server_thread);
}

static void
look_at(dew_pool *pool, uint64_t *reported, const struct pond_loan *loan,
        int64_t now_ms)
{
    const int64_t age_ms =
        now_ms - tick_latest_ms(&pool->tick, loan->since_ms);

    /* The clock's step: nobody is accused a moment too early. */
    if (*reported != loan->number &&
        age_ms - CLOCK_COARSE_STEP_MS >= pool->settings->leak_after_ms) {
        *reported = loan->number;
        if (MUTANT(52)) { *reported = 0; }
        report(pool, loan, age_ms);
    }
}

void
leaks_look(dew_pool *pool)
{
    struct leaks *leaks = &pool->leaks;
    const uint32_t slot_count = pond_slot_count(&pool->pond);
    const int64_t now_ms = clock_coarse_ms();
    struct pond_loan loan;

    if (pool->settings->leak_after_ms == SETTINGS_OFF ||
        !has_room(leaks, slot_count)) {
        return;
    }
    for (uint32_t i = 0; i < slot_count; i++) {
        if (pond_loan_at(&pool->pond, i, &loan)) {
            look_at(pool, &leaks->reported[i], &loan, now_ms);
        }
    }
}

void
leaks_free(struct leaks *leaks)
{
    memory_free(leaks->reported);
    *leaks = (struct leaks){0};
}
