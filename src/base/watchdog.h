/* SPDX-License-Identifier: MIT */
/* Cuts sockets whose time is up: timers and shutdown(2), nothing else. */
/*
 * One thread for the process, started when the first timer is armed and
 * ended when the last user has gone (watchdog_use / watchdog_unuse), so that
 * a frozen server cannot stop another one's deadline. It acts on duplicates
 * (F_DUPFD_CLOEXEC) that it owns and closes: a client library may close its
 * own number at any time and another thread may get it.
 */
#ifndef DEWPOND_BASE_WATCHDOG_H
#define DEWPOND_BASE_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

/* One running timer; lives in the caller's frame between arm and disarm. */
struct watchdog_timer {
    struct watchdog_timer *next, *previous;
    int64_t deadline_ns;
    int fd;    /* the duplicate; -1: not armed */
    bool fired; /* the socket was shut down; valid after disarm */
};

/* Installs the fork handlers, which must be older than those of any lock that
 * is held over a call of this file. Idempotent; false, for good, without
 * memory for them. */
bool watchdog_init(void);

/* A pool (or a connection without one) counts itself in and out. */
void watchdog_use(void);
void watchdog_unuse(void);

/* From now on `socket_fd` is cut when deadline_ns passes. False when it could
 * not be armed (no descriptor, no thread; errno says why): the caller must not
 * start I/O. */
bool watchdog_arm(struct watchdog_timer *timer, int socket_fd,
                  int64_t deadline_ns);
/* Ends the timer and its duplicate. Returns whether it had fired. */
bool watchdog_disarm(struct watchdog_timer *timer);

#endif
