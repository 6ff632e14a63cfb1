/* SPDX-License-Identifier: MIT */
/* Monotonic time: an exact clock, a cheap coarse one, and deadlines. */
#define _GNU_SOURCE 1
#include "base/clock.h"

#include <limits.h>

#include "base/fault.h"
#include "base/mutant.h"

#define NS_PER_S INT64_C(1000000000)

static inline int64_t
read_ns(clockid_t clock)
{
    struct timespec now;

    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * NS_PER_S + (int64_t)now.tv_nsec;
}

int64_t
clock_now_ns(void)
{
    return fault_clock(read_ns(CLOCK_MONOTONIC), false);
}

int64_t
clock_coarse_ms(void)
{
    return fault_clock(read_ns(CLOCK_MONOTONIC_COARSE), true) /
           CLOCK_NS_PER_MS;
}

struct timespec
clock_timespec(int64_t deadline_ns)
{
    const int64_t kernel_ns = fault_clock_kernel(deadline_ns);

    if (kernel_ns <= 0) {
        return (struct timespec){0, 0};
    }
    return (struct timespec){(time_t)(kernel_ns / NS_PER_S),
                             (long)(kernel_ns % NS_PER_S)};
}

int64_t
clock_deadline_from(int64_t from_ns, int64_t ms)
{
    if (ms < 0 || ms > (CLOCK_NEVER - from_ns) / CLOCK_NS_PER_MS) {
        return CLOCK_NEVER;
    }
    return from_ns + ms * CLOCK_NS_PER_MS;
}

int64_t
clock_deadline_after_ms(int64_t ms)
{
    return ms < 0 ? CLOCK_NEVER : clock_deadline_from(clock_now_ns(), ms);
}

int
clock_poll_ms(int64_t deadline_ns)
{
    if (deadline_ns == CLOCK_NEVER) {
        return -1;
    }
    const int64_t now = clock_now_ns();
    if (deadline_ns <= now) {
        return 0;
    }
    if (MUTANT(55)) { return (int)((deadline_ns - now) / CLOCK_NS_PER_MS); }
    /* Rounded up: rounded down, the last millisecond would be a busy loop. */
    const int64_t left = (deadline_ns - now - 1) / CLOCK_NS_PER_MS + 1;
    return left > INT_MAX ? INT_MAX : (int)left;
}
