/* SPDX-License-Identifier: MIT */
/* Keeps a pool while a call that holds nothing of it is at work. */
#ifndef DEWPOND_API_GUEST_H
#define DEWPOND_API_GUEST_H

#include "base/reclaim.h"
#include "keeper/pool.h"

/* From here on close waits for the caller. */
static inline void
guest_comes(dew_pool *pool)
{
    reclaim_read_begin();
    pond_guest_comes(&pool->pond);
    reclaim_read_end();
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
