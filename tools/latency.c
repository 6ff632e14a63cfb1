/* SPDX-License-Identifier: MIT */
/* A histogram of times: small, exact at the top, 1/16 coarse elsewhere. */
#include "latency.h"

#include <stddef.h>
#include <time.h>

static size_t
bucket_of(uint64_t ns)
{
    if (ns < LATENCY_PARTS) {
        return (size_t)ns;
    }
    /* The highest bit chooses the power, the four below it the part. */
    const unsigned power = 63u - (unsigned)__builtin_clzll(ns);
    const unsigned shift = power - 4u;
    return (size_t)(shift + 1u) * LATENCY_PARTS +
           (size_t)((ns >> shift) - LATENCY_PARTS);
}

/* The largest value that falls into the bucket. */
static uint64_t
bucket_top(size_t bucket)
{
    if (bucket < LATENCY_PARTS) {
        return bucket;
    }
    const unsigned shift = (unsigned)(bucket / LATENCY_PARTS) - 1u;
    const uint64_t part = LATENCY_PARTS + bucket % LATENCY_PARTS;
    return (part << shift) + ((UINT64_C(1) << shift) - 1u);
}

void
latency_add(struct latency *latency, uint64_t ns)
{
    latency->count++;
    latency->buckets[bucket_of(ns)]++;
    if (ns > latency->max_ns) {
        latency->max_ns = ns;
    }
}

void
latency_merge(struct latency *into, const struct latency *from)
{
    into->count += from->count;
    if (from->max_ns > into->max_ns) {
        into->max_ns = from->max_ns;
    }
    for (size_t i = 0; i < LATENCY_BUCKETS; i++) {
        into->buckets[i] += from->buckets[i];
    }
}

uint64_t
latency_percentile(const struct latency *latency, unsigned percent)
{
    if (latency->count == 0) {
        return 0;
    }
    /* Rounded up: of 10 values the 99th percentile is the tenth. */
    const uint64_t whole = latency->count / 100 * percent;
    const uint64_t rest = latency->count % 100 * percent;
    const uint64_t rank = whole + (rest + 99) / 100;
    uint64_t seen = 0;
    for (size_t i = 0; i < LATENCY_BUCKETS; i++) {
        seen += latency->buckets[i];
        if (seen >= rank && latency->buckets[i] != 0) {
            const uint64_t top = bucket_top(i);
            return top < latency->max_ns ? top : latency->max_ns;
        }
    }
    return latency->max_ns;
}

uint64_t
latency_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}
