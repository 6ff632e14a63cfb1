/* SPDX-License-Identifier: MIT */
/* One thread of a storm: borrows, asks, checks, returns, and again. */
#include "storm.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

static bool goes_on(const struct storm_worker *worker, uint64_t iteration);
static void borrow(struct storm_worker *worker);
static void use(struct storm_worker *worker, MYSQL *mysql);
static void give_back(struct storm_worker *worker, dew_conn *conn,
                      bool discard);
static void refused(struct storm_worker *worker, const dew_error *error);
static bool by_chance(struct storm_worker *worker, int64_t percent);
static void rest_us(int64_t us);

void *
storm_worker_main(void *argument)
{
    struct storm_worker *const worker = argument;
    struct storm *const storm = worker->storm;
    for (uint64_t i = 0; goes_on(worker, i); i++) {
        /* 15 bits of run, 14 of thread, 34 of iteration: a signed BIGINT,
         * and no two askers share one. */
        worker->nonce = storm->salt << 48 | (uint64_t)worker->number << 34 |
                        (i & ((UINT64_C(1) << 34) - 1));
        borrow(worker);
    }
    mysql_thread_end();
    if (atomic_fetch_sub(&storm->running, 1) == 1) {
        const ssize_t rung = write(storm->bell[1], "w", 1);
        (void)rung; /* a full pipe has rung already */
    }
    return NULL;
}

static bool
goes_on(const struct storm_worker *worker, uint64_t iteration)
{
    const struct storm *const storm = worker->storm;
    if (atomic_load_explicit(&storm->stop, memory_order_relaxed)) {
        return false;
    }
    const int64_t queries = storm->options->queries;
    return queries == STORM_UNSET || iteration < (uint64_t)queries;
}

static void
borrow(struct storm_worker *worker)
{
    struct storm *const storm = worker->storm;
    const struct storm_options *const options = storm->options;
    dew_conn conn = DEW_CONN_INIT;
    dew_error error = {.code = DEW_OK};
    const uint64_t before_ns = latency_now_ns();
    if (dew_acquire(storm->pool, options->timeout_ms, &conn, &error) !=
        DEW_OK) {
        refused(worker, &error);
        return;
    }
    latency_add(&worker->wait, latency_now_ns() - before_ns);

    const struct owners_loan loan = {
        .id = mysql_thread_id(conn.mysql),
        .handle = conn.mysql,
        .thread = worker->number,
    };
    const enum owners_verdict entered = owners_enter(storm->owners, &loan);
    if (entered == OWNERS_SHARED) {
        /* Two threads in one conversation can only crash: end the storm. */
        storm_count(&worker->shared);
        atomic_store(&storm->stop, true);
        give_back(worker, &conn, false);
        return;
    }
    if (entered == OWNERS_CROWDED) {
        storm_count(&worker->unwatched);
    }
    use(worker, conn.mysql);
    const bool discard = by_chance(worker, options->discard);
    if (entered == OWNERS_ALONE &&
        owners_leave(storm->owners, &loan) != OWNERS_ALONE) {
        storm_count(&worker->shared);
        atomic_store(&storm->stop, true);
    }
    give_back(worker, &conn, discard);
}

static void
use(struct storm_worker *worker, MYSQL *mysql)
{
    const struct storm_options *const options = worker->storm->options;
    if (options->dirty > 0) {
        storm_ask_witness(worker, mysql);
    }
    storm_ask(worker, mysql);
    if (options->hold_us > 0) {
        rest_us(options->hold_us);
    }
    if (by_chance(worker, options->dirty)) {
        storm_ask_soil(worker, mysql);
    }
}

static void
give_back(struct storm_worker *worker, dew_conn *conn, bool discard)
{
    const dew_code code = discard ? dew_discard(conn) : dew_release(conn);
    if (code != DEW_OK) {
        dew_error error = {.code = code};
        (void)snprintf(error.message, sizeof error.message, "%s of a loan",
                       discard ? "discard" : "release");
        mishaps_add(&worker->mishaps, &error);
        storm_count(&worker->errors);
    }
}

static void
refused(struct storm_worker *worker, const dew_error *error)
{
    mishaps_add(&worker->mishaps, error);
    storm_count(&worker->errors);
    /* A pool that refuses at once is not asked in a busy loop. */
    rest_us(error->code == DEW_ETIMEDOUT ? 1000 : 10000);
}

static bool
by_chance(struct storm_worker *worker, int64_t percent)
{
    if (percent == 0) {
        return false;
    }
    worker->random ^= worker->random << 13;
    worker->random ^= worker->random >> 7;
    worker->random ^= worker->random << 17;
    return (int64_t)((worker->random >> 11) % 100) < percent;
}

static void
rest_us(int64_t us)
{
    const struct timespec time = {
        .tv_sec = (time_t)(us / 1000000),
        .tv_nsec = (long)(us % 1000000) * 1000,
    };
    (void)nanosleep(&time, NULL);
}
