/* SPDX-License-Identifier: MIT */
/* Why a borrow got no session, in a sentence that tells what to do. */
#include "api/borrow.h"
#include "base/error.h"
#include "keeper/keeper.h"

static dew_code
refuse(const struct borrow *borrow, dew_code code, const char *why)
{
    struct pond_gauges now;
    dew_pool *pool = borrow->pool;

    pond_gauge(&pool->pond, &now);
    return error_set(borrow->error, code, DEW_STAGE_WAIT,
                     "%s: %s (%u of at most %u sessions open, %u lent, %u "
                     "being opened, %u waiting)",
                     pool->entry.name, why, now.open,
                     pond_sizes(&pool->pond).maxsize, now.leased, now.opening,
                     now.waiters);
}

/* The error of the last connect, while they fail: the server's own, or want of
 * memory, threads or descriptors here. DEW_OK: they do not fail. */
static dew_code
refuse_with_connect_error(const struct borrow *borrow)
{
    dew_pool *pool = borrow->pool;
    dew_error why;
    int64_t age_ms;

    if (!breaker_error(&pool->breaker, pool_now_ns(pool), &why, &age_ms)) {
        return DEW_OK;
    }
    keeper_ask(pool);
    (void)error_set_mysql(borrow->error, why.code, DEW_STAGE_CONNECT,
                          why.mysql_errno, why.sqlstate,
                          "%s: no session, and connects fail: %.400s (%lld "
                          "ms ago)",
                          pool->entry.name, why.message, (long long)age_ms);
    if (borrow->error != NULL) {
        borrow->error->os_errno = why.os_errno;
    }
    return why.code;
}

static dew_code
time_is_up(const struct borrow *borrow)
{
    struct pond *pond = &borrow->pool->pond;

    if (pond_has(pond, POND_SUSPENDED)) {
        tally_add(&pond->tallies.timeouts);
        return refuse(borrow, DEW_ETIMEDOUT,
                      "the pool is suspended; dew_pool_resume ends that");
    }
    const dew_code code = refuse_with_connect_error(borrow);
    if (code != DEW_OK) {
        return code;
    }
    tally_add(&pond->tallies.timeouts);
    return refuse(borrow, DEW_ETIMEDOUT,
                  "no session came free in time; raise maxsize, hold sessions "
                  "shorter, or wait longer");
}

static const char *
why_full(const struct borrow *borrow)
{
    if (pond_has(&borrow->pool->pond, POND_SUSPENDED)) {
        return "the pool is suspended, and no more may wait for its end; "
               "dew_pool_resume ends it";
    }
    return pond_sizes(&borrow->pool->pond).waiters_max == 0
               ? "no session is idle, and waiters_max is 0: nobody waits for "
                 "one; try again, or raise waiters_max"
               : "waiters_max borrowers wait already; raise it or maxsize, or "
                 "hold sessions shorter";
}

dew_code
borrow_refused(const struct borrow *borrow, enum pond_end end)
{
    switch (end) {
    case POND_FULL:
        return refuse(borrow, DEW_EFULL, why_full(borrow));
    case POND_NO_MEMORY:
        return error_no_memory(borrow->error, DEW_STAGE_WAIT,
                               "one more waiter of %s",
                               borrow->pool->entry.name);
    case POND_BROKE:
        return refuse_with_connect_error(borrow);
    case POND_SHUT:
        return error_set(borrow->error, DEW_ECLOSED, DEW_STAGE_WAIT,
                         "%s: the pool is closed or closing",
                         borrow->pool->entry.name);
    case POND_SLOT:
    case POND_LEAVE:
    case POND_TIMED_OUT: break;
    }
    return time_is_up(borrow);
}
