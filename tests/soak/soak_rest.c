/* SPDX-License-Identifier: MIT */
/* The rest of a soak: everybody stops, everything is counted. */
#include <stdio.h>

#include "base/clock.h"
#include "soak/soak.h"

#define REPLACED_MS 30000
#define LOOK_MS 20

#define OURS                                                                   \
    " FROM information_schema.processlist"                                     \
    " WHERE user = 'app' AND db IS NOT NULL"

static bool
await_server_count(struct storm *storm)
{
    const int64_t end_ns = clock_deadline_after_ms(REPLACED_MS);

    for (;;) {
        const uint32_t open = soak_stats(storm).conns_open;
        const int64_t there =
            test_server_scalar(storm->server, "SELECT COUNT(*)" OURS);

        if (there == (int64_t)open && soak_stats(storm).conns_open == open) {
            return true;
        }
        if (clock_now_ns() > end_ns) {
            storm_fail(storm,
                       "at rest: the server has %lld sessions, the pool %u",
                       (long long)there, open);
            return false;
        }
        storm_pause_for(storm, LOOK_MS);
    }
}

/* All sessions older than a refresh go, and the pool fills up to its floor. */
static bool
replace_all(struct storm *storm)
{
    const int64_t newest =
        test_server_scalar(storm->server, "SELECT COALESCE(MAX(id), 0)" OURS);
    const int64_t end_ns = clock_deadline_after_ms(REPLACED_MS);
    char older[256];

    (void)snprintf(older, sizeof(older), "SELECT COUNT(*)" OURS " AND id <= %lld",
                   (long long)newest);
    dew_pool_refresh(storm->pool);
    for (;;) {
        const dew_stats now = soak_stats(storm);

        if (now.conns_open == SOAK_FLOOR && now.conns_idle == SOAK_FLOOR &&
            test_server_scalar(storm->server, older) == 0) {
            return true;
        }
        if (clock_now_ns() > end_ns) {
            storm_fail(storm,
                       "after a refresh at rest: %u open, %u idle, %lld old",
                       now.conns_open, now.conns_idle,
                       (long long)test_server_scalar(storm->server, older));
            return false;
        }
        storm_pause_for(storm, LOOK_MS);
    }
}

void
soak_rest(struct soak_director *director, uint32_t when)
{
    struct storm *const storm = director->storm;

    if (!storm_pause(storm, SOAK_REST_MS)) {
        storm_fail(storm, "the borrowers do not come to rest");
        return;
    }
    if (soak_laws_hold(storm) && replace_all(storm) &&
        soak_laws_hold(storm) && await_server_count(storm)) {
        soak_memory_read(when);
    }
    storm_resume(storm);
}
