/* SPDX-License-Identifier: MIT */
/* Conditions whose deadlines are on the monotonic clock. */
#define _GNU_SOURCE 1
#include "base/cond.h"

#include <sched.h>

#include "base/clock.h"
#include "base/fault.h"

void
cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;

    /* condattr, not pthread_cond_clockwait: ThreadSanitizer knows this one. */
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(cond, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

/* As a real one: others get the mutex in between. */
static void
wake_for_nothing(pthread_mutex_t *mutex)
{
    (void)pthread_mutex_unlock(mutex);
    (void)sched_yield();
    (void)pthread_mutex_lock(mutex);
}

void
cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex,
                int64_t deadline_ns)
{
    if (fault(FAULT_FUTEX)) {
        wake_for_nothing(mutex);
    } else if (deadline_ns == CLOCK_NEVER) {
        (void)pthread_cond_wait(cond, mutex);
    } else {
        const struct timespec until = clock_timespec(deadline_ns);
        (void)pthread_cond_timedwait(cond, mutex, &until);
    }
}
