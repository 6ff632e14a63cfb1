/* SPDX-License-Identifier: MIT */
/* Holds SIGPIPE off this thread while a client library may raise it. */
/*
 * TLS writes without MSG_NOSIGNAL, and so does Oracle's library always: a
 * write to a socket whose other side is gone raises SIGPIPE in the thread
 * that wrote. Whoever called us may have set the signal to kill the program.
 */
#ifndef DEWPOND_SESSION_SIGPIPE_H
#define DEWPOND_SESSION_SIGPIPE_H

#include <signal.h>
#include <stdbool.h>

struct sigpipe_hold {
    sigset_t mask; /* the thread's own, to be put back */
    bool held;
    bool was_pending; /* before us: not ours to eat */
};

/* About 0.5 us. A hold that is held already stays as it is. */
void sigpipe_hold(struct sigpipe_hold *hold);
/* Eats what was raised meanwhile. Nothing when nothing is held. */
void sigpipe_release(struct sigpipe_hold *hold);

#endif
