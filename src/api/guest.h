/* SPDX-License-Identifier: MIT */
/* Keeps a pool while a call that holds nothing of it is at work. */
#ifndef DEWPOND_API_GUEST_H
#define DEWPOND_API_GUEST_H

#include "base/reclaim.h"
#include "keeper/rebirth.h"

/* From here on close waits for the caller. In a forked child this is where the
 * pool gets a core of its own; if it cannot, the code tells why and nobody has
 * come. */
static inline dew_code
guest_comes(dew_pool *pool, dew_error *error)
{
    const dew_code code = pool_enter(pool, error);

    if (code == DEW_OK) {
        reclaim_read_begin();
        pond_guest_comes(&pool->pond);
        reclaim_read_end();
    }
    return code;
}

/* The last touch of the pool. */
static inline void
guest_goes(dew_pool *pool)
{
    reclaim_read_begin();
    pond_guest_goes(&pool->pond);
    reclaim_read_end();
}

#endif
