/* SPDX-License-Identifier: MIT */
/* Sleeping and waking on one 32-bit word: the only futex calls. */
#define _GNU_SOURCE 1
#include "base/park.h"

#include "base/clock.h"
#include "base/fault.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <stdbool.h>
#include <unistd.h>

static int64_t
futex_now_ns(void *arg)
{
    (void)arg;
    return clock_now_ns();
}

/*
 * Whatever the kernel answers means the same to the caller: look again. A
 * changed word (EAGAIN), a signal (EINTR), the deadline (ETIMEDOUT) and a
 * wake are told apart by the word and the clock alone.
 */
static void
futex_wait(void *arg, order_u32 *word, uint32_t seen, int64_t deadline_ns)
{
    const bool never = deadline_ns == CLOCK_NEVER;
    const struct timespec until =
        clock_timespec(never ? 0 : deadline_ns);

    (void)arg;
    if (fault(FAULT_FUTEX)) {
        return;
    }
    /* The BITSET form takes an absolute CLOCK_MONOTONIC time, so that a
     * spurious wake does not stretch the wait. */
    (void)syscall(SYS_futex, &word->raw, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG,
                  seen, never ? NULL : &until, NULL,
                  FUTEX_BITSET_MATCH_ANY);
}

static void
futex_wake(void *arg, order_u32 *word, int count)
{
    (void)arg;
    (void)syscall(SYS_futex, &word->raw, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, count,
                  NULL, NULL, 0);
}

const struct parker park_futex = {futex_now_ns, futex_wait, futex_wake, NULL};
