/* SPDX-License-Identifier: MIT */
/* Whose callback the calling thread is in, so that it cannot call back in. */
/*
 * on_connect, on_options and on_log run on an opener or a borrower, in the
 * middle of that pool's work: a call of the same pool would wait for itself.
 * Callbacks nest (an on_connect that logs), so entering returns what to leave
 * to.
 */
#ifndef DEWPOND_BASE_CALLBACK_H
#define DEWPOND_BASE_CALLBACK_H

#include <stdbool.h>

/* The thread enters a callback of `owner`; the return value goes to leave. */
const void *callback_enter(const void *owner);
void callback_leave(const void *before);

/* Whether the calling thread is in a callback of `owner` (not NULL). */
bool callback_is_of(const void *owner);

#endif
