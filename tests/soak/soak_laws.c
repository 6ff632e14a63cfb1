/* SPDX-License-Identifier: MIT */
/* What the counters of a pool and of its borrowers must say when all rest. */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "soak/soak.h"

/* The pool goes on while its borrowers rest: it opens what was ordered, hangs
 * up, replaces. So a law is looked at until it holds; a broken one never does. */
#define CALM_MS 20000
#define LOOK_MS 10

struct law {
    const char *name;
    uint64_t left, right;
};

static uint64_t
retired(const dew_stats *now)
{
    return now->retired_lifetime + now->retired_idle + now->retired_broken +
           now->retired_refresh + now->retired_shrink;
}

enum { LAWS = 12 };

/* Every session that was opened is open or left for one reason that is
 * counted; every loan that was given came back in one of three ways; and what
 * the borrowers were told is what the pool says it told them. */
static void
write_laws(const struct storm *storm, const dew_stats *now,
           struct law laws[LAWS])
{
    const uint64_t loans = storm_sum(storm, STORM_LOANS);
    const uint64_t discards = storm_sum(storm, STORM_DISCARDS);
    const uint64_t detached = storm_sum(storm, STORM_DETACHED);
    const struct law written[LAWS] = {
        {"nothing is lent", now->conns_leased, 0},
        {"nothing is being opened", now->conns_opening, 0},
        {"nobody waits", now->waiters, 0},
        {"what is open rests", now->conns_open, now->conns_idle},
        {"opened = open + retired + discarded + detached", now->connects,
         now->conns_open + retired(now) + now->discarded + now->detached},
        {"acquires = loans", now->acquires, loans},
        {"loans = returns + discards + detached", loans,
         storm_sum(storm, STORM_RETURNS) + discards + detached},
        {"discarded = discards", now->discarded, discards},
        {"detached = detached", now->detached, detached},
        {"stale_returns = stale", now->stale_returns,
         storm_sum(storm, STORM_STALE)},
        {"timeouts = timed out", now->timeouts,
         storm_sum(storm, STORM_TIMEOUTS)},
        {"no leak was reported", now->leaks, 0},
    };

    for (size_t i = 0; i < LAWS; i++) {
        laws[i] = written[i];
    }
}

static const struct law *
first_broken(const struct law laws[LAWS])
{
    for (size_t i = 0; i < LAWS; i++) {
        if (laws[i].left != laws[i].right) {
            return &laws[i];
        }
    }
    return NULL;
}

static bool
audit_holds(struct storm *storm, bool last)
{
    dew_error error;
    const dew_code code = dew_pool_check(storm->pool, &error);

    if (code != DEW_OK && (last || code != DEW_EBUSY)) {
        storm_fail(storm, "at rest: %s", error.message);
    }
    return code == DEW_OK;
}

bool
soak_laws_hold(struct storm *storm)
{
    const int64_t end_ns = clock_deadline_after_ms(CALM_MS);

    for (;;) {
        struct law laws[LAWS];
        const dew_stats now = soak_stats(storm);
        const bool last = clock_now_ns() > end_ns;

        write_laws(storm, &now, laws);
        const struct law *const broken = first_broken(laws);
        if (audit_holds(storm, last) && broken == NULL) {
            return true;
        }
        if (last || storm_is_over(storm)) {
            if (broken != NULL) {
                storm_fail(storm, "at rest: %s: %" PRIu64 ", %" PRIu64,
                           broken->name, broken->left, broken->right);
            }
            return false;
        }
        storm_pause_for(storm, LOOK_MS);
    }
}

void
soak_everything_happened(struct storm *storm, const dew_stats *stats)
{
    const struct law seen[] = {
        {"retired_lifetime", stats->retired_lifetime, 0},
        {"retired_idle", stats->retired_idle, 0},
        {"retired_broken", stats->retired_broken, 0},
        {"retired_refresh", stats->retired_refresh, 0},
        {"retired_shrink", stats->retired_shrink, 0},
        {"discarded", stats->discarded, 0},
        {"detached", stats->detached, 0},
        {"stale_returns", stats->stale_returns, 0},
        {"timeouts", stats->timeouts, 0},
        {"waits", stats->waits, 0},
        {"connect_failures", stats->connect_failures, 0},
        {"resets", stats->resets, 0},
        {"pings", stats->pings, 0},
        {"deadlines", storm_sum(storm, STORM_DEADLINES), 0},
        {"kills", storm_sum(storm, STORM_KILLS), 0},
        {"lost sessions", storm_sum(storm, STORM_LOST), 0},
        {"rows", storm_sum(storm, STORM_KEPT), 0},
    };

    (void)printf("the pool:");
    for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++) {
        (void)printf(" %s %" PRIu64, seen[i].name, seen[i].left);
        if (seen[i].left == 0) {
            storm_fail(storm, "%s: it never happened", seen[i].name);
        }
    }
    (void)printf(", connects %" PRIu64 "\n", stats->connects);
}
