/* SPDX-License-Identifier: MIT */
/* What a pool counts on its slow paths, and how long waits and loans took. */
/*
 * WHAT. Counters of events that cost far more than an atomic add, and two
 * histograms of times. Everything here is a hint: nothing is decided by it.
 * What happens on every borrow (acquires) is counted by its holder, in the
 * slot, and is not here.
 *
 * HISTOGRAM. Log-linear: sixteen buckets for every power of two, so a bucket
 * is at most a sixteenth as wide as its lower edge. Values below 16 us have a
 * bucket each. A percentile is the upper edge of the bucket that holds the
 * value of that rank, but never more than the largest value recorded: it is
 * never below the true one, and at most 1/16 (6.25 percent) above it. Times
 * over 2^32 us (71 minutes) count as the last bucket; `max` is exact.
 *
 * SHARING. Each counter can be written by any thread, with a relaxed add.
 * Groups that different paths write have cache lines of their own, so that an
 * opener that counts does not slow down a borrower that counts.
 */
#ifndef DEWPOND_CORE_TALLIES_H
#define DEWPOND_CORE_TALLIES_H

#include <dewpond.h>
#include <stdint.h>

#include "base/memory.h"
#include "base/order.h"

#define TALLY_SUB_BITS 4 /* 2^4 buckets per power of two */
#define TALLY_VALUE_BITS 32
#define TALLY_BUCKETS                                                          \
    ((TALLY_VALUE_BITS - TALLY_SUB_BITS + 1) << TALLY_SUB_BITS)

struct tally_histogram {
    order_u64 max; /* us, exact */
    order_u64 buckets[TALLY_BUCKETS];
};

/* One per pool, zeroed (a valid start) and aligned to its first line. */
struct tallies {
    /* Written by borrowers that did not find a session at once. */
    _Alignas(MEMORY_LINE) order_u64 waits;
    order_u64 timeouts;
    order_u64 nested_waits;

    /* Written at returns that needed work, and by refused tickets. */
    _Alignas(MEMORY_LINE) order_u64 resets;
    order_u64 rollbacks;
    order_u64 stale_returns;
    order_u64 discarded;
    order_u64 detached;

    /* Written by who looks at a session before it is lent. */
    _Alignas(MEMORY_LINE) order_u64 pings;
    order_u64 dead_found;

    /* Written when a return meets a waiter. */
    _Alignas(MEMORY_LINE) order_u64 wakes;
    order_u64 handovers;

    /* Written by openers and the keeper. */
    _Alignas(MEMORY_LINE) order_u64 connects;
    order_u64 connect_failures;
    order_u64 retired_lifetime;
    order_u64 retired_idle;
    order_u64 retired_broken;
    order_u64 retired_refresh;
    order_u64 retired_shrink;
    order_u64 leaks;
    order_u64 rescues;

    _Alignas(MEMORY_LINE) struct tally_histogram wait_us; /* every wait */
    _Alignas(MEMORY_LINE) struct tally_histogram hold_us; /* sampled loans */
};

static inline void
tally_add(order_u64 *tally)
{
    /* ORDER tally.1 relaxed: a tally, only ever a hint; nothing is decided by
     * it. An add, not a load and a store: any thread may count. */
    (void)order_add_relaxed_u64(tally, 1);
}

static inline uint64_t
tally_read(const order_u64 *tally)
{
    /* ORDER tally.2 relaxed: a tally, only ever a hint. */
    return order_load_relaxed_u64(tally);
}

/* Two relaxed operations: the bucket, and a look at the largest so far. */
void tally_record(struct tally_histogram *histogram, uint64_t us);

/* The time that `per_mille` of 1000 records do not exceed (500: the median),
 * as HISTOGRAM above describes it; 0 when nothing is recorded. */
uint64_t tally_percentile(const struct tally_histogram *histogram,
                          uint32_t per_mille);

/* The largest time recorded, exact; 0 when nothing is recorded. */
uint64_t tally_max(const struct tally_histogram *histogram);

/* Fills the fields of *stats that are counted here, and no others. */
void tallies_report(const struct tallies *tallies, dew_stats *stats);

#endif
