/* SPDX-License-Identifier: MIT */
/* Sleeping and waking on one 32-bit word: the only futex calls. */
/*
 * A parker is the clock and the bed of whoever waits. Production uses
 * park_futex; unit tests inject their own, so that a wait can be tested
 * without waiting.
 */
#ifndef DEWPOND_BASE_PARK_H
#define DEWPOND_BASE_PARK_H

#include "base/order.h"

struct parker {
    int64_t (*now_ns)(void *arg);
    /* Sleeps while *word == seen, until the deadline (clock_now_ns's clock).
     * May return early for no reason: the caller looks again, always. */
    void (*wait)(void *arg, order_u32 *word, uint32_t seen,
                 int64_t deadline_ns);
    /* Wakes at most `count` sleepers on the word. Touches it only through the
     * kernel, so a word that was recycled since just sees a spurious wake. */
    void (*wake)(void *arg, order_u32 *word, int count);
    void *arg;
};

extern const struct parker park_futex;

static inline int64_t
park_now_ns(const struct parker *parker)
{
    return parker->now_ns(parker->arg);
}

#endif
