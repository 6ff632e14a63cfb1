/* SPDX-License-Identifier: MIT */
/* Opening a pool: settings, memory, threads, and the sessions asked for. */
#include "api/pool_life.h"

#include "api/config.h"
#include "api/guard.h"
#include "api/uri.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/mutant.h"
#include "base/reclaim.h"
#include "base/watchdog.h"
#include "keeper/build.h"
#include "keeper/deadline.h"
#include "keeper/keeper.h"
#include "keeper/rebirth.h"
#include "session/session.h"

void
pool_free(dew_pool *pool)
{
    if (MUTANT(74)) { pool_unbuild(pool); }
    /* What it tells the log is told to callbacks, who may count and check. */
    deadline_forget(pool->settings);
    pool_unbuild(pool);
    credentials_destroy(&pool->credentials);
    settings_free(pool->settings);
    memory_free(pool);
    deadline_unuse();
    watchdog_unuse();
}

/* Takes the settings over in every case. */
static dew_code
pool_make(dew_pool **made, struct settings *settings, dew_error *error)
{
    dew_pool *pool = memory_zeroed_lines(sizeof(*pool));

    if (pool == NULL) {
        settings_free(settings);
        return error_no_memory(error, DEW_STAGE_CONFIG, "a pool");
    }
    watchdog_use();
    deadline_use();
    settings->owner = pool;
    pool->settings = settings;
    const struct pond_sizes sizes = pool_sizes_of(settings);
    const dew_code code = pool_build(pool, &sizes, error);
    if (code != DEW_OK) {
        pool_free(pool);
        return code;
    }
    rebirth_stamp(pool);
    *made = pool;
    return DEW_OK;
}

static dew_code
start_keeper(dew_pool *pool, dew_error *error)
{
    const int failed = pool->threaded ? keeper_start(pool) : 0;

    return failed == 0
               ? DEW_OK
               : error_system(error, DEW_STAGE_CONFIG, failed,
                              "the keeper's thread cannot be started");
}

static dew_code
enlist(dew_pool *pool, dew_error *error)
{
    const struct settings *settings = pool->settings;
    dew_code code;

    do {
        code = registry_add(&pool->entry, settings->name,
                            settings->name_is_explicit);
    } while (code == DEW_EEXIST && rebirth_forget(settings->name));
    pool->listed = code == DEW_OK;
    if (code == DEW_EEXIST) {
        return error_set(error, code, DEW_STAGE_CONFIG,
                         "name \"%s\" is taken by another open pool",
                         settings->name);
    }
    return code == DEW_OK ? DEW_OK
                          : error_set(error, code, DEW_STAGE_CONFIG,
                                      "the pool cannot be registered");
}

static bool
has_failed(dew_pool *pool, dew_error *error)
{
    int64_t age_ms;

    return breaker_error(&pool->breaker, pool_now_ns(pool), error, &age_ms);
}

/* Opens pre_create sessions, several at once; the first failure is the end. */
static dew_code
pre_create(dew_pool *pool, dew_error *error)
{
    const uint32_t wanted = pool->settings->pre_create;
    dew_error why = {.code = DEW_OK};

    if (wanted == 0) {
        return DEW_OK;
    }
    keeper_set_floor(pool, wanted);
    for (;;) {
        const uint32_t seen = bell_look(&pool->progress);
        struct pond_gauges gauges;

        if (!pool->threaded) {
            (void)keeper_tend(pool);
        }
        if (has_failed(pool, &why)) {
            return error_copy(error, &why);
        }
        pond_gauge(&pool->pond, &gauges);
        if (gauges.open >= wanted) {
            return DEW_OK;
        }
        /* Every connect ends by connect_timeout and rings. */
        bell_wait(&pool->progress, seen,
                  clock_deadline_after_ms(pool->settings->connect_timeout_ms));
    }
}

dew_code
pool_open(dew_pool **opened, struct settings *settings, dew_error *error)
{
    dew_pool *pool = NULL;
    dew_code code = DEW_OK;

    if (!rebirth_init()) {
        settings_free(settings);
        return error_no_memory(error, DEW_STAGE_CONFIG, "fork handlers");
    }
    code = session_library_init(error);
    if (code != DEW_OK) {
        settings_free(settings);
        return code;
    }
    code = pool_make(&pool, settings, error);
    if (code != DEW_OK) {
        return code;
    }
    /* Who finds it by name waits until it is open, or learns that it closes:
     * an open that fails must not have to wait for a loan. */
    pond_raise(&pool->pond, POND_UNREADY);
    /* Nor does he tend it: without threads that is the work of who opens it. */
    (void)bell_try(&pool->tender);
    code = enlist(pool, error);
    if (code == DEW_OK) {
        code = start_keeper(pool, error);
    }
    if (code == DEW_OK) {
        code = pre_create(pool, error);
    }
    bell_untry(&pool->tender);
    if (code != DEW_OK) {
        pool_end(pool);
        return code;
    }
    pond_lower(&pool->pond, POND_UNREADY);
    *opened = pool;
    return DEW_OK;
}

dew_code
dew_pool_open(dew_pool **pool, const dew_config *config, dew_error *error)
{
    struct settings *settings = NULL;
    dew_code code = guard_null(pool, "pool", error);

    if (code != DEW_OK) {
        return code;
    }
    *pool = NULL;
    code = settings_make(&settings, config, error);
    return code != DEW_OK ? code : pool_open(pool, settings, error);
}

dew_code
dew_pool_open_uri(dew_pool **pool, const char *uri, dew_error *error)
{
    struct settings *settings = NULL;
    dew_code code = guard_null(pool, "pool", error);

    if (code != DEW_OK) {
        return code;
    }
    *pool = NULL;
    code = settings_from_uri(&settings, uri, error);
    return code != DEW_OK ? code : pool_open(pool, settings, error);
}
