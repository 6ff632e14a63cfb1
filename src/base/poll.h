/* SPDX-License-Identifier: MIT */
/* Waiting for descriptors: the only calls of poll(2). */
#ifndef DEWPOND_BASE_POLL_H
#define DEWPOND_BASE_POLL_H

#include <poll.h>
#include <stdint.h>

/* poll(2) until a descriptor is ready or the deadline has passed; signals do
 * not end it. How many are ready, 0: the deadline; -1 (and errno, and nothing
 * in any revents): it cannot be polled. That answer takes a few ms, so that who
 * tries again is no busy loop. */
int poll_until(struct pollfd *polls, nfds_t count, int64_t deadline_ns);

/* How many are ready now; -1 and errno: unknown. Never blocks. */
int poll_now(struct pollfd *polls, nfds_t count);

#endif
