/* SPDX-License-Identifier: MIT */
/* Goal: a borrow that took longer than slow_acquire_ms is told to the log, at
 * most once a second, whatever it waited for and however it ended. Method:
 * make borrowers wait for a return, for nothing, and for a reset's answer. */
/* ctest: timeout=60 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fixture/journal.h"
#include "fixture/pool_kit.h"

/* Longer than a borrow of a session at rest takes on a crowded machine. */
#define SLOW_MS 200

static struct test_server *server;
static struct journal journal;

static void
configure(dew_config *config, uint32_t slow_acquire_ms)
{
    kit_config(config, server);
    journal_begin(&journal);
    config->name = "cellar";
    config->pre_create = 1;
    config->slow_acquire_ms = slow_acquire_ms;
    config->on_log = journal_write;
    config->on_log_arg = &journal;
}

static long long
told_ms(void)
{
    const char *const line = journal_warning(&journal, " waited ");
    long long ms = -1;
    assert_int_equal(strncmp(line, "cellar: ", 8), 0);
    assert_int_equal(sscanf(strstr(line, " waited "), " waited %lld ms", &ms),
                     1);
    return ms;
}

static void
borrower_that_waited_for_a_return_is_told(void **state)
{
    (void)state;
    dew_config config;
    dew_conn held;
    struct kit_borrower waiter;
    configure(&config, SLOW_MS);
    dew_pool *const pool = kit_open(&config);
    (void)kit_borrow(pool, &held);
    kit_send_borrower(&waiter, pool, KIT_PATIENCE_MS);
    KIT_AWAIT(kit_stats(pool).waiters == 1);
    const int64_t since_ms = kit_now_ms();
    KIT_AWAIT(kit_now_ms() - since_ms > 2 * SLOW_MS);
    kit_return(&held);
    assert_int_equal(kit_join(&waiter), DEW_OK);
    assert_int_equal(journal_warnings(&journal, " waited "), 1);
    assert_in_range(told_ms(), 2 * SLOW_MS, waiter.took_ms);
    assert_non_null(strstr(journal_warning(&journal, " waited "),
                           "(1 of at most 1 sessions open, 1 lent, 0 being "
                           "opened, 0 waiting)"));
    assert_non_null(
        strstr(journal_warning(&journal, " waited "), "pool_kit.c:"));
    kit_return(&waiter.conn);
    kit_close(pool);
}

static void
slow_borrows_are_told_at_most_once_a_second(void **state)
{
    (void)state;
    dew_config config;
    struct kit_borrower holder;
    dew_conn conn;
    configure(&config, 1);
    dew_pool *const pool = kit_open(&config);
    const int64_t since_ms = kit_now_ms();
    kit_send_borrower(&holder, pool, KIT_PATIENCE_MS);
    assert_int_equal(kit_join(&holder), DEW_OK);
    unsigned slow = 0;
    do {
        assert_int_equal(dew_acquire(pool, 5, &conn, NULL), DEW_ETIMEDOUT);
        slow++;
        assert_true(kit_now_ms() - since_ms < KIT_PATIENCE_MS);
    } while (kit_now_ms() - since_ms < 1200 ||
             journal_warnings(&journal, " waited ") < 2);
    const int64_t took_ms = kit_now_ms() - since_ms;
    assert_true(slow > 5);
    assert_in_range(journal_warnings(&journal, " waited "), 2,
                    1 + took_ms / 1000);
    kit_return(&holder.conn);
    kit_close(pool);
}

/* init_sql runs again behind each reset; its answer is what the next borrower
 * waits for, without being one of the waiters. */
static void
borrower_that_waited_for_a_reset_is_told(void **state)
{
    (void)state;
    dew_config config;
    dew_conn conn;
    configure(&config, SLOW_MS);
    config.init_sql = "DO SLEEP(0.5)";
    dew_pool *const pool = kit_open(&config);
    loan_do(kit_borrow(pool, &conn), "DO 1");
    assert_int_equal(journal_warnings(&journal, " waited "), 0);
    kit_return_answered(&conn); /* the reset; that of init_sql is to come */
    (void)kit_borrow(pool, &conn);
    assert_int_equal(kit_stats(pool).waits, 0);
    assert_in_range(told_ms(), SLOW_MS, KIT_PATIENCE_MS);
    kit_return(&conn);
    kit_close(pool);
}

static void
shorter_waits_and_pools_that_do_not_ask_are_silent(void **state)
{
    (void)state;
    const uint32_t limits[] = {KIT_PATIENCE_MS, DEW_OFF};
    for (size_t i = 0; i < 2; i++) {
        dew_config config;
        struct kit_borrower holder;
        dew_conn conn;
        configure(&config, limits[i]);
        dew_pool *const pool = kit_open(&config);
        kit_send_borrower(&holder, pool, KIT_PATIENCE_MS);
        assert_int_equal(kit_join(&holder), DEW_OK);
        assert_int_equal(dew_acquire(pool, 60, &conn, NULL), DEW_ETIMEDOUT);
        assert_int_equal(journal_warnings(&journal, " waited "), 0);
        kit_return(&holder.conn);
        kit_close(pool);
    }
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(borrower_that_waited_for_a_return_is_told),
        cmocka_unit_test(slow_borrows_are_told_at_most_once_a_second),
        cmocka_unit_test(borrower_that_waited_for_a_reset_is_told),
        cmocka_unit_test(shorter_waits_and_pools_that_do_not_ask_are_silent),
    };
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
