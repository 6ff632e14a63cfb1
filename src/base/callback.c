/* SPDX-License-Identifier: MIT */
/* A thread-local note of the innermost callback's owner. */
#include "base/callback.h"

#include <stddef.h>

static _Thread_local const void *innermost;

const void *
callback_enter(const void *owner)
{
    const void *before = innermost;

    innermost = owner;
    return before;
}

void
callback_leave(const void *before)
{
    innermost = before;
}

bool
callback_is_of(const void *owner)
{
    return innermost == owner && owner != NULL;
}
