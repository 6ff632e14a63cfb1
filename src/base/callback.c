/* SPDX-License-Identifier: MIT */
/* The frames of the callbacks that a thread is in, innermost first. */
#include "base/callback.h"

#include <stddef.h>

#include "base/mutant.h"

static _Thread_local const struct callback *innermost;

void
callback_enter(struct callback *frame, const void *owner,
               enum callback_kind kind)
{
    *frame = (struct callback){owner, kind, innermost};
    innermost = frame;
}

void
callback_leave(const struct callback *frame)
{
    if (MUTANT(48)) { return; }
    innermost = frame->outer;
}

bool
callback_is_of(const void *owner, enum callback_kind kind)
{
    const struct callback *frame = innermost;

    while (frame != NULL && (frame->owner != owner || frame->kind != kind)) {
        frame = frame->outer;
    }
    return frame != NULL && owner != NULL;
}
