/* SPDX-License-Identifier: MIT */
/* Refuses calls without a pool, from its own callback, or while it closes. */
#ifndef DEWPOND_API_GUARD_H
#define DEWPOND_API_GUARD_H

#include <dewpond.h>

#include "base/callback.h"
#include "base/error.h"
#include "keeper/pool.h"

/* `name` is the argument that must not be NULL. */
static inline dew_code
guard_null(const void *argument, const char *name, dew_error *error)
{
    return argument != NULL ? DEW_OK
                            : error_set(error, DEW_EINVAL, DEW_STAGE_NONE,
                                        "%s is NULL", name);
}

static inline dew_code
guard_callback(const dew_pool *pool, dew_error *error)
{
    return !callback_is_any() || !callback_is_of(pool, CALLBACK_INSIDE)
               ? DEW_OK
               : error_set(error, DEW_EINVAL, DEW_STAGE_NONE,
                           "a callback of a pool must not call this pool");
}

/* Who is told of a pool's loans may do anything, but end the pool under who
 * tells. */
static inline dew_code
guard_visit(const dew_pool *pool, dew_error *error)
{
    return !callback_is_of(pool, CALLBACK_VISITED)
               ? DEW_OK
               : error_set(error, DEW_EINVAL, DEW_STAGE_NONE,
                           "dew_foreach_loan is still telling this pool's "
                           "loans to the caller: return from it, then close");
}

/* What closes is not changed any more. The caller is a guest of the pool. */
static inline dew_code
guard_closing(const dew_pool *pool, dew_error *error)
{
    return !pond_has(&pool->pond, POND_CLOSING)
               ? DEW_OK
               : error_set(error, DEW_ECLOSED, DEW_STAGE_CONFIG,
                           "%s: the pool is closed or closing",
                           pool->entry.name);
}

#endif
