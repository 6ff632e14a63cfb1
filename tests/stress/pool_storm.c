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
#include <time.h>

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

/* --- the actions: false means the session was killed under the loan ----------- */

static uint64_t
next_nonce(struct storm_worker *worker)
{
    return (uint64_t)(worker->number + 1) << 40 | ++worker->asked;
}

static bool
insert(struct storm_worker *worker, MYSQL *mysql, bool kept)
{
    char sql[128];

    (void)snprintf(sql, sizeof(sql), "INSERT INTO t.storm VALUES (%llu, %d)",
                   (unsigned long long)next_nonce(worker), kept);
    return storm_do(worker, mysql, sql);
}

static bool
asks(struct storm_worker *worker, MYSQL *mysql)
{
    for (uint32_t i = storm_below(&worker->random, 3) + 1; i > 0; i--) {
        if (!storm_ask(worker, mysql)) {
            return false;
        }
    }
    return true;
}

static bool
does_nothing(struct storm_worker *worker, MYSQL *mysql)
{
    (void)worker;
    (void)mysql;
    return true;
}

/* Up to a millisecond: what a borrower does besides. */
static void
think(struct storm_worker *worker)
{
    const struct timespec moment = {
        .tv_nsec = 1000 * (long)storm_below(&worker->random, 1000)};

    (void)nanosleep(&moment, NULL);
}

static bool
holds_it_a_while(struct storm_worker *worker, MYSQL *mysql)
{
    think(worker);
    return storm_ask(worker, mysql);
}

static bool
commits_a_row(struct storm_worker *worker, MYSQL *mysql)
{
    if (!insert(worker, mysql, true)) {
        storm_count(&storm, STORM_UNKNOWN);
        return false;
    }
    storm_count(&storm, STORM_KEPT);
    return true;
}

static bool
leaves_a_transaction(struct storm_worker *worker, MYSQL *mysql)
{
    return storm_do(worker, mysql, "START TRANSACTION") &&
           insert(worker, mysql, false);
}

static bool
leaves_autocommit_off(struct storm_worker *worker, MYSQL *mysql)
{
    return storm_do(worker, mysql, "SET autocommit = 0") &&
           insert(worker, mysql, false);
}

static bool
leaves_variables(struct storm_worker *worker, MYSQL *mysql)
{
    return storm_do(worker, mysql, "SET @dirt = 1, sql_mode = ''") &&
           storm_do(worker, mysql,
                    "DO GET_LOCK(CONCAT('s', CONNECTION_ID()), 0)");
}

/* After a reset there is none; the statement itself is the witness. */
static bool
leaves_a_temporary_table(struct storm_worker *worker, MYSQL *mysql)
{
    return storm_do(worker, mysql,
                    storm.plan.reset == DEW_RESET_AUTO
                        ? "CREATE TEMPORARY TABLE t.dirt (a INT)"
                        : "CREATE TEMPORARY TABLE IF NOT EXISTS t.dirt"
                          " (a INT)");
}

static bool
leaves_another_database(struct storm_worker *worker, MYSQL *mysql)
{
    if (storm_below(&worker->random, 2) == 0) {
        return storm_do(worker, mysql, "USE information_schema");
    }
    return mysql_select_db(mysql, "information_schema") == 0 ||
           storm_lost(worker, mysql, "mysql_select_db");
}

static bool
leaves_another_charset(struct storm_worker *worker, MYSQL *mysql)
{
    if (storm_below(&worker->random, 2) == 0) {
        return storm_do(worker, mysql, "SET NAMES latin1");
    }
    return mysql_set_character_set(mysql, "latin1") == 0 ||
           storm_lost(worker, mysql, "mysql_set_character_set");
}

static bool
send(struct storm_worker *worker, MYSQL *mysql, const char *sql)
{
    return mysql_send_query(mysql, sql, (unsigned long)strlen(sql)) == 0 ||
           storm_lost(worker, mysql, "mysql_send_query");
}

static bool
leaves_a_reply_unread(struct storm_worker *worker, MYSQL *mysql)
{
    return send(worker, mysql, "SELECT 'nobody reads this'");
}

static bool
sends_two_and_reads_one(struct storm_worker *worker, MYSQL *mysql)
{
    if (!send(worker, mysql, "SELECT 'read'") ||
        !send(worker, mysql, "SELECT 'unread'")) {
        return false;
    }
    if (mysql_read_query_result(mysql) != 0) {
        return storm_lost(worker, mysql, "mysql_read_query_result");
    }
    mysql_free_result(mysql_store_result(mysql));
    return true;
}

static bool
leaves_a_result_half_read(struct storm_worker *worker, MYSQL *mysql)
{
    const bool is_long = storm_below(&worker->random, 16) == 0;

    if (!storm_do(worker, mysql,
                  is_long ? "SELECT REPEAT('x', 100000) FROM t.a"
                          : "SELECT v FROM t.a")) {
        return false;
    }
    MYSQL_RES *const result = mysql_use_result(mysql);
    if (result == NULL) {
        return storm_lost(worker, mysql, "mysql_use_result");
    }
    for (uint32_t i = storm_below(&worker->random, 20); i > 0; i--) {
        (void)mysql_fetch_row(result);
    }
    if (storm_below(&worker->random, 2) == 0) {
        /* A result that its owner forgot; freed here all the same. */
        result->handle = NULL;
    }
    mysql_free_result(result);
    return true;
}

static bool
leaves_results(struct storm_worker *worker, MYSQL *mysql)
{
    if (mysql_set_server_option(mysql, MYSQL_OPTION_MULTI_STATEMENTS_ON) !=
        0) {
        return storm_lost(worker, mysql, "mysql_set_server_option");
    }
    if (!storm_do(worker, mysql, "SELECT 1; SELECT v FROM t.a; DO 3")) {
        return false;
    }
    mysql_free_result(mysql_store_result(mysql));
    return true;
}

static bool
leaves_a_statement(struct storm_worker *worker, MYSQL *mysql)
{
    MYSQL_STMT *const statement = mysql_stmt_init(mysql);

    if (statement == NULL) {
        storm_fail(&storm, "no memory for a statement");
        return true;
    }
    worker->statement = statement;
    if (mysql_stmt_prepare(statement, "SELECT v FROM t.a", 17) != 0 ||
        mysql_stmt_execute(statement) != 0) {
        return storm_was_killed(&storm, worker->id)
                   ? false
                   : (storm_fail(&storm, "statement: %s",
                                 mysql_stmt_error(statement)),
                      false);
    }
    if (storm_below(&worker->random, 2) == 0) {
        (void)mysql_stmt_store_result(statement);
    }
    return true;
}

static bool
pings(struct storm_worker *worker, MYSQL *mysql)
{
    dew_error error;
    const dew_code code = dew_ping(&worker->conn, &error);

    if (code == DEW_OK) {
        return storm_ask(worker, mysql);
    }
    if (!storm_was_killed(&storm, worker->id)) {
        storm_fail(&storm, "ping: %s: %s", dew_code_name(code),
                   error.message);
    }
    return false;
}

static bool
audits(struct storm_worker *worker, MYSQL *mysql)
{
    dew_error error;
    const dew_code code = dew_pool_check(storm.pool, &error);

    (void)worker;
    (void)mysql;
    if (code != DEW_OK && code != DEW_EBUSY) {
        storm_fail(&storm, "%s", error.message);
    }
    return true;
}

struct action {
    uint32_t weight;
    bool (*act)(struct storm_worker *worker, MYSQL *mysql);
    bool is_clean; /* the handle can be used on when it was detached */
};

static const struct action table[] = {
    {24, asks, true},
    {8, does_nothing, true},
    {4, holds_it_a_while, true},
    {6, commits_a_row, true},
    {6, leaves_a_transaction, false},
    {4, leaves_autocommit_off, false},
    {5, leaves_variables, true},
    {4, leaves_a_temporary_table, true},
    {4, leaves_another_database, true},
    {4, leaves_another_charset, true},
    {3, leaves_a_reply_unread, false},
    {3, sends_two_and_reads_one, false},
    {5, leaves_a_result_half_read, false},
    {4, leaves_results, false},
    {5, leaves_a_statement, false},
    {4, pings, true},
    {1, audits, true},
};

static const struct action *
draw_action(struct storm_worker *worker)
{
    const struct action *action = table;
    uint32_t sum = 0;

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        sum += table[i].weight;
    }
    for (uint32_t left = storm_below(&worker->random, sum);
         left >= action->weight; action++) {
        left -= action->weight;
    }
    return action;
}

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
        DEW_NO_WAIT, 1, 1,           20,          20,
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
    const struct action *const action = draw_action(worker);
    bool lives = true;

    if (!borrow(worker)) {
        think(worker);
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
        fail_msg("DEWPOND_STRESS_SEED=%llu: %s",
                 (unsigned long long)plan->seed, wrong);
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
    plan.ms =
        1000 * (int64_t)environment("DEWPOND_STRESS_SECONDS", SECONDS);
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
