/* SPDX-License-Identifier: MIT */
/* The two ends of a pool's life, as open.c and close.c share them. */
#ifndef DEWPOND_API_POOL_LIFE_H
#define DEWPOND_API_POOL_LIFE_H

#include "keeper/pool.h"

/* Opens a pool with these settings, which are taken over in every case. */
dew_code pool_open(dew_pool **opened, struct settings *settings,
                   dew_error *error);

/* Closes and frees a pool that nobody else knows yet or any more: open failed.
 * Waits for its threads, never for loans. */
void pool_end(dew_pool *pool);

/* Frees the memory of a pool that is drained and has no threads. */
void pool_free(dew_pool *pool);

#endif
