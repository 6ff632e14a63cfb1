/* SPDX-License-Identifier: MIT */
/* What a borrow that waits tells the log: it took long, its thread holds one. */
#include "api/borrow.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/thread.h"

static const char *
place(const char *file)
{
    return file != NULL ? file : "an unknown place";
}

/* --- slow ------------------------------------------------------------------------ */

void
borrow_remark_slow(const struct borrow *borrow, int64_t now_ns)
{
    dew_pool *pool = borrow->pool;
    const struct settings *settings = pool->settings;
    const int64_t took_ms = (now_ns - borrow->since_ns) / CLOCK_NS_PER_MS;
    struct pond_gauges now;

    if (settings->slow_acquire_ms == SETTINGS_OFF ||
        took_ms < settings->slow_acquire_ms || settings->on_log == NULL ||
        !seldom_may(&pool->slow_line, now_ns)) {
        return;
    }
    pond_gauge(&pool->pond, &now);
    log_line(settings, LOG_WARNING,
             "%s: a borrow at %s:%d waited %lld ms (%u of at most %u sessions "
             "open, %u lent, %u being opened, %u waiting)",
             pool->entry.name, place(borrow->file), borrow->line,
             (long long)took_ms, now.open, pond_sizes(&pool->pond).maxsize,
             now.leased, now.opening, now.waiters);
}

/* --- nested ---------------------------------------------------------------------- */

static void
remark_nested(const struct borrow *borrow, const struct pond_loan *held)
{
    dew_pool *pool = borrow->pool;

    if (pool->settings->on_log != NULL &&
        seldom_may(&pool->nest_line, pool_now_ns(pool))) {
        log_line(pool->settings, LOG_WARNING,
                 "%s: thread %u borrows at %s:%d and has to wait, while the "
                 "session that it borrowed at %s:%d is still out: threads "
                 "that do so can stop each other for ever",
                 pool->entry.name, held->thread, place(borrow->file),
                 borrow->line, place(held->file), held->line);
    }
}

dew_code
borrow_may_wait(const struct borrow *borrow)
{
    dew_pool *pool = borrow->pool;
    struct pond_loan held;

    /* Once in a borrow; and what closes says so itself. */
    if (borrow->waited || pond_has(&pool->pond, POND_CLOSING) ||
        !pond_loan_of(&pool->pond, thread_id(), &held)) {
        return DEW_OK;
    }
    tally_add(&pool->pond.tallies.nested_waits);
    remark_nested(borrow, &held);
    return (pool->settings->flags & DEW_REFUSE_NESTED) == 0
               ? DEW_OK
               : error_set(borrow->error, DEW_EINVAL, DEW_STAGE_WAIT,
                           "%s: DEW_REFUSE_NESTED: this thread would have to "
                           "wait, and the session that it borrowed at %s:%d "
                           "is still out; release that one first",
                           pool->entry.name, place(held.file), held.line);
}
