/* SPDX-License-Identifier: MIT */
/* Tells every five seconds how the soak goes. */
#include <stdio.h>

#include "base/clock.h"
#include "soak/soak.h"

#define EVERY_MS 5000
#define MB (1024.0 * 1024.0)

dew_stats
soak_stats(const struct storm *storm)
{
    dew_stats stats = {.struct_size = (uint32_t)sizeof(stats)};

    dew_stats_read(storm->pool, &stats);
    return stats;
}

int64_t
soak_elapsed_ms(const struct soak_director *director)
{
    return (clock_now_ns() - director->begun_ns) / CLOCK_NS_PER_MS;
}

static void
tell(const struct soak_director *director)
{
    const struct storm *const storm = director->storm;
    const dew_stats now = soak_stats(storm);
    const struct soak_memory memory = soak_memory_now();

    (void)printf(
        "%6lld s  loans %llu  timed out %llu  full %llu  no connect %llu  "
        "lost %llu | open %u idle %u leased %u opening %u waiters %u | "
        "rss %.1f MB in use %.1f MB\n",
        (long long)(soak_elapsed_ms(director) / 1000),
        (unsigned long long)storm_sum(storm, STORM_LOANS),
        (unsigned long long)storm_sum(storm, STORM_TIMEOUTS),
        (unsigned long long)storm_sum(storm, STORM_FULL),
        (unsigned long long)storm_sum(storm, STORM_NO_CONNECT),
        (unsigned long long)storm_sum(storm, STORM_LOST), now.conns_open,
        now.conns_idle, now.conns_leased, now.conns_opening, now.waiters,
        (double)memory.resident / MB, (double)memory.in_use / MB);
    (void)fflush(stdout);
}

void *
soak_progress(void *arg)
{
    const struct soak_director *const director = arg;

    while (!storm_is_over(director->storm)) {
        tell(director);
        storm_pause_for(director->storm, EVERY_MS);
    }
    return NULL;
}
