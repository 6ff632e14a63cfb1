/* SPDX-License-Identifier: MIT */
/* A histogram of times: small, exact at the top, 1/16 coarse elsewhere. */
#ifndef DEWPOND_TOOLS_LATENCY_H
#define DEWPOND_TOOLS_LATENCY_H

#include <stdint.h>

/* Values below 16 ns have a bucket each; above, every power of two is parted
 * into 16 buckets, so a percentile is at most 1/16 above the true value. */
enum {
    LATENCY_PARTS = 16,
    LATENCY_BUCKETS = LATENCY_PARTS * 61,
};

/* Written by one thread; merged after it was joined. Zero is empty. */
struct latency {
    uint64_t count;
    uint64_t max_ns;
    uint64_t buckets[LATENCY_BUCKETS];
};

void latency_add(struct latency *latency, uint64_t ns);
void latency_merge(struct latency *into, const struct latency *from);

/* The time that `percent` of 100 stayed at or under; 0 when empty. */
uint64_t latency_percentile(const struct latency *latency, unsigned percent);

/* Now, in nanoseconds of the monotonic clock. */
uint64_t latency_now_ns(void);

#endif
