/* SPDX-License-Identifier: MIT */
/* What a pool counts and whether its invariants hold. */
#include <string.h>

#include "api/guard.h"
#include "base/error.h"
#include "base/reclaim.h"
#include "keeper/rebirth.h"

/* The oldest dew_stats had all fields of today: none smaller is known. */
static size_t
bytes_wanted(const dew_stats *stats)
{
    const size_t known = sizeof(dew_stats);

    return stats->struct_size < known ? stats->struct_size : known;
}

void
dew_stats_read(const dew_pool *pool, dew_stats *stats)
{
    struct pond_gauges gauges;
    dew_stats now;

    if (pool == NULL || stats == NULL ||
        stats->struct_size < sizeof(stats->struct_size)) {
        return;
    }
    memset(&now, 0, sizeof(now));
    now.struct_size = stats->struct_size;
    if (pool_enter(pool, NULL) != DEW_OK) {
        memcpy(stats, &now, bytes_wanted(stats));
        return;
    }
    reclaim_read_begin();
    pond_gauge(&pool->pond, &gauges);
    tallies_report(&pool->pond.tallies, &now);
    reclaim_read_end();
    now.conns_open = gauges.open;
    now.conns_idle = gauges.idle;
    now.conns_leased = gauges.leased;
    now.conns_opening = gauges.opening;
    now.waiters = gauges.waiters;
    now.acquires = gauges.loans;
    memcpy(stats, &now, bytes_wanted(stats));
}

static dew_code
check(const dew_pool *pool, dew_error *error)
{
    char text[256] = "";
    const char *wrong = pond_audit(&pool->pond, text, sizeof(text));

    if (wrong == NULL) {
        return DEW_OK;
    }
    if (wrong[0] == '\0') {
        return error_set(error, DEW_EBUSY, DEW_STAGE_NONE,
                         "%s: the pool grew and shrank all the time; check "
                         "again",
                         pool->entry.name);
    }
    return error_set(error, DEW_ESYSTEM, DEW_STAGE_NONE,
                     "%s: invariant violated: %s", pool->entry.name, wrong);
}

dew_code
dew_pool_check(const dew_pool *pool, dew_error *error)
{
    if (pool == NULL) {
        return guard_null(pool, "pool", error);
    }
    const dew_code entered = pool_enter(pool, error);
    if (entered != DEW_OK) {
        return entered;
    }
    reclaim_read_begin();
    const dew_code code = check(pool, error);
    reclaim_read_end();
    return code;
}
