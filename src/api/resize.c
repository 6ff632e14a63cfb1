/* SPDX-License-Identifier: MIT */
/* Changing how many sessions a pool may have while it runs. */
#include "api/config_sizes.h"
#include "api/guard.h"
#include "api/guest.h"
#include "base/error.h"
#include "keeper/build.h"
#include "keeper/keeper.h"

static dew_code
change(dew_pool *pool, const struct pond_sizes *sizes, dew_error *error)
{
    (void)pthread_mutex_lock(&pool->reshaping);
    const bool changed = pond_resize(&pool->pond, sizes);
    (void)pthread_mutex_unlock(&pool->reshaping);

    if (!changed) {
        return error_no_memory(error, DEW_STAGE_CONFIG,
                               "maxsize %u, which may be lowered",
                               sizes->maxsize);
    }
    /* What rests and is too many, or a floor whose order was taken back. */
    keeper_hurry(pool);
    return DEW_OK;
}

static dew_code
resize(dew_pool *pool, uint32_t size, uint32_t maxsize, dew_error *error)
{
    /* Only looked at: its strings are the pool's. */
    struct settings draft = *pool->settings;
    dew_code code = config_sizes_change(&draft, size, maxsize, error);

    if (code == DEW_OK) {
        code = guard_closing(pool, error);
    }
    if (code != DEW_OK) {
        return code;
    }
    const struct pond_sizes sizes = pool_sizes_of(&draft);

    return change(pool, &sizes, error);
}

dew_code
dew_pool_resize(dew_pool *pool, uint32_t size, uint32_t maxsize,
                dew_error *error)
{
    if (pool == NULL) {
        return guard_null(pool, "pool", error);
    }
    dew_code code = guard_callback(pool, error);
    if (code == DEW_OK) {
        code = guest_comes(pool, error);
    }
    if (code != DEW_OK) {
        return code;
    }
    code = resize(pool, size, maxsize, error);
    guest_goes(pool);
    return code;
}
