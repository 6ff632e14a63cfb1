/* SPDX-License-Identifier: MIT */
/* Histogram arithmetic, and the counters as dew_stats tells them. */
/*
 * WHAT. Sums and maxima that many threads write and anyone reads.
 * STATES. None: each field only ever grows.
 * INVARIANTS. `max` is at least every value whose tally_record has returned.
 * LINEARIZATION. Each counter on its own, at its add; there is no snapshot of
 * several (a reader can see a timeout before the wait that ended in it).
 * THE ONE RACE. A percentile sums the buckets twice; a record in between would
 * let the second pass end early. The rank comes from the first pass, counters
 * only grow, so the second reaches it.
 *      reader: sum = 10                       rank 10
 *      recorder:           bucket[3] += 1
 *      reader: walks to rank 10: may now stop one bucket early: a hint, fine
 * RECLAMATION. Lives in the pool, goes with it.
 * TOGETHER. Any with any.
 * PROGRESS. Wait-free, but for `max`: lock-free, and a loop that fails has
 * seen a larger maximum than the one it knew.
 */
#include "core/tallies.h"

#include <stddef.h>

#include "base/fault.h"

#define TALLY_SUBS (UINT32_C(1) << TALLY_SUB_BITS)

_Static_assert(sizeof(struct tally_histogram) <= 4608, "a histogram is small");
_Static_assert(sizeof(((struct tallies *)NULL)->wait_us.buckets) ==
                   TALLY_BUCKETS * sizeof(uint64_t),
               "counters are packed");

/* The largest value that has a bucket of its own width. */
static uint64_t
clamp(uint64_t us)
{
    return us > UINT32_MAX ? UINT32_MAX : us;
}

static uint32_t
bucket_of(uint64_t us)
{
    const uint32_t value = (uint32_t)clamp(us);
    uint32_t octave;

    if (value < TALLY_SUBS) {
        return value;
    }
    octave = 31u - (uint32_t)__builtin_clz(value) - TALLY_SUB_BITS;
    return (octave + 1u) * TALLY_SUBS + ((value >> octave) & (TALLY_SUBS - 1u));
}

/* The smallest value of a bucket; of one past the last: 2^32. */
static uint64_t
lower_edge(uint32_t bucket)
{
    const uint32_t octave = bucket / TALLY_SUBS;
    const uint64_t sub = bucket % TALLY_SUBS;

    return octave == 0 ? sub : (TALLY_SUBS + sub) << (octave - 1u);
}

void
tally_record(struct tally_histogram *histogram, uint64_t us)
{
    /* ORDER tally.3 relaxed: only a first guess; the CAS below decides. */
    uint64_t seen = order_load_relaxed_u64(&histogram->max);

    /* Each failure means that the maximum has grown. */
    while (us > seen) {
        race_point("tally.max");
        /* ORDER tally.4 acq_rel: nothing is published with it, and relaxed
         * would do; the door has no weaker CAS, and a new maximum is rare. */
        if (order_cas_acq_rel_u64(&histogram->max, &seen, us)) {
            break;
        }
    }
    tally_add(&histogram->buckets[bucket_of(us)]);
}

uint64_t
tally_max(const struct tally_histogram *histogram)
{
    return tally_read(&histogram->max);
}

/* What a percentile says for a bucket: its upper edge, cut at the maximum.
 * A maximum read early may be below the bucket: its lower edge holds then. */
static uint64_t
bucket_answer(uint32_t bucket, uint64_t max)
{
    const uint64_t lower = lower_edge(bucket);
    const uint64_t upper = bucket + 1u == TALLY_BUCKETS
                               ? UINT64_MAX /* it has no upper edge */
                               : lower_edge(bucket + 1u) - 1u;
    const uint64_t cut = max < upper ? max : upper;

    return cut < lower ? lower : cut;
}

/* ceil(total * per_mille / 1000), at least 1, without overflow. */
static uint64_t
rank_of(uint64_t total, uint32_t per_mille)
{
    const uint64_t rank =
        total / 1000u * per_mille + (total % 1000u * per_mille + 999u) / 1000u;

    return rank == 0 ? 1 : rank;
}

uint64_t
tally_percentile(const struct tally_histogram *histogram, uint32_t per_mille)
{
    const uint64_t max = tally_max(histogram);
    uint64_t total = 0;
    uint64_t rank;
    uint32_t bucket = 0;

    for (uint32_t i = 0; i < TALLY_BUCKETS; i++) {
        total += tally_read(&histogram->buckets[i]);
    }
    if (total == 0) {
        return 0;
    }
    rank = rank_of(total, per_mille > 1000u ? 1000u : per_mille);
    for (; bucket + 1u < TALLY_BUCKETS; bucket++) {
        const uint64_t here = tally_read(&histogram->buckets[bucket]);

        if (rank <= here) {
            break;
        }
        rank -= here;
    }
    return bucket_answer(bucket, max);
}

void
tallies_report(const struct tallies *tallies, dew_stats *stats)
{
    stats->waits = tally_read(&tallies->waits);
    stats->timeouts = tally_read(&tallies->timeouts);
    stats->connects = tally_read(&tallies->connects);
    stats->connect_failures = tally_read(&tallies->connect_failures);
    stats->resets = tally_read(&tallies->resets);
    stats->rollbacks = tally_read(&tallies->rollbacks);
    stats->pings = tally_read(&tallies->pings);
    stats->stale_returns = tally_read(&tallies->stale_returns);
    stats->retired_lifetime = tally_read(&tallies->retired_lifetime);
    stats->retired_idle = tally_read(&tallies->retired_idle);
    stats->retired_broken = tally_read(&tallies->retired_broken);
    stats->retired_refresh = tally_read(&tallies->retired_refresh);
    stats->retired_shrink = tally_read(&tallies->retired_shrink);
    stats->discarded = tally_read(&tallies->discarded);
    stats->detached = tally_read(&tallies->detached);
    stats->leaks = tally_read(&tallies->leaks);
    stats->wait_us_p50 = tally_percentile(&tallies->wait_us, 500);
    stats->wait_us_p99 = tally_percentile(&tallies->wait_us, 990);
    stats->wait_us_max = tally_max(&tallies->wait_us);
    stats->hold_us_p50 = tally_percentile(&tallies->hold_us, 500);
    stats->hold_us_p99 = tally_percentile(&tallies->hold_us, 990);
    stats->hold_us_max = tally_max(&tallies->hold_us);
    stats->nested_waits = tally_read(&tallies->nested_waits);
}
