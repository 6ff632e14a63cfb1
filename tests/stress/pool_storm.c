/* SPDX-License-Identifier: MIT */
/* Goal: no session in two hands, no wrong answer, no lost wake, none too many,
 * whatever many borrowers do to a few sessions of a real server. */
/* Method: threads draw from a table of actions, most of them rude, while a
 * saboteur kills sessions and a checker counts them and audits the pool. */
/* ctest: timeout=120 */
/*
 * DEWPOND_STRESS_SEED     repeats a run (as far as threads repeat)
 * DEWPOND_STRESS_SECONDS  how long each storm lasts (6 by default)
 * DEWPOND_STRESS_TEST     only the tests of this name (with * and ?)
 */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/random.h"
#include "fixture/storm_kit.h"

#define SECONDS 6
#define SESSIONS 8
#define THREADS_MAX 256
#define YIELD_ONE_IN 64
/* Whoever waits longer was forgotten: turns of all others take far less. */
#define PATIENCE_MS 30000

static struct storm storm;
static struct storm_worker workers[THREADS_MAX];

/* --- borrowing ------------------------------------------------------------------- */

static void
judge_refusal(const struct storm_worker *worker, dew_code code,
              int64_t timeout_ms, const dew_error *error)
{
    const struct storm_plan *const plan = &storm.plan;

    if (code == DEW_ETIMEDOUT && timeout_ms != PATIENCE_MS) {
        storm_count(&storm, STORM_TIMEOUTS);
    } else if (code == DEW_EFULL && plan->waiters_max != 0 &&
               plan->threads > plan->waiters_max) {
        storm_count(&storm, STORM_FULL);
    } else if (code == DEW_ECONNECT && error->mysql_errno != 0) {
        storm_count(&storm, STORM_NO_CONNECT);
    } else {
        storm_fail(&storm, "acquire: %s: %s", dew_code_name(code),
                   error->message);
    }
    if (worker->conn.mysql != NULL || worker->conn.ticket != 0) {
        storm_fail(&storm, "a failed acquire left something behind");
    }
}

static bool
borrow(struct storm_worker *worker)
{
    static const int64_t timeouts[] = {
        DEW_NO_WAIT, 1,           1,           20,          20,
        PATIENCE_MS, PATIENCE_MS, PATIENCE_MS, PATIENCE_MS, PATIENCE_MS};
    const int64_t timeout_ms = timeouts[storm_below(
        &worker->random, sizeof(timeouts) / sizeof(timeouts[0]))];
    dew_error error = {.code = DEW_OK};
    const dew_code code =
        dew_acquire(storm.pool, timeout_ms, &worker->conn, &error);

    if (code != DEW_OK) {
        judge_refusal(worker, code, timeout_ms, &error);
        return false;
    }
    storm_count(&storm, STORM_LOANS);
    worker->id = mysql_thread_id(worker->conn.mysql);
    storm_enter(worker, worker->conn.mysql);
    return true;
}

static void
expect_stale(dew_conn *copy)
{
    const dew_code code = dew_release(copy);

    if (code != DEW_ESTALE) {
        storm_fail(&storm, "a copy's release gave %s", dew_code_name(code));
    }
    storm_count(&storm, STORM_STALE);
}

/* A copy of the loan is released too: at once, or when others have it. */
static void
release_twice(struct storm_worker *worker, dew_conn copy)
{
    if (storm_below(&worker->random, 2) == 0) {
        expect_stale(&copy);
        return;
    }
    if (worker->old.ticket != 0) {
        expect_stale(&worker->old);
    }
    worker->old = copy;
}

static void
keep(struct storm_worker *worker, bool is_usable)
{
    /* Before: from the detach on it counts beside the pool's. */
    (void)order_add_seq_u32(&storm.detached, 1);
    worker->kept = dew_detach(&worker->conn);
    worker->kept_is_usable = is_usable;
    worker->kept_for = storm_below(&worker->random, 8);
    storm_count(&storm, STORM_DETACHED);
    if (worker->kept == NULL) {
        storm_fail(&storm, "a loan could not be detached");
    }
}

static void
end_kept(struct storm_worker *worker)
{
    MYSQL *const mysql = worker->kept;

    worker->kept = NULL;
    if (worker->kept_is_usable) {
        (void)storm_ask(worker, mysql);
    }
    storm_leave(worker, mysql);
    mysql_close(mysql);
    (void)order_sub_seq_u32(&storm.detached, 1);
}

static void
give_back(struct storm_worker *worker, bool is_usable)
{
    const dew_conn copy = worker->conn;
    const uint32_t way = storm_below(&worker->random, 32);
    dew_code code = DEW_OK;

    if (way == 0 && worker->kept == NULL) {
        keep(worker, is_usable);
        return;
    }
    storm_leave(worker, worker->conn.mysql);
    if (way == 1) {
        storm_count(&storm, STORM_DISCARDS);
        code = dew_discard(&worker->conn);
    } else {
        code = dew_release(&worker->conn);
    }
    if (code != DEW_OK || worker->conn.mysql != NULL) {
        storm_fail(&storm, "release: %s", dew_code_name(code));
    }
    if (way < 6) {
        release_twice(worker, copy);
    }
}

static void
borrow_once(struct storm_worker *worker)
{
    const struct storm_action *const action = storm_draw_action(worker);
    bool lives = true;

    if (!borrow(worker)) {
        storm_think(worker);
        return;
    }
    MYSQL *const mysql = worker->conn.mysql;
    if (storm_below(&worker->random, 2) == 0) {
        lives = storm_look_clean(worker, mysql);
    }
    lives = lives && action->act(worker, mysql);
    if (!lives) {
        storm_count(&storm, STORM_LOST);
    }
    give_back(worker, lives && action->is_clean);
    if (worker->statement != NULL) {
        (void)mysql_stmt_close(worker->statement);
        worker->statement = NULL;
    }
}

static void *
work(void *arg)
{
    struct storm_worker *const worker = arg;

    race_thread(worker->number);
    while (!storm_is_over(&storm)) {
        borrow_once(worker);
        if (worker->kept != NULL && worker->kept_for-- == 0) {
            end_kept(worker);
        }
    }
    if (worker->kept != NULL) {
        end_kept(worker);
    }
    if (worker->old.ticket != 0) {
        expect_stale(&worker->old);
    }
    mysql_thread_end();
    return NULL;
}

/* --- the storms ------------------------------------------------------------------- */

static void
run(struct test_server *server, const struct storm_plan *plan)
{
    pthread_t threads[THREADS_MAX], saboteur, checker;

    storm_begin(&storm, server, plan);
    race_seed(plan->seed, YIELD_ONE_IN);
    assert_int_equal(pthread_create(&saboteur, NULL, storm_saboteur, &storm),
                     0);
    assert_int_equal(pthread_create(&checker, NULL, storm_checker, &storm), 0);
    for (uint32_t i = 0; i < plan->threads; i++) {
        workers[i] = (struct storm_worker){
            .storm = &storm, .number = i, .random = plan->seed + i};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]),
                         0);
    }
    storm_last(&storm);
    for (uint32_t i = 0; i < plan->threads; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(pthread_join(saboteur, NULL), 0);
    assert_int_equal(pthread_join(checker, NULL), 0);
    const char *const wrong = storm_end(&storm);
    race_seed(0, 0);
    storm_report(&storm);
    if (wrong != NULL) {
        fail_msg("DEWPOND_STRESS_SEED=%llu: %s", (unsigned long long)plan->seed,
                 wrong);
    }
}

static uint64_t
environment(const char *name, uint64_t otherwise)
{
    const char *const value = getenv(name);

    return value == NULL ? otherwise : strtoull(value, NULL, 0);
}

/* A short storm first: what the process keeps for good is there after it. */
static void
storm_of(struct test_server *server, uint32_t threads, dew_reset reset)
{
    struct storm_plan plan = {
        .seed = environment("DEWPOND_STRESS_SEED", random_u64()),
        .threads = 16,
        .maxsize = SESSIONS,
        .ms = 500,
        .reset = reset,
    };

    run(server, &plan);
    const int tasks = storm_entries("/proc/self/task");
    const int files = storm_entries("/proc/self/fd");
    plan.threads = threads;
    plan.waiters_max = threads > 100 ? threads - 2 * SESSIONS : 0;
    plan.ms = 1000 * (int64_t)environment("DEWPOND_STRESS_SECONDS", SECONDS);
    run(server, &plan);
    assert_true(storm_sum(&storm, STORM_KILLS) > 0);
    assert_true(storm_sum(&storm, STORM_STALE) > 0);
    assert_true(storm_await_entries("/proc/self/task", tasks));
    assert_true(storm_await_entries("/proc/self/fd", files));
}

static void
sixty_four_borrowers_of_eight_sessions_that_are_reset(void **state)
{
    storm_of(*state, 64, DEW_RESET_AUTO);
}

static void
sixty_four_borrowers_of_eight_sessions_that_are_rolled_back(void **state)
{
    storm_of(*state, 64, DEW_RESET_ROLLBACK);
}

static void
many_borrowers_of_eight_sessions_that_are_reset(void **state)
{
    storm_of(*state, 256, DEW_RESET_AUTO);
}

static void
many_borrowers_of_eight_sessions_that_are_rolled_back(void **state)
{
    storm_of(*state, 256, DEW_RESET_ROLLBACK);
}

static int
set_up(void **state)
{
    static const char *const room[] = {"--max-connections=600", NULL};

    *state = test_server_start(room);
    return 0;
}

static int
tear_down(void **state)
{
    test_server_stop(*state);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sixty_four_borrowers_of_eight_sessions_that_are_reset),
        cmocka_unit_test(
            sixty_four_borrowers_of_eight_sessions_that_are_rolled_back),
        cmocka_unit_test(many_borrowers_of_eight_sessions_that_are_reset),
        cmocka_unit_test(many_borrowers_of_eight_sessions_that_are_rolled_back),
    };
    const char *const only = getenv("DEWPOND_STRESS_TEST");

    if (only != NULL) {
        cmocka_set_test_filter(only);
    }
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
