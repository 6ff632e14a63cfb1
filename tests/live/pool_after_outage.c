/* SPDX-License-Identifier: MIT */
/* Goal: what a pool knows of an outage or of a wrong password ends with its
 * cause, whoever asks or does not ask meanwhile. Method: connects fail at a
 * fault point, at a dead server or with a wrong password; then the cause goes
 * away, and borrowers and the keeper show what they still believe. */
/* ctest: timeout=120 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/fault.h"
#include "fixture/pool_kit.h"
#include "fixture/prompt.h"
#include "keeper/pool.h"

static struct test_server *server;

static void
first_borrower_after_a_long_quiet_is_not_told_an_old_failure(void **state)
{
    dew_config config;
    dew_conn conn;
    dew_error error;

    (void)state;
    kit_config(&config, server);
    config.fail_fast_after_ms = DEW_ZERO;
    dew_pool *const pool = kit_open(&config);
    fault_arm(FAULT_CONNECT, 1, true);
    assert_int_equal(dew_acquire(pool, KIT_PATIENCE_MS, &conn, &error),
                     DEW_ECONNECT);
    fault_arm(FAULT_CONNECT, 0, false);
    KIT_AWAIT(!pond_has(&pool->pond, POND_BROKEN));
    const uint64_t failures = kit_stats(pool).connect_failures;
    (void)kit_borrow(pool, &conn);
    kit_return(&conn);
    assert_int_equal(kit_stats(pool).connect_failures, failures);
    assert_int_equal(kit_stats(pool).connects, 1);
    kit_close(pool);
}

static void
wrong_password_is_told_at_once_and_tried_seldom(void **state)
{
    dew_config config;
    dew_conn conn;
    dew_error error;

    (void)state;
    kit_config(&config, server);
    config.password = "no";
    config.fail_fast_after_ms = 60000;
    dew_pool *const pool = kit_open(&config);
    const int64_t since_ms = kit_now_ms();
    do {
        assert_int_equal(dew_acquire(pool, DEW_WAIT_FOREVER, &conn, &error),
                         DEW_ECONNECT);
        assert_int_equal(error.mysql_errno, 1045);
        assert_int_equal(error.stage, DEW_STAGE_CONNECT);
    } while (kit_now_ms() - since_ms < 2000);
    assert_int_equal(kit_stats(pool).connect_failures, 1);
    kit_close(pool);
}

static void
right_password_after_a_wrong_one_is_tried_at_once(void **state)
{
    dew_config config;
    dew_conn conn;
    dew_error error;

    (void)state;
    kit_config(&config, server);
    config.password = "no";
    dew_pool *const pool = kit_open(&config);
    assert_int_equal(dew_acquire(pool, KIT_PATIENCE_MS, &conn, &error),
                     DEW_ECONNECT);
    assert_true(pond_has(&pool->pond, POND_BROKEN));
    assert_int_equal(dew_pool_set_credentials(pool, "app", "app", &error),
                     DEW_OK);
    assert_false(pond_has(&pool->pond, POND_BROKEN));
    const int64_t since_ms = kit_now_ms();
    (void)kit_borrow(pool, &conn);
    ASSERT_PROMPT(since_ms, 0, 3000); /* the pause was 4 s */
    kit_return(&conn);
    assert_int_equal(kit_stats(pool).connect_failures, 1);
    kit_close(pool);
}

/* The connect with the old password is held up in on_options until the pool
 * has the new one. */
static order_u32 is_held, may_go_on;

static int
hold_up_the_first(MYSQL *mysql, void *arg)
{
    (void)mysql;
    (void)arg;
    if (order_swap_seq_u32(&is_held, 1) == 0) {
        KIT_AWAIT(order_load_seq_u32(&may_go_on) == 1);
    }
    return 0;
}

static void
failure_of_the_old_password_does_not_count_against_the_new_one(void **state)
{
    struct kit_borrower borrower;
    dew_config config;
    dew_error error;

    (void)state;
    kit_config(&config, server);
    config.password = "no";
    config.on_options = hold_up_the_first;
    order_store_seq_u32(&is_held, 0);
    order_store_seq_u32(&may_go_on, 0);
    dew_pool *const pool = kit_open(&config);
    kit_send_borrower(&borrower, pool, 3000); /* the pause would be 4 s */
    KIT_AWAIT(order_load_seq_u32(&is_held) == 1);
    assert_int_equal(dew_pool_set_credentials(pool, "app", "app", &error),
                     DEW_OK);
    order_store_seq_u32(&may_go_on, 1);
    assert_int_equal(kit_join(&borrower), DEW_OK);
    assert_int_equal(kit_stats(pool).connect_failures, 1);
    kit_return(&borrower.conn);
    kit_close(pool);
}

/* The same, and the old password was right. */
static void
session_of_the_old_credentials_is_closed_on_arrival(void **state)
{
    char text[LOAN_TEXT];
    struct kit_borrower borrower;
    dew_config config;
    dew_error error;

    (void)state;
    kit_config(&config, server);
    config.on_options = hold_up_the_first;
    order_store_seq_u32(&is_held, 0);
    order_store_seq_u32(&may_go_on, 0);
    dew_pool *const pool = kit_open(&config);
    kit_send_borrower(&borrower, pool, KIT_PATIENCE_MS);
    KIT_AWAIT(order_load_seq_u32(&is_held) == 1);
    assert_int_equal(dew_pool_set_credentials(pool, "root", "", &error),
                     DEW_OK);
    order_store_seq_u32(&may_go_on, 1);
    assert_int_equal(kit_join(&borrower), DEW_OK);
    assert_string_equal(loan_ask(borrower.conn.mysql,
                                 "SELECT SUBSTRING_INDEX(USER(), '@', 1)",
                                 text),
                        "root");
    const dew_stats stats = kit_stats(pool);
    assert_int_equal(stats.retired_refresh, 1);
    assert_int_equal(stats.acquires, 1);
    assert_int_equal(stats.connects, 2);
    kit_return(&borrower.conn);
    kit_close(pool);
}

static void
count_rests(const char *name, void *arg)
{
    if (strcmp(name, "idle.put") == 0) {
        (void)order_add_seq_u32(arg, 1);
    }
}

/* Nobody borrows, so nobody else would find out. */
static void
session_that_arrives_too_late_for_its_epoch_never_rests(void **state)
{
    dew_config config;
    dew_conn conn;
    dew_error error;
    order_u32 rests;

    (void)state;
    kit_config(&config, server);
    config.on_options = hold_up_the_first;
    order_store_seq_u32(&is_held, 0);
    order_store_seq_u32(&may_go_on, 0);
    order_init_u32(&rests, 0);
    dew_pool *const pool = kit_open(&config);
    race_hook(count_rests, &rests);
    assert_int_equal(dew_acquire(pool, DEW_NO_WAIT, &conn, NULL),
                     DEW_ETIMEDOUT);
    KIT_AWAIT(order_load_seq_u32(&is_held) == 1);
    assert_int_equal(dew_pool_set_credentials(pool, "root", "", &error),
                     DEW_OK);
    order_store_seq_u32(&may_go_on, 1);
    KIT_AWAIT(kit_stats(pool).connects == 1);
    KIT_AWAIT(kit_stats(pool).conns_open == 0 &&
              kit_stats(pool).conns_opening == 0);
    race_hook(NULL, NULL);
    assert_int_equal(order_load_seq_u32(&rests), 0);
    assert_int_equal(kit_stats(pool).retired_refresh, 1);
    kit_close(pool);
}

static order_ptr changing; /* the pool; NULL: done */

/* Between the stamp of a connect and its choice of credentials. */
static void
change_credentials(const char *name, void *arg)
{
    (void)arg;
    if (strcmp(name, "opener.stamped") != 0) {
        return;
    }
    dew_pool *const pool = order_swap_seq_ptr(&changing, NULL);
    if (pool != NULL &&
        dew_pool_set_credentials(pool, "root", "", NULL) != DEW_OK) {
        abort();
    }
}

static void
connect_that_begins_in_a_change_does_not_keep_the_old_credentials(void **state)
{
    char text[LOAN_TEXT];
    dew_config config;
    dew_conn conn;

    (void)state;
    kit_config(&config, server);
    dew_pool *const pool = kit_open(&config);
    order_store_seq_ptr(&changing, pool);
    race_hook(change_credentials, NULL);
    MYSQL *const mysql = kit_borrow(pool, &conn);
    race_hook(NULL, NULL);
    assert_null(order_load_seq_ptr(&changing));
    assert_string_equal(
        loan_ask(mysql, "SELECT SUBSTRING_INDEX(USER(), '@', 1)", text),
        "root");
    kit_return(&conn);
    kit_close(pool);
}

static void
last_loan_that_goes_while_connects_fail_ends_every_wait(void **state)
{
    enum { WAITERS = 3 };
    struct kit_borrower waiters[WAITERS];
    dew_config config;
    dew_conn conn;

    (void)state;
    kit_config(&config, server);
    config.size = config.maxsize = 2;
    config.fail_fast_after_ms = 50;
    dew_pool *const pool = kit_open(&config);
    (void)kit_borrow(pool, &conn);
    test_server_kill(server);
    for (size_t i = 0; i < WAITERS; i++) {
        kit_send_borrower(&waiters[i], pool, DEW_WAIT_FOREVER);
    }
    KIT_AWAIT(pond_has(&pool->pond, POND_BROKEN) &&
              kit_stats(pool).waiters == WAITERS);
    /* A return could serve them: they wait, through several more failures. */
    const uint64_t failures = kit_stats(pool).connect_failures;
    KIT_AWAIT(kit_stats(pool).connect_failures >= failures + 2);
    assert_int_equal(kit_stats(pool).waiters, WAITERS);
    assert_int_not_equal(mysql_query(conn.mysql, "DO 0"), 0);
    const int64_t since_ms = kit_now_ms();
    kit_return(&conn);
    for (size_t i = 0; i < WAITERS; i++) {
        assert_int_equal(kit_join(&waiters[i]), DEW_ECONNECT);
        assert_int_equal(waiters[i].error.mysql_errno, 2002);
        assert_int_equal(waiters[i].error.stage, DEW_STAGE_CONNECT);
    }
    ASSERT_PROMPT(since_ms, 0, 2000);
    assert_int_equal(kit_stats(pool).waiters, 0);
    kit_close(pool);
    test_server_restart(server);
}

static void
pre_create_is_restored_after_an_outage_without_a_borrower(void **state)
{
    enum { FLOOR = 3 };
    dew_config config;
    dew_conn conn[FLOOR];

    (void)state;
    kit_config(&config, server);
    config.size = config.maxsize = 8;
    config.pre_create = FLOOR;
    config.fail_fast_after_ms = 50;
    dew_pool *const pool = kit_open(&config);
    test_server_kill(server);
    KIT_AWAIT(kit_stats(pool).conns_open == 0);
    KIT_AWAIT(pond_has(&pool->pond, POND_BROKEN));
    test_server_restart(server);
    KIT_AWAIT(kit_stats(pool).conns_idle == FLOOR);
    assert_int_equal(kit_stats(pool).acquires, 0);
    for (size_t i = 0; i < FLOOR; i++) {
        assert_int_equal(dew_acquire(pool, DEW_NO_WAIT, &conn[i], NULL),
                         DEW_OK);
    }
    for (size_t i = 0; i < FLOOR; i++) {
        kit_return(&conn[i]);
    }
    kit_close(pool);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            first_borrower_after_a_long_quiet_is_not_told_an_old_failure),
        cmocka_unit_test(wrong_password_is_told_at_once_and_tried_seldom),
        cmocka_unit_test(right_password_after_a_wrong_one_is_tried_at_once),
        cmocka_unit_test(
            failure_of_the_old_password_does_not_count_against_the_new_one),
        cmocka_unit_test(session_of_the_old_credentials_is_closed_on_arrival),
        cmocka_unit_test(
            session_that_arrives_too_late_for_its_epoch_never_rests),
        cmocka_unit_test(
            connect_that_begins_in_a_change_does_not_keep_the_old_credentials),
        cmocka_unit_test(
            last_loan_that_goes_while_connects_fail_ends_every_wait),
        cmocka_unit_test(
            pre_create_is_restored_after_an_outage_without_a_borrower),
    };
    prompt_watch();
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
