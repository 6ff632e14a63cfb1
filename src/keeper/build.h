/* SPDX-License-Identifier: MIT */
/* What a pool is made of: built when it opens, and anew in a forked child. */
#ifndef DEWPOND_KEEPER_BUILD_H
#define DEWPOND_KEEPER_BUILD_H

#include "keeper/pool.h"

/* Builds everything but threads and name, of these sizes, into a pool that has
 * its settings and is zero otherwise. On failure *error tells why and nothing is left. */
dew_code pool_build(dew_pool *pool, const struct pond_sizes *sizes,
                    dew_error *error);

/* What the settings say of sizes, as the pond wants it. */
struct pond_sizes pool_sizes_of(const struct settings *settings);

/* The way back: the pool is drained and has no threads. Its settings,
 * credentials and memory stay. */
void pool_unbuild(dew_pool *pool);

#endif
