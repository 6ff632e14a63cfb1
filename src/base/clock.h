/* SPDX-License-Identifier: MIT */
/* Monotonic time: an exact clock, a cheap coarse one, and deadlines. */
#ifndef DEWPOND_BASE_CLOCK_H
#define DEWPOND_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define CLOCK_NS_PER_MS INT64_C(1000000)
#define CLOCK_NEVER INT64_MAX /* a deadline that does not come */

/* CLOCK_MONOTONIC in ns: the slow path (about 23 ns a call). */
int64_t clock_now_ns(void);

/* CLOCK_MONOTONIC_COARSE in ms (about 5 ns a call): it moves in steps, and a
 * time between two readings can be off by one of them, up or down. */
int64_t clock_coarse_ms(void);
#define CLOCK_COARSE_STEP_MS 10

/* from + ms; ms < 0 is CLOCK_NEVER. Saturates. */
int64_t clock_deadline_from(int64_t from_ns, int64_t ms);
/* The same, from now. */
int64_t clock_deadline_after_ms(int64_t ms);

/* A deadline (not CLOCK_NEVER) as calls of the system want it, which wait until
 * CLOCK_MONOTONIC says so. */
struct timespec clock_timespec(int64_t deadline_ns);

/* What poll(2) wants: ms until the deadline rounded up, 0 when it is past,
 * -1 for CLOCK_NEVER, at most INT_MAX. */
int clock_poll_ms(int64_t deadline_ns);

#endif
