/* SPDX-License-Identifier: MIT */
/* Goal: a loan is given back once; whatever else is tried with its ticket is
 * refused, counted, and touches nothing. Method: try each way on a real pool,
 * and see that who holds the session then still holds it. */
/* ctest: timeout=60 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fixture/pool_kit.h"

static struct test_server *server;

static dew_pool *
open_pool(void)
{
    dew_config config;
    kit_config(&config, server);
    return kit_open(&config);
}

static void
second_release_is_refused(void **state)
{
    (void)state;
    dew_pool *const pool = open_pool();
    dew_conn conn;
    (void)kit_borrow(pool, &conn);
    dew_conn copy = conn;
    kit_return(&conn);
    assert_int_equal(dew_release(&conn), DEW_ESTALE);
    assert_int_equal(kit_stats(pool).stale_returns, 0);
    assert_int_equal(dew_release(&copy), DEW_ESTALE);
    assert_null(copy.mysql);
    assert_int_equal(copy.ticket, 0);
    const dew_stats stats = kit_stats(pool);
    assert_int_equal(stats.stale_returns, 1);
    assert_int_equal(stats.conns_idle, 1);
    kit_close(pool);
}

/* Each takes a stale copy; all of them must be refused. */
static void
try_all_with(dew_conn stale)
{
    dew_error error = {.code = DEW_OK};
    dew_conn copy = stale;
    assert_int_equal(dew_ping(&copy, &error), DEW_ESTALE);
    assert_int_equal(error.code, DEW_ESTALE);
    assert_int_equal(error.stage, DEW_STAGE_VALIDATE);
    copy = stale;
    assert_int_equal(dew_release(&copy), DEW_ESTALE);
    copy = stale;
    assert_int_equal(dew_discard(&copy), DEW_ESTALE);
    copy = stale;
    assert_null(dew_detach(&copy));
    assert_int_equal(copy.ticket, 0);
}

static void
stale_ticket_touches_nothing_of_who_has_the_session_now(void **state)
{
    (void)state;
    dew_pool *const pool = open_pool();
    dew_conn first, second;
    (void)kit_borrow(pool, &first);
    dew_conn stale = first;
    kit_return(&first);
    MYSQL *const mysql = kit_borrow(pool, &second);
    assert_ptr_equal(mysql, stale.mysql); /* the same slot and session */
    loan_do(mysql, "SET @mine = 7");
    try_all_with(stale);
    assert_int_equal(dew_deadline(&stale, 1000, NULL), DEW_ESTALE);
    char text[LOAN_TEXT];
    assert_string_equal(loan_ask(mysql, "SELECT @mine", text), "7");
    const dew_stats stats = kit_stats(pool);
    assert_int_equal(stats.stale_returns, 5);
    assert_int_equal(stats.conns_leased, 1);
    assert_int_equal(stats.discarded + stats.detached, 0);
    kit_return(&second);
    kit_close(pool);
}

static void
ticket_of_a_discarded_loan_is_stale(void **state)
{
    (void)state;
    dew_pool *const pool = open_pool();
    dew_conn conn;
    (void)kit_borrow(pool, &conn);
    const dew_conn stale = conn;
    assert_int_equal(dew_discard(&conn), DEW_OK);
    try_all_with(stale);
    kit_answers_are_its_own(kit_borrow(pool, &conn));
    try_all_with(stale);
    kit_answers_are_its_own(conn.mysql);
    kit_return(&conn);
    assert_int_equal(kit_stats(pool).discarded, 1);
    kit_close(pool);
}

/* The same memory often serves the next pool: its loans have other numbers. */
static void
ticket_of_a_closed_pool_is_stale_in_a_pool_at_its_address(void **state)
{
    (void)state;
    enum { POOLS = 8 };
    dew_pool *const old = open_pool();
    dew_pool *pools[POOLS];
    dew_conn conn, held[POOLS];
    (void)kit_borrow(old, &conn);
    dew_conn stale = conn;
    kit_return(&conn);
    kit_close(old);
    bool met = false;
    for (size_t i = 0; i < POOLS; i++) {
        pools[i] = open_pool();
        (void)kit_borrow(pools[i], &held[i]);
        met = met || pools[i] == old;
        stale.pool = pools[i];
        try_all_with(stale);
    }
    for (size_t i = 0; i < POOLS; i++) {
        kit_answers_are_its_own(held[i].mysql);
        kit_return(&held[i]);
        kit_close(pools[i]);
    }
    if (!met) {
        print_message("the allocator gave no pool the old address\n");
    }
}

static void
nothing_borrowed_is_refused_and_not_counted(void **state)
{
    (void)state;
    dew_pool *const pool = open_pool();
    dew_conn zero = DEW_CONN_INIT;
    assert_int_equal(dew_release(&zero), DEW_ESTALE);
    assert_int_equal(dew_discard(&zero), DEW_ESTALE);
    assert_null(dew_detach(&zero));
    assert_int_equal(dew_ping(&zero, NULL), DEW_ESTALE);
    zero.pool = pool;
    assert_int_equal(dew_release(&zero), DEW_ESTALE);
    assert_int_equal(kit_stats(pool).stale_returns, 0);
    kit_close(pool);
}

/* The sentence and the stage are the same, whoever is called. */
static void
is_missing(dew_code code, const dew_error *error, const char *what)
{
    assert_int_equal(code, DEW_EINVAL);
    assert_int_equal(error->code, DEW_EINVAL);
    assert_int_equal(error->stage, DEW_STAGE_NONE);
    assert_string_equal(error->message, what);
}

static void
missing_arguments_are_refused(void **state)
{
    (void)state;
    dew_pool *const pool = open_pool();
    dew_pool *none = pool;
    dew_config config;
    dew_error error;
    dew_conn conn = {.ticket = 99};
    kit_config(&config, server);
    is_missing(dew_pool_open(NULL, &config, &error), &error, "pool is NULL");
    assert_int_equal(dew_pool_open(&none, NULL, &error), DEW_EINVAL);
    assert_null(none);
    assert_int_equal(dew_pool_open_uri(&none, NULL, &error), DEW_EINVAL);
    is_missing(dew_pool_open_uri(NULL, "mysql://a@b/c", &error), &error,
               "pool is NULL");
    is_missing(dew_pool_close(NULL, 0, &error), &error, "pool is NULL");
    is_missing(dew_acquire(NULL, 0, &conn, &error), &error, "pool is NULL");
    assert_int_equal(conn.ticket, 0);
    is_missing(dew_acquire(pool, 0, NULL, &error), &error, "conn is NULL");
    is_missing(dew_acquire_named(NULL, 0, &conn, &error), &error,
               "name is NULL");
    /* The function itself, without the call site. */
    assert_int_equal((dew_acquire_named)("nobody", 0, &conn, &error),
                     DEW_ENOTFOUND);
    assert_int_equal(dew_release(NULL), DEW_EINVAL);
    assert_int_equal(dew_discard(NULL), DEW_EINVAL);
    assert_null(dew_detach(NULL));
    is_missing(dew_ping(NULL, &error), &error, "conn is NULL");
    assert_int_equal(dew_connect(NULL, &conn, &error), DEW_EINVAL);
    is_missing(dew_connect(&config, NULL, &error), &error, "conn is NULL");
    is_missing(dew_pool_set_credentials(NULL, "a", "b", &error), &error,
               "pool is NULL");
    is_missing(dew_pool_resize(NULL, 1, 1, &error), &error, "pool is NULL");
    is_missing(dew_deadline(NULL, 1, &error), &error, "conn is NULL");
    is_missing(dew_pool_check(NULL, &error), &error, "pool is NULL");
    assert_int_equal(dew_pool_tend(NULL), -1);
    assert_int_equal(dew_pool_tend(pool), -1); /* it has threads */
    dew_pool_abort(NULL);
    dew_pool_refresh(NULL);
    dew_pool_suspend(NULL);
    dew_pool_resume(NULL);
    dew_stats_read(NULL, NULL);
    dew_stats_read(pool, NULL);
    (dew_config_init)(NULL, (uint32_t)sizeof config);
    (dew_config_init)(&config, UINT32_MAX);
    assert_int_equal(config.struct_size, sizeof config);
    dew_stats small = {.struct_size = 3, .waits = 7};
    dew_stats_read(pool, &small);
    assert_int_equal(small.waits, 7);
    dew_foreach_loan(NULL, NULL, NULL);
    dew_foreach_loan(pool, NULL, NULL);
    kit_close(pool);
}

static void
error_is_left_alone_by_what_succeeds(void **state)
{
    (void)state;
    dew_pool *const pool = open_pool();
    dew_conn conn;
    dew_error error = {.code = DEW_EUNKNOWN, .message = "mine"};
    assert_int_equal(dew_acquire(pool, 5000, &conn, &error), DEW_OK);
    assert_int_equal(dew_ping(&conn, &error), DEW_OK);
    kit_return(&conn);
    assert_int_equal(dew_pool_check(pool, &error), DEW_OK);
    assert_int_equal(dew_pool_close(pool, 0, &error), DEW_OK);
    assert_int_equal(error.code, DEW_EUNKNOWN);
    assert_string_equal(error.message, "mine");
}

static void
ping_of_a_loan_that_is_not_at_rest_sends_nothing(void **state)
{
    (void)state;
    dew_pool *const pool = open_pool();
    dew_conn conn;
    dew_error error;
    MYSQL *const mysql = kit_borrow(pool, &conn);
    assert_int_equal(mysql_query(mysql, "SELECT 77"), 0);
    assert_int_equal(dew_ping(&conn, &error), DEW_EQUERY);
    MYSQL_RES *const result = mysql_store_result(mysql);
    assert_string_equal(mysql_fetch_row(result)[0], "77");
    mysql_free_result(result);
    assert_int_equal(mysql_send_query(mysql, "DO 1", 4), 0);
    assert_int_equal(dew_ping(&conn, &error), DEW_EQUERY);
    assert_int_equal(mysql_read_query_result(mysql), 0);
    assert_int_equal(dew_ping(&conn, &error), DEW_OK);
    kit_answers_are_its_own(mysql);
    kit_return(&conn);
    kit_close(pool);
}

static void
connection_without_a_pool_is_closed_once(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn, other;
    kit_config(&config, server);
    assert_int_equal(dew_connect(&config, &conn, NULL), DEW_OK);
    assert_null(conn.pool);
    kit_answers_are_its_own(conn.mysql);
    assert_int_equal(dew_ping(&conn, NULL), DEW_OK);
    const dew_conn copy = conn;
    assert_int_equal(dew_release(&conn), DEW_OK);
    assert_null(conn.mysql);
    /* Whoever gets its place is none of the copy's business. */
    assert_int_equal(dew_connect(&config, &other, NULL), DEW_OK);
    try_all_with(copy);
    kit_answers_are_its_own(other.mysql);
    MYSQL *const mine = dew_detach(&other);
    assert_non_null(mine);
    kit_answers_are_its_own(mine);
    mysql_close(mine);
    assert_true(test_server_await_count(server, "app", 0, KIT_PATIENCE_MS));
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(second_release_is_refused),
        cmocka_unit_test(
            stale_ticket_touches_nothing_of_who_has_the_session_now),
        cmocka_unit_test(ticket_of_a_discarded_loan_is_stale),
        cmocka_unit_test(
            ticket_of_a_closed_pool_is_stale_in_a_pool_at_its_address),
        cmocka_unit_test(nothing_borrowed_is_refused_and_not_counted),
        cmocka_unit_test(missing_arguments_are_refused),
        cmocka_unit_test(error_is_left_alone_by_what_succeeds),
        cmocka_unit_test(ping_of_a_loan_that_is_not_at_rest_sends_nothing),
        cmocka_unit_test(connection_without_a_pool_is_closed_once),
    };
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
