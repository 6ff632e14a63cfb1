/* SPDX-License-Identifier: MIT */
/* Goal: borrowers of a pool without threads do not depend on somebody's
 * dew_pool_tend to get a session. Method: sessions die, connects fail and
 * places come free while nobody tends; then one must be lent all the same. */
/* ctest: timeout=90 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/fault.h"
#include "fixture/pool_kit.h"
#include "fixture/stall.h"
#include "keeper/pool.h"

static struct test_server *server;

static dew_pool *
open_pool(dew_config *config)
{
    config->flags = DEW_NO_THREADS;
    return kit_open(config);
}

static void
dead_session_gives_its_place_to_who_found_it(void **state)
{
    dew_config config;
    dew_conn conn;
    char sql[64];

    (void)state;
    kit_config(&config, server);
    config.bypass_ms = DEW_ZERO;
    dew_pool *const pool = open_pool(&config);
    const int64_t id = kit_server_id(kit_borrow(pool, &conn));
    kit_return(&conn);
    (void)snprintf(sql, sizeof sql, "KILL %lld", (long long)id);
    assert_int_equal(test_server_exec(server, sql), 0);
    assert_true(test_server_await_count(server, "app", 0, KIT_PATIENCE_MS));
    assert_int_not_equal(kit_server_id(kit_borrow(pool, &conn)), id);
    kit_return(&conn);
    kit_close(pool);
}

static void
discarded_session_gives_its_place_to_who_waits(void **state)
{
    struct kit_borrower waiter;
    dew_config config;
    dew_conn conn;

    (void)state;
    kit_config(&config, server);
    dew_pool *const pool = open_pool(&config);
    (void)kit_borrow(pool, &conn);
    kit_send_borrower(&waiter, pool, KIT_PATIENCE_MS);
    KIT_AWAIT(kit_stats(pool).waiters == 1);
    assert_int_equal(dew_discard(&conn), DEW_OK);
    assert_int_equal(kit_join(&waiter), DEW_OK);
    kit_return(&waiter.conn);
    kit_close(pool);
}

static void
borrower_tries_again_when_the_backoff_is_over(void **state)
{
    dew_config config;
    dew_conn conn;

    (void)state;
    kit_config(&config, server);
    dew_pool *const pool = open_pool(&config);
    fault_arm(FAULT_CONNECT, 1, false);
    assert_int_equal(dew_acquire(pool, KIT_PATIENCE_MS, &conn, NULL),
                     DEW_ECONNECT);
    (void)kit_borrow(pool, &conn);
    kit_return(&conn);
    kit_close(pool);
}

static bool
connects_fail(dew_pool *pool)
{
    dew_error error;
    int64_t age_ms;

    return breaker_error(&pool->breaker, 0, &error, &age_ms);
}

static void
who_does_not_wait_orders_nothing_that_no_opener_would_open(void **state)
{
    dew_config config;
    dew_conn conn;

    (void)state;
    kit_config(&config, server);
    dew_pool *const pool = open_pool(&config);
    assert_int_equal(dew_acquire(pool, DEW_NO_WAIT, &conn, NULL),
                     DEW_ETIMEDOUT);
    assert_false(connects_fail(pool));
    assert_int_equal(kit_stats(pool).connect_failures, 0);
    assert_int_equal(kit_stats(pool).conns_opening, 0);
    (void)kit_borrow(pool, &conn);
    kit_return(&conn);
    kit_close(pool);
}

static void
connect_of_a_tend_that_fails_gives_its_place_back(void **state)
{
    dew_config config;
    dew_conn conn;

    (void)state;
    kit_config(&config, server);
    config.pre_create = 1;
    dew_pool *const pool = open_pool(&config);
    (void)kit_borrow(pool, &conn);
    assert_int_equal(dew_discard(&conn), DEW_OK);
    fault_arm(FAULT_CONNECT, 1, false);
    (void)dew_pool_tend(pool);
    assert_true(connects_fail(pool));
    assert_int_equal(kit_stats(pool).conns_opening, 0);
    (void)kit_borrow(pool, &conn);
    kit_return(&conn);
    kit_close(pool);
}

static void
impatience_of_a_borrower_is_no_failure_of_the_server(void **state)
{
    struct stall *const stall = stall_start(STALL_SILENT, false, 0);
    dew_config config;
    dew_conn conn;

    (void)state;
    kit_config(&config, server);
    config.unix_socket = stall_socket(stall);
    dew_pool *const pool = open_pool(&config);
    /* Long enough to begin a connect, whatever keeps this thread off its CPU. */
    assert_int_equal(dew_acquire(pool, 500, &conn, NULL), DEW_ECONNECT);
    assert_int_equal(kit_stats(pool).connect_failures, 1);
    assert_false(connects_fail(pool));
    kit_close(pool);
    stall_stop(stall);
}

static void
close_ends_the_connect_of_a_borrower(void **state)
{
    struct stall *const stall = stall_start(STALL_SILENT, false, 0);
    struct kit_borrower borrower;
    dew_config config;

    (void)state;
    kit_config(&config, server);
    config.unix_socket = stall_socket(stall);
    dew_pool *const pool = open_pool(&config);
    kit_send_borrower(&borrower, pool, DEW_WAIT_FOREVER);
    KIT_AWAIT(kit_stats(pool).conns_opening == 1);
    assert_int_equal(dew_pool_close(pool, KIT_PATIENCE_MS, NULL), DEW_OK);
    assert_int_equal(kit_join(&borrower), DEW_ECLOSED);
    stall_stop(stall);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(dead_session_gives_its_place_to_who_found_it),
        cmocka_unit_test(discarded_session_gives_its_place_to_who_waits),
        cmocka_unit_test(borrower_tries_again_when_the_backoff_is_over),
        cmocka_unit_test(
            who_does_not_wait_orders_nothing_that_no_opener_would_open),
        cmocka_unit_test(connect_of_a_tend_that_fails_gives_its_place_back),
        cmocka_unit_test(close_ends_the_connect_of_a_borrower),
        cmocka_unit_test(impatience_of_a_borrower_is_no_failure_of_the_server),
    };
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
