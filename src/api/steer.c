/* SPDX-License-Identifier: MIT */
/* Steering a pool while it runs: login, refresh, pauses, and tending by hand. */
#include "api/guard.h"
#include "api/guest.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/mutant.h"
#include "base/reclaim.h"
#include "keeper/keeper.h"

static dew_code
replace(dew_pool *pool, const char *user, const char *password,
        dew_error *error)
{
    struct settings *settings = settings_copy(pool->settings, user, password);

    if (settings == NULL ||
        !credentials_replace(&pool->credentials, settings)) {
        settings_free(settings);
        return error_no_memory(error, DEW_STAGE_CONFIG,
                               "new credentials of %s", pool->entry.name);
    }
    /* In this order: a connect that begins in between carries the old epoch
     * and is replaced, which costs a connect and hurts nobody. */
    pond_next_epoch(&pool->pond);
    /* A server that refused the old ones is tried with the new ones at once. */
    keeper_try_again(pool);
    keeper_hurry(pool);
    return DEW_OK;
}

dew_code
dew_pool_set_credentials(dew_pool *pool, const char *user, const char *password,
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
    code = guard_closing(pool, error);
    if (code == DEW_OK) {
        code = replace(pool, user, password, error);
    }
    guest_goes(pool);
    return code;
}

/* For calls that have no way to say why not: a NULL pool, a callback of it, or
 * a child whose pool cannot be rebuilt. */
static bool
comes_in_silence(dew_pool *pool)
{
    return pool != NULL && !callback_is_of(pool, CALLBACK_INSIDE) &&
           guest_comes(pool, NULL) == DEW_OK;
}

void
dew_pool_refresh(dew_pool *pool)
{
    if (!comes_in_silence(pool)) {
        return;
    }
    pond_next_epoch(&pool->pond);
    /* Who refreshes knows of a change: a server that failed is tried anew. */
    keeper_try_again(pool);
    keeper_hurry(pool);
    guest_goes(pool);
}

void
dew_pool_suspend(dew_pool *pool)
{
    if (!comes_in_silence(pool)) {
        return;
    }
    pond_raise(&pool->pond, POND_SUSPENDED);
    /* Who looked at the flags before that lends, if at all, in the section in
     * which it looked. */
    if (MUTANT(50)) { guest_goes(pool); return; }
    reclaim_wait_readers();
    guest_goes(pool);
}

void
dew_pool_resume(dew_pool *pool)
{
    if (!comes_in_silence(pool)) {
        return;
    }
    pond_lower(&pool->pond, POND_SUSPENDED);
    guest_goes(pool);
}

int64_t
dew_pool_tend(dew_pool *pool)
{
    if (pool == NULL || pool->threaded ||
        callback_is_of(pool, CALLBACK_INSIDE) ||
        guest_comes(pool, NULL) != DEW_OK) {
        return -1;
    }
    const int64_t due_ns = keeper_tend_here(pool, 0);
    const int64_t rest_ns = due_ns - pool_now_ns(pool);
    guest_goes(pool);
    if (due_ns == INT64_MAX) {
        return INT64_MAX;
    }
    return rest_ns <= 0 ? 0 : (rest_ns + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS;
}
