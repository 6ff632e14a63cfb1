/* SPDX-License-Identifier: MIT */
/* The frames of the callbacks that a thread is in, innermost first. */
#include "base/callback.h"

#include <stddef.h>

#include "base/mutant.h"
#include "base/thread.h"

_Thread_local const struct callback *callback_innermost;

void
callback_enter(struct callback *frame, const void *owner,
               enum callback_kind kind)
{
    *frame = (struct callback){owner, kind, callback_innermost};
    callback_innermost = frame;
    if (MUTANT(65)) { return; }
    thread_outside_id = 0;
}

void
callback_leave(const struct callback *frame)
{
    if (MUTANT(48)) { return; }
    callback_innermost = frame->outer;
    callback_note_thread();
}

void
callback_note_thread(void)
{
    thread_outside_id = callback_is_any() ? 0 : thread_id();
}

bool
callback_is_of(const void *owner, enum callback_kind kind)
{
    const struct callback *frame = callback_innermost;

    while (frame != NULL && (frame->owner != owner || frame->kind != kind)) {
        frame = frame->outer;
    }
    return frame != NULL && owner != NULL;
}
