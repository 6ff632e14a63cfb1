/* SPDX-License-Identifier: MIT */
/* The parts of a pool, in the order in which they are made. */
#include "keeper/build.h"

#include <errno.h>

#include "base/clock.h"
#include "base/error.h"
#include "keeper/keeper.h"
#include "session/session.h"

#define NS_OF(ms) ((ms) == SETTINGS_OFF ? INT64_MAX : (ms)*CLOCK_NS_PER_MS)

static uint32_t
waiters_max_of(const struct settings *settings)
{
    return settings->waiters_max == SETTINGS_OFF
               ? UINT32_MAX
               : (uint32_t)settings->waiters_max;
}

struct pond_sizes
pool_sizes_of(const struct settings *settings)
{
    return (struct pond_sizes){
        .size = settings->size,
        .maxsize = settings->maxsize,
        .waiters_max = waiters_max_of(settings),
    };
}

static struct pond_plan
plan_of(dew_pool *pool, const struct pond_sizes *sizes)
{
    const struct settings *settings = pool->settings;

    return (struct pond_plan){
        .sizes = *sizes,
        .handoff_ns = NS_OF(settings->handoff_after_ms),
        .burst_ns = NS_OF(settings->burst_after_ms),
        .window = settings->connects_max,
        .self_service = !pool->threaded,
        .parker = &park_futex,
        .bells = keeper_bells(pool),
    };
}

/* Everything but the pond, which is made last and whole. */
static bool
make_parts(dew_pool *pool)
{
    const struct settings *settings = pool->settings;

    tick_init(&pool->tick);
    pool->bypass_ms =
        settings->bypass_ms > TICK_MS
            ? (uint64_t)(settings->bypass_ms - TICK_MS + TICK_LATE_MS)
            : 0;
    pool->work.fd = pool->openers.cancel.fd = -1;
    late_init(&pool->lates);
    bell_init(&pool->progress);
    bell_init(&pool->openers.bell);
    pool->reshaping = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    breaker_init(&pool->breaker, settings->connects_max,
                 NS_OF(settings->fail_fast_after_ms));
    return poll_bell_init(&pool->work) && poll_bell_init(&pool->openers.cancel);
}

dew_code
pool_build(dew_pool *pool, const struct pond_sizes *sizes, dew_error *error)
{
    pool->threaded = (pool->settings->flags & DEW_NO_THREADS) == 0;
    if (!make_parts(pool)) {
        const int failed = errno;
        pool_unbuild(pool);
        return error_system(error, DEW_STAGE_CONFIG, failed,
                            "no descriptor for the pool's threads");
    }
    pool->lore = session_lore_new();
    if (pool->lore == NULL) {
        pool_unbuild(pool);
        return error_no_memory(error, DEW_STAGE_CONFIG, "a pool");
    }
    const struct pond_plan plan = plan_of(pool, sizes);
    if (!pond_init(&pool->pond, &plan)) {
        pool_unbuild(pool);
        return error_no_memory(error, DEW_STAGE_CONFIG,
                               "maxsize %u, which may be lowered",
                               sizes->maxsize);
    }
    return DEW_OK;
}

void
pool_unbuild(dew_pool *pool)
{
    if (pond_is_made(&pool->pond)) {
        pond_destroy(&pool->pond);
    }
    poll_bell_destroy(&pool->openers.cancel);
    poll_bell_destroy(&pool->work);
    breaker_destroy(&pool->breaker);
    session_lore_free(pool->lore);
    pool->lore = NULL;
    leaks_free(&pool->leaks);
}
