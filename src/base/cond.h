/* SPDX-License-Identifier: MIT */
/* Conditions whose deadlines are on the monotonic clock. */
#ifndef DEWPOND_BASE_COND_H
#define DEWPOND_BASE_COND_H

#include <pthread.h>
#include <stdint.h>

/* Fills it in; cannot fail. Never destroy one that had sleepers at a fork. */
void cond_init(pthread_cond_t *cond);
/* Waits for a signal until the deadline; the mutex is held at the call and at
 * return. May return early for no reason: the caller looks again, always. */
void cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex,
                     int64_t deadline_ns);

#endif
