/* SPDX-License-Identifier: MIT */
/* Whose callbacks the calling thread is in, so that it cannot call back in. */
/*
 * on_connect, on_options and on_log run on an opener or a borrower, in the
 * middle of that pool's work: a call of the same pool would wait for itself.
 * Callbacks nest, also those of several pools (an on_connect that borrows from
 * another pool, which logs): each has a frame on its caller's stack, and a
 * thread is in all of them until the outermost returns.
 *
 * SHARING. None: frames belong to their thread.
 */
#ifndef DEWPOND_BASE_CALLBACK_H
#define DEWPOND_BASE_CALLBACK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/inner.h"

/* What a callback may do beside what any code may do. */
enum callback_kind {
    CALLBACK_INSIDE,  /* in the middle of its owner's work: no call of it */
    CALLBACK_VISITED, /* its owner waits for nothing; but it must stay */
};

struct callback {
    const void *owner;
    enum callback_kind kind;
    const struct callback *outer; /* NULL: this is the outermost */
};

/* The thread enters a callback of `owner`, and leaves it again; the frame
 * lives from the one call to the other. */
void callback_enter(struct callback *frame, const void *owner,
                    enum callback_kind kind);
void callback_leave(const struct callback *frame);

/* Whether the thread is in a callback of this kind and owner (not NULL). */
bool callback_is_of(const void *owner, enum callback_kind kind);

/* From here on the thread has its thread_outside_id; in a callback, from the return
 * of the outermost on. */
void callback_note_thread(void);

/* Whether the thread is in any callback of ours. */
extern _Thread_local const struct callback *callback_innermost INNER;

static inline bool
callback_is_any(void)
{
    return callback_innermost != NULL;
}

#endif
