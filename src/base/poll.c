/* SPDX-License-Identifier: MIT */
/* Waiting for descriptors: the only calls of poll(2). */
#define _GNU_SOURCE 1
#include "base/poll.h"

#include <errno.h>
#include <time.h>

#include "base/clock.h"
#include "base/fault.h"

/* What a poll that cannot be made takes, unless the deadline comes first. */
#define PAUSE_NS (10 * CLOCK_NS_PER_MS)

static int
poll_once(struct pollfd *polls, nfds_t count, int timeout_ms)
{
    if (fault(FAULT_POLL)) {
        errno = ENOMEM;
        return -1;
    }
    if (timeout_ms != 0 && fault(FAULT_SIGNAL)) {
        /* As the kernel does: who need not sleep hears of no signal. */
        const int ready = poll(polls, count, 0);
        errno = EINTR;
        return ready == 0 ? -1 : ready;
    }
    return poll(polls, count, timeout_ms);
}

static void
clear(struct pollfd *polls, nfds_t count)
{
    for (nfds_t i = 0; i < count; i++) {
        polls[i].revents = 0;
    }
}

static void
pause_until(int64_t deadline_ns)
{
    const int64_t pause_ns = clock_now_ns() + PAUSE_NS;
    const struct timespec until =
        clock_timespec(pause_ns < deadline_ns ? pause_ns : deadline_ns);

    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

int
poll_until(struct pollfd *polls, nfds_t count, int64_t deadline_ns)
{
    for (;;) {
        const int timeout_ms = clock_poll_ms(deadline_ns);
        const int ready = poll_once(polls, count, timeout_ms);

        if (ready > 0) {
            return ready;
        }
        if (ready < 0) {
            const int failed = errno;

            clear(polls, count);
            if (failed != EINTR) {
                pause_until(deadline_ns);
                errno = failed;
                return ready;
            }
        }
        /* The clock, not the answer, says whether it is time: a poll takes at
         * most INT_MAX ms, and a storm of signals has no answer at all. */
        if (timeout_ms == 0) {
            return 0;
        }
    }
}

int
poll_now(struct pollfd *polls, nfds_t count)
{
    const int ready = poll_once(polls, count, 0);

    if (ready < 0) {
        clear(polls, count);
    }
    return ready;
}
