/* SPDX-License-Identifier: MIT */
/* The frames of the callbacks that a thread is in, innermost first. */
#include "base/callback.h"

#include <stddef.h>

#include "base/mutant.h"

_Thread_local const struct callback *callback_innermost;

void
callback_enter(struct callback *frame, const void *owner,
               enum callback_kind kind)
{
    *frame = (struct callback){owner, kind, callback_innermost};
    callback_innermost = frame;
}

void
callback_leave(const struct callback *frame)
{
    if (MUTANT(48)) { return; }
    callback_innermost = frame->outer;
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
