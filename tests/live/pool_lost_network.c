/* SPDX-License-Identifier: MIT */
/* Goal: a network that loses every packet without a word costs a borrower no
 * more than the bounds that were set, a return and a close almost nothing, and
 * the pool serves again when it is mended. */
/* Method: the server in a network namespace of its own, the pool in another;
 * the wire between them is cut in a probe, a query, a clean-up, a connect and a
 * close; lateness is told apart from the machine's by control threads. */
/* ctest: timeout=120 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "fixture/network.h"
#include "fixture/pool_kit.h"
#include "fixture/prompt.h"

#define SKIPPED 77
#define LATE_MS 50
#define CLOSE_MS 2000
#define PING_MS 300
#define DEADLINE_MS 900

static struct test_server *server;

static void
config_for(dew_config *config)
{
    kit_config(config, server);
    config->unix_socket = NULL;
    config->host = NETWORK_SERVER;
    config->port = test_server_port(server);
    config->ping_timeout_ms = PING_MS;
    config->idle_timeout_ms = DEW_OFF; /* no sweep that is early */
    config->fail_fast_after_ms = DEW_OFF;
}

static void
cut(void)
{
    test_network_cut();
    /* The premise: not refused, not unreachable, nothing. */
    assert_true(test_network_is_silent(test_server_port(server)));
}

/* What was to end at due_ns ends now. */
static void
ends_now(int64_t due_ns)
{
    const int64_t late_ms = (clock_now_ns() - due_ns) / CLOCK_NS_PER_MS;
    const int64_t due_ms = due_ns / CLOCK_NS_PER_MS;

    print_message("late by %lld ms\n", (long long)late_ms);
    assert_true(prompt_ms(due_ms, late_ms, LATE_MS) <= LATE_MS);
}

static void
serves_again(dew_pool *pool)
{
    dew_conn conn;

    test_network_mend();
    for (int i = 0; i < 3; i++) {
        kit_answers_are_its_own(kit_borrow(pool, &conn));
        kit_return(&conn);
    }
    kit_close(pool);
}

/* Rests for longer than keepalive_ms when it is next borrowed. */
static dew_pool *
pool_with_a_long_rested_session(dew_config *config)
{
    dew_conn conn;

    config->bypass_ms = DEW_ZERO;
    config->keepalive_ms = 1;
    dew_pool *const pool = kit_open(config);
    (void)kit_borrow(pool, &conn);
    kit_return(&conn);
    const int64_t since_ms = kit_now_ms();
    KIT_AWAIT(kit_now_ms() - since_ms > 20); /* ticks of the coarse clock */
    return pool;
}

/* --- borrowing ------------------------------------------------------------- */

static void
borrow_of_a_long_rested_session_notices_by_the_ping_bound(void **state)
{
    dew_config config;
    struct kit_borrower borrower;

    (void)state;
    config_for(&config);
    dew_pool *const pool = pool_with_a_long_rested_session(&config);
    cut();
    const int64_t since_ns = clock_now_ns();
    kit_send_borrower(&borrower, pool, DEADLINE_MS);
    KIT_AWAIT(kit_stats(pool).retired_broken == 1);
    ends_now(clock_deadline_from(since_ns, PING_MS));
    /* It asked for a new one, which cannot come either. */
    assert_int_equal(kit_join(&borrower), DEW_ETIMEDOUT);
    ends_now(clock_deadline_from(since_ns, DEADLINE_MS));
    assert_true(borrower.took_ms >= DEADLINE_MS);
    assert_int_equal(borrower.error.stage, DEW_STAGE_WAIT);
    serves_again(pool);
}

static void
borrow_that_finds_it_dead_is_told_of_the_connect_that_failed(void **state)
{
    /* A ping, a connect, and as much again for the machine, thrice. */
    enum { CONNECT_MS = 200, WAIT_MS = 4 * (PING_MS + CONNECT_MS) };
    dew_config config;
    dew_conn conn;
    dew_error error;

    (void)state;
    config_for(&config);
    config.connect_timeout_ms = CONNECT_MS;
    dew_pool *const pool = pool_with_a_long_rested_session(&config);
    cut();
    const int64_t due_ns = clock_deadline_after_ms(WAIT_MS);
    assert_int_equal(dew_acquire(pool, WAIT_MS, &conn, &error), DEW_ECONNECT);
    ends_now(due_ns);
    assert_int_equal(error.stage, DEW_STAGE_CONNECT);
    print_message("errno %u: %s\n", error.mysql_errno, error.message);
    assert_true(error.mysql_errno == 2002 || error.mysql_errno == 2003 ||
                error.mysql_errno == 2013);
    serves_again(pool);
}

static void
borrow_of_a_session_whose_reset_was_lost_keeps_its_deadline(void **state)
{
    dew_config config;
    dew_conn conn;

    (void)state;
    config_for(&config);
    dew_pool *const pool = kit_open(&config);
    loan_do(kit_borrow(pool, &conn), "SET @left = 1");
    cut();
    int64_t due_ns = clock_now_ns();
    kit_return(&conn);
    ends_now(due_ns);
    due_ns = clock_deadline_after_ms(DEADLINE_MS);
    assert_int_equal(dew_acquire(pool, DEADLINE_MS, &conn, NULL),
                     DEW_ETIMEDOUT);
    ends_now(due_ns);
    serves_again(pool);
}

/* --- a query, and an end ------------------------------------------------------ */

static void
query_in_flight_ends_by_its_deadline(void **state)
{
    dew_config config;
    dew_conn conn;
    char text[LOAN_TEXT];

    (void)state;
    config_for(&config);
    dew_pool *const pool = kit_open(&config);
    MYSQL *const mysql = kit_borrow(pool, &conn);
    /* The first answer is here: the query is at work when the wire is cut. */
    loan_do(mysql, "SET @before = 1");
    const int64_t due_ns = clock_deadline_after_ms(DEADLINE_MS);
    assert_int_equal(dew_deadline(&conn, DEADLINE_MS, NULL), DEW_OK);
    loan_send(mysql, "SELECT SLEEP(10)");
    cut();
    assert_int_not_equal(mysql_read_query_result(mysql), 0);
    ends_now(due_ns);
    assert_true(clock_now_ns() >= due_ns);
    (void)snprintf(text, sizeof text, "%u", mysql_errno(mysql));
    assert_string_equal(text, "2013");
    const int64_t returned_ns = clock_now_ns();
    kit_return(&conn);
    ends_now(returned_ns);
    serves_again(pool);
}

static void
close_ends_although_nobody_answers(void **state)
{
    const struct kit_traces before = kit_traces();
    dew_config config;
    dew_conn conn[3];

    (void)state;
    config_for(&config);
    config.size = config.maxsize = 4;
    dew_pool *const pool = kit_open(&config);
    for (size_t i = 0; i < 3; i++) {
        (void)kit_borrow(pool, &conn[i]);
    }
    loan_do(conn[0].mysql, "SET @left = 1");
    loan_do(conn[1].mysql, "BEGIN");
    cut();
    for (size_t i = 0; i < 3; i++) {
        kit_return(&conn[i]);
    }
    for (size_t i = 0; i < 3; i++) {
        /* Orders a connect that hangs. */
        (void)dew_acquire(pool, DEW_NO_WAIT, &conn[i], NULL);
        (void)dew_discard(&conn[i]);
    }
    const int64_t since_ms = kit_now_ms();
    kit_close(pool);
    const int64_t took_ms = kit_now_ms() - since_ms;
    print_message("closed in %lld ms\n", (long long)took_ms);
    assert_in_range(prompt_ms(since_ms, took_ms, CLOSE_MS), 0, CLOSE_MS);
    kit_left_nothing(&before);
    test_network_mend();
}

static void
open_ends_by_its_connect_timeout(void **state)
{
    dew_config config;
    dew_error error;
    dew_pool *pool = NULL;

    (void)state;
    config_for(&config);
    config.pre_create = 1;
    config.connect_timeout_ms = PING_MS;
    cut();
    const int64_t due_ns = clock_deadline_after_ms(PING_MS);
    assert_int_equal(dew_pool_open(&pool, &config, &error), DEW_ECONNECT);
    ends_now(due_ns);
    assert_null(pool);
    test_network_mend();
}

/* --- the wire -------------------------------------------------------------------- */

static int
mend(void **state)
{
    (void)state;
    test_network_mend();
    return 0;
}

#define CUT(test) cmocka_unit_test_teardown(test, mend)

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        CUT(borrow_of_a_long_rested_session_notices_by_the_ping_bound),
        CUT(borrow_that_finds_it_dead_is_told_of_the_connect_that_failed),
        CUT(borrow_of_a_session_whose_reset_was_lost_keeps_its_deadline),
        CUT(query_in_flight_ends_by_its_deadline),
        CUT(close_ends_although_nobody_answers),
        CUT(open_ends_by_its_connect_timeout),
    };
    static const char *const everywhere[] = {"--bind-address=0.0.0.0", NULL};
    const char *why;

    if (!test_network_begin(&why)) {
        (void)fprintf(stderr, "SKIPPED: %s\n", why);
        return SKIPPED;
    }
    server = test_server_start(everywhere);
    test_network_to_client();
    prompt_watch();
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
