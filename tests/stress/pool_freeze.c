/* SPDX-License-Identifier: MIT */
/* Goal: while a server is frozen no deadline is missed by more than 50 ms, and
 * when it goes on nobody gets an answer that is not his. */
/* Method: SIGSTOP under 64 threads that borrow with a timeout and ask with a
 * deadline, then SIGCONT; how late each call ended is held against how late
 * control threads woke from the same kind of wait at that time. */
/* ctest: timeout=120 */
/*
 * DEWPOND_FREEZE_SECONDS  how long the server is frozen (3 by default)
 */
#define _GNU_SOURCE 1
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/order.h"
#include "base/random.h"
#include "fixture/pool_kit.h"
#include "fixture/timing.h"

#define SECONDS 3
#define THREADS 64
#define SESSIONS 16
#define ACQUIRE_MS 200
#define QUERY_MS 300
#define THINK_MS 40
/* What must hold. */
#define LATE_US 50000
#define BACK_MS 2000

struct worker {
    pthread_t thread;
    unsigned number, asked;
    bool is_back; /* had an answer that was asked for after the thaw */
    int account;
    uint64_t loans, timeouts, answers;
};

static struct test_server *server;
static dew_pool *pool;
static struct worker workers[THREADS];
static struct lateness acquires, queries, returns;
static order_u32 thawed, over, back, cut, refused;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char wrong[512]; /* under the lock: what went wrong first */

static void
fault_found(const char *what, const char *told)
{
    (void)pthread_mutex_lock(&lock);
    if (wrong[0] == '\0') {
        (void)snprintf(wrong, sizeof wrong, "%s: %.400s", what, told);
    }
    (void)pthread_mutex_unlock(&lock);
}

/* --- a borrower ----------------------------------------------------------- */

/* Killed in time, or cut off. */
static bool
is_end_by_deadline(const char *answer)
{
    return strcmp(answer, "error 2013") == 0 ||
           strcmp(answer, "error 2006") == 0 ||
           strcmp(answer, "error 1317") == 0;
}

/* Only its own answer, or an end by its own deadline: one that comes earlier
 * was meant for somebody else. */
static void
ask(struct worker *worker, dew_conn *conn)
{
    char sql[64], text[LOAN_TEXT], expected[32];
    dew_error error = {.code = DEW_OK};
    const int64_t due_ns = clock_deadline_after_ms(QUERY_MS);

    (void)snprintf(expected, sizeof expected, "%u",
                   worker->number * 1000000 + ++worker->asked);
    (void)snprintf(sql, sizeof sql, "SELECT %s + SLEEP(0.005)", expected);
    if (dew_deadline(conn, QUERY_MS, &error) != DEW_OK) {
        fault_found("deadline", error.message);
    }
    const int64_t before_ns = timing_kept_off_ns(worker->account);
    const char *const answer = loan_ask(conn->mysql, sql, text);
    const int64_t end_ns = clock_now_ns();

    lateness_add(&queries, due_ns, end_ns,
                 timing_kept_off_ns(worker->account) - before_ns);
    if (strcmp(answer, expected) == 0) {
        worker->answers++;
    } else if (is_end_by_deadline(answer) && end_ns >= due_ns) {
        (void)order_add_seq_u32(&cut, 1);
    } else {
        fault_found(sql, answer);
    }
}

static void
give_back(const struct worker *worker, dew_conn *conn)
{
    const int64_t before_ns = timing_kept_off_ns(worker->account);
    const int64_t due_ns = clock_now_ns();

    if (dew_release(conn) != DEW_OK) {
        fault_found("release", "it was refused");
    }
    lateness_add(&returns, due_ns, clock_now_ns(),
                 timing_kept_off_ns(worker->account) - before_ns);
}

static bool
borrow(struct worker *worker, dew_conn *conn)
{
    dew_error error = {.code = DEW_OK};
    const int64_t before_ns = timing_kept_off_ns(worker->account);
    const int64_t due_ns = clock_deadline_after_ms(ACQUIRE_MS);
    const dew_code code = dew_acquire(pool, ACQUIRE_MS, conn, &error);

    lateness_add(&acquires, due_ns, clock_now_ns(),
                 timing_kept_off_ns(worker->account) - before_ns);
    if (code == DEW_OK) {
        worker->loans++;
        return true;
    }
    if (code == DEW_ETIMEDOUT) {
        worker->timeouts++;
    } else if (code == DEW_ECONNECT && error.stage == DEW_STAGE_CONNECT) {
        (void)order_add_seq_u32(&refused, 1);
    } else {
        fault_found("acquire", error.message);
    }
    return false;
}

static void
borrow_once(struct worker *worker)
{
    /* Read first: what began before the thaw proves nothing about it. */
    const bool is_after = order_load_seq_u32(&thawed) != 0;
    const uint64_t before = worker->answers;
    dew_conn conn;

    if (borrow(worker, &conn)) {
        ask(worker, &conn);
        give_back(worker, &conn);
    }
    if (is_after && worker->answers > before && !worker->is_back) {
        worker->is_back = true;
        (void)order_add_seq_u32(&back, 1);
    }
}

static void *
work(void *arg)
{
    struct worker *const worker = arg;

    worker->account = timing_account();
    while (order_load_seq_u32(&over) == 0) {
        const struct timespec think = {
            .tv_nsec =
                (long)random_below((uint64_t)THINK_MS * CLOCK_NS_PER_MS)};

        borrow_once(worker);
        (void)nanosleep(&think, NULL);
    }
    (void)close(worker->account);
    mysql_thread_end();
    return NULL;
}

/* --- the freeze ------------------------------------------------------------ */

static void
begin_service(void)
{
    dew_config config;

    kit_config(&config, server);
    config.size = config.maxsize = SESSIONS;
    config.waiters_max = DEW_OFF;
    lateness_begin(&acquires);
    lateness_begin(&queries);
    lateness_begin(&returns);
    timing_control_begin();
    pool = kit_open(&config);
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.number = i + 1};
        assert_int_equal(
            pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    KIT_AWAIT(kit_stats(pool).conns_open == SESSIONS);
    KIT_AWAIT(kit_stats(pool).acquires >= 10 * (uint64_t)THREADS);
}

static void
freeze_it(void)
{
    const struct timespec length = {
        .tv_sec = timing_seconds("DEWPOND_FREEZE_SECONDS", SECONDS)};

    test_server_freeze(server);
    assert_int_equal(nanosleep(&length, NULL), 0);
    test_server_thaw(server);
    order_store_seq_u32(&thawed, 1);
}

static void
await_service(void)
{
    const int64_t since_ns = clock_now_ns();

    KIT_AWAIT(order_load_seq_u32(&back) == THREADS &&
              kit_stats(pool).conns_open == SESSIONS);
    const int64_t took_ns = clock_now_ns() - since_ns;
    print_message("%" PRId64 " ms after it goes on every thread has had an "
                  "answer and all sessions are open\n",
                  took_ns / CLOCK_NS_PER_MS);
    assert_true(took_ns - timing_share_ns(since_ns, since_ns + took_ns) <=
                BACK_MS * CLOCK_NS_PER_MS);
}

/* Everything adds up and everything is home. */
static void
end_service(void)
{
    struct worker sum = {.number = 0};

    order_store_seq_u32(&over, 1);
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        sum.loans += workers[i].loans;
        sum.timeouts += workers[i].timeouts;
        sum.answers += workers[i].answers;
    }
    timing_control_end();
    KIT_AWAIT(kit_stats(pool).conns_idle == SESSIONS);
    const dew_stats end = kit_stats(pool);
    print_message("%" PRIu64 " loans, %" PRIu64 " answers, %u stopped by their "
                  "deadline, %" PRIu64 " acquires out of time, %u refused\n",
                  sum.loans, sum.answers, order_load_seq_u32(&cut),
                  sum.timeouts, order_load_seq_u32(&refused));
    assert_string_equal(wrong, "");
    assert_int_equal(end.acquires, sum.loans);
    assert_int_equal(end.timeouts, sum.timeouts);
    assert_int_equal(sum.answers + order_load_seq_u32(&cut), sum.loans);
    assert_true(order_load_seq_u32(&cut) > 0 && sum.timeouts > 0);
    assert_int_equal(end.conns_leased + end.conns_opening + end.waiters, 0);
    kit_close(pool);
    assert_true(test_server_await_count(server, "app", 0, KIT_PATIENCE_MS));
}

static void
no_deadline_is_missed_and_no_answer_is_another_ones(void **state)
{
    const struct kit_traces before = kit_traces();

    (void)state;
    begin_service();
    freeze_it();
    await_service();
    end_service();
    kit_left_nothing(&before);
    const int64_t acquires_us = lateness_settle(&acquires, "acquires late by");
    const int64_t queries_us = lateness_settle(&queries, "queries late by");
    const int64_t returns_us = lateness_settle(&returns, "returns took");
    assert_in_range(acquires_us, 0, LATE_US);
    assert_in_range(queries_us, 0, LATE_US);
    assert_in_range(returns_us, 0, LATE_US);
}

static int
tidy_up(void **state)
{
    (void)state;
    test_server_thaw(server);
    return 0;
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(
            no_deadline_is_missed_and_no_answer_is_another_ones, tidy_up),
    };
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
