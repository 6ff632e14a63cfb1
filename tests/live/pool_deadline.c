/* SPDX-License-Identifier: MIT */
/* A deadline stops the query that runs past it, and nothing else. */
/*
 * Goal: dew_deadline ends what runs on a loan in time, and no KILL reaches the
 * next borrower. Method: long queries on a real server, also a frozen one; the
 * session's id on the server tells whether it was kept.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>
#include <string.h>

#include "fixture/pool_kit.h"
#include "fixture/prompt.h"

/* The default of kill_timeout_ms and some; less than ping_timeout_ms, which the
 * KILL itself is given. */
#define CUT_LATE_MS 300

static struct test_server *server;

static int
set_up(void **state)
{
    (void)state;
    server = test_server_start(NULL);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    test_server_stop(server);
    return 0;
}

/* Where a KILL must be confirmed: also on a machine that is busy. */
static void
config_for(dew_config *config)
{
    kit_config(config, server);
    config->kill_timeout_ms = 5000;
}

/* Runs the long query under a deadline of 100 ms: the errno it ended with (0:
 * none), and how long after the moment before the deadline was set. */
static unsigned
run_long(dew_conn *conn, int64_t *took_ms)
{
    const int64_t begun = kit_now_ms();
    MYSQL *const mysql = conn->mysql;
    MYSQL_RES *result = NULL;

    assert_int_equal(dew_deadline(conn, 100, NULL), DEW_OK);
    if (mysql_query(mysql, KIT_LONG_QUERY) == 0) {
        result = mysql_store_result(mysql);
    }
    *took_ms = kit_now_ms() - begun;
    const unsigned number = mysql_errno(mysql);
    mysql_free_result(result);
    return number;
}

static void
a_query_past_its_deadline_is_killed_and_the_session_kept(void **state)
{
    dew_config config;
    dew_conn conn = DEW_CONN_INIT;
    int64_t took_ms;

    (void)state;
    config_for(&config);
    dew_pool *pool = kit_open(&config);
    MYSQL *mysql = kit_borrow(pool, &conn);
    const int64_t id = kit_server_id(mysql);

    assert_int_not_equal(run_long(&conn, &took_ms), 0);
    assert_in_range(took_ms, 99, 5000);
    kit_answers_are_its_own(mysql);
    mysql = kit_next(pool, &conn);
    assert_int_equal(kit_server_id(mysql), id);
    kit_answers_are_its_own(mysql);
    kit_return(&conn);
    kit_close(pool);
}

static void
a_deadline_that_was_disarmed_stops_nothing(void **state)
{
    dew_config config;
    dew_conn conn = DEW_CONN_INIT;

    (void)state;
    config_for(&config); /* it may have passed when it is disarmed */
    dew_pool *pool = kit_open(&config);
    MYSQL *mysql = kit_borrow(pool, &conn);

    assert_int_equal(dew_deadline(&conn, 100, NULL), DEW_OK);
    assert_int_equal(dew_deadline(&conn, -1, NULL), DEW_OK);
    assert_int_equal(mysql_query(mysql, "SELECT SLEEP(0.3)"), 0);
    MYSQL_RES *result = mysql_store_result(mysql);
    assert_non_null(result);
    assert_string_equal(mysql_fetch_row(result)[0], "0");
    mysql_free_result(result);
    kit_return(&conn);
    kit_close(pool);
}

static void
the_end_of_the_loan_disarms_so_the_next_borrower_is_not_hit(void **state)
{
    dew_config config;
    dew_conn conn = DEW_CONN_INIT;

    (void)state;
    kit_config(&config, server);
    dew_pool *pool = kit_open(&config);
    (void)kit_borrow(pool, &conn);
    assert_int_equal(dew_deadline(&conn, 100, NULL), DEW_OK);
    MYSQL *mysql = kit_next(pool, &conn);

    assert_int_equal(mysql_query(mysql, "SELECT SLEEP(0.3)"), 0);
    MYSQL_RES *result = mysql_store_result(mysql);
    assert_non_null(result);
    assert_string_equal(mysql_fetch_row(result)[0], "0");
    mysql_free_result(result);
    kit_return(&conn);
    kit_close(pool);
}

/* Releases at about the moment of the deadline, over and over: whatever the
 * KILL hits, it is never the next borrower's query. */
static void
a_late_kill_never_hits_the_next_borrower(void **state)
{
    dew_config config;

    (void)state;
    config_for(&config);
    config.maxsize = config.size = 2;
    dew_pool *pool = kit_open(&config);
    for (int i = 0; i < 40; i++) {
        dew_conn conn = DEW_CONN_INIT;
        MYSQL *mysql = kit_borrow(pool, &conn);

        assert_int_equal(dew_deadline(&conn, 1 + i % 3, NULL), DEW_OK);
        assert_int_equal(mysql_query(mysql, "DO SLEEP(0.002)") != 0 &&
                             mysql_errno(mysql) != 1317,
                         0);
        mysql = kit_next(pool, &conn);
        kit_answers_are_its_own(mysql);
        kit_return(&conn);
    }
    kit_close(pool);
}

static void
a_server_that_does_not_confirm_loses_the_socket(void **state)
{
    dew_config config;
    dew_conn conn = DEW_CONN_INIT;
    int64_t took_ms;

    (void)state;
    kit_config(&config, server);
    dew_pool *pool = kit_open(&config);
    MYSQL *mysql = kit_borrow(pool, &conn);
    char kill[64];

    (void)snprintf(kill, sizeof kill, "KILL %lld",
                   (long long)kit_server_id(mysql));
    test_server_freeze(server);
    const int64_t since_ms = kit_now_ms();
    const unsigned number = run_long(&conn, &took_ms);
    assert_true(number == 2013 || number == 2006);
    print_message("a deadline of 100 ms was %lld ms late\n",
                  (long long)took_ms - 100);
    assert_in_range(prompt_ms(since_ms, took_ms, 100 + CUT_LATE_MS), 99,
                    100 + CUT_LATE_MS);
    kit_return(&conn);
    test_server_thaw(server);
    /* It may come to the long query only now, and would run it to its end. (A
     * failure: it is gone.) */
    (void)test_server_exec(server, kill);
    mysql = kit_borrow(pool, &conn);
    kit_answers_are_its_own(mysql);
    kit_return(&conn);
    kit_close(pool);
}

static void
a_connection_without_a_pool_has_deadlines_too(void **state)
{
    const struct kit_traces before = kit_traces();
    dew_config config;
    dew_conn conn = DEW_CONN_INIT;
    int64_t took_ms;

    (void)state;
    config_for(&config);
    assert_int_equal(dew_connect(&config, &conn, NULL), DEW_OK);
    dew_conn copy = conn;
    assert_int_not_equal(run_long(&conn, &took_ms), 0);
    assert_in_range(took_ms, 99, 5000);
    assert_int_equal(dew_release(&conn), DEW_OK);
    assert_int_equal(dew_deadline(&copy, 100, NULL), DEW_ESTALE);
    kit_left_nothing(&before);
}

static void
a_pool_without_threads_refuses_a_deadline(void **state)
{
    dew_config config;
    dew_conn conn = DEW_CONN_INIT;
    dew_error error;

    (void)state;
    kit_config(&config, server);
    config.flags = DEW_NO_THREADS;
    dew_pool *pool = kit_open(&config);
    (void)kit_borrow(pool, &conn);
    assert_int_equal(dew_deadline(&conn, 100, &error), DEW_EINVAL);
    assert_non_null(strstr(error.message, "DEW_NO_THREADS"));
    kit_return(&conn);
    kit_close(pool);
}

static void
nothing_is_left_of_deadlines_after_the_close(void **state)
{
    const struct kit_traces before = kit_traces();
    dew_config config;
    dew_conn conn = DEW_CONN_INIT;

    (void)state;
    kit_config(&config, server);
    dew_pool *pool = kit_open(&config);
    (void)kit_borrow(pool, &conn);
    assert_int_equal(dew_deadline(&conn, 60000, NULL), DEW_OK);
    kit_return(&conn);
    kit_close(pool);
    kit_left_nothing(&before);
    assert_true(test_server_await_count(server, "app", 0, 5000));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_query_past_its_deadline_is_killed_and_the_session_kept),
        cmocka_unit_test(a_deadline_that_was_disarmed_stops_nothing),
        cmocka_unit_test(
            the_end_of_the_loan_disarms_so_the_next_borrower_is_not_hit),
        cmocka_unit_test(a_late_kill_never_hits_the_next_borrower),
        cmocka_unit_test(a_server_that_does_not_confirm_loses_the_socket),
        cmocka_unit_test(a_connection_without_a_pool_has_deadlines_too),
        cmocka_unit_test(a_pool_without_threads_refuses_a_deadline),
        cmocka_unit_test(nothing_is_left_of_deadlines_after_the_close),
    };

    prompt_watch();
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
