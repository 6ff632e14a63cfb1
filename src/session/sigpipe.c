/* SPDX-License-Identifier: MIT */
/* Holds SIGPIPE off this thread while a client library may raise it. */
#define _GNU_SOURCE 1
#include "session/sigpipe.h"

#include <errno.h>
#include <time.h>

static void
only_sigpipe(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGPIPE);
}

void
sigpipe_hold(struct sigpipe_hold *hold)
{
    sigset_t set, pending;

    if (hold->held) {
        return;
    }
    hold->was_pending =
        sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
    only_sigpipe(&set);
    hold->held = pthread_sigmask(SIG_BLOCK, &set, &hold->mask) == 0;
}

void
sigpipe_release(struct sigpipe_hold *hold)
{
    const struct timespec at_once = {0, 0};
    const int saved_errno = errno;
    sigset_t set;

    if (!hold->held) {
        return;
    }
    only_sigpipe(&set);
    /* A signal that was pending before belongs to whoever raised it. */
    while (!hold->was_pending && sigtimedwait(&set, NULL, &at_once) == -1 &&
           errno == EINTR) {
    }
    pthread_sigmask(SIG_SETMASK, &hold->mask, NULL);
    hold->held = false;
    errno = saved_errno;
}
