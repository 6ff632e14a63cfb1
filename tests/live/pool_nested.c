/* SPDX-License-Identifier: MIT */
/* Goal: a thread that waits while it holds a loan is told, and refused where
 * that is asked for; nobody else is. Method: borrow twice on one thread, beside
 * borrowers on other threads; a journal tells who was warned. */
/* ctest: timeout=60 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fixture/journal.h"
#include "fixture/pool_kit.h"

#define TOLD "has to wait, while the session that it borrowed at"

static struct test_server *server;
static struct journal journal;

static dew_pool *
open_with(uint32_t flags, uint32_t size)
{
    dew_config config;
    kit_config(&config, server);
    journal_begin(&journal);
    config.name = "cellar";
    config.flags = flags;
    config.size = config.maxsize = config.pre_create = size;
    config.on_log = journal_write;
    config.on_log_arg = &journal;
    return kit_open(&config);
}

static void
nested_wait_is_told_at_most_once_a_second(void **state)
{
    (void)state;
    dew_conn held, second;
    char site[32];
    dew_pool *const pool = open_with(0, 1);
    const int64_t since_ms = kit_now_ms();
    (void)snprintf(site, sizeof site, "pool_nested.c:%d ", __LINE__ + 1);
    assert_int_equal(dew_acquire(pool, KIT_PATIENCE_MS, &held, NULL), DEW_OK);
    unsigned waits = 0;
    do {
        assert_int_equal(dew_acquire(pool, 5, &second, NULL), DEW_ETIMEDOUT);
        waits++;
        assert_true(kit_now_ms() - since_ms < KIT_PATIENCE_MS);
    } while (kit_now_ms() - since_ms < 1200 ||
             journal_warnings(&journal, TOLD) < 2);
    const int64_t took_ms = kit_now_ms() - since_ms;
    assert_true(waits > 5);
    assert_in_range(journal_warnings(&journal, TOLD), 2, 1 + took_ms / 1000);
    assert_non_null(strstr(journal_warning(&journal, TOLD), site));
    assert_int_equal(strncmp(journal_warning(&journal, TOLD), "cellar: ", 8),
                     0);
    assert_int_equal(kit_stats(pool).nested_waits, waits);
    kit_return(&held);
    kit_close(pool);
}

/* Of a loan by the function itself, without the macro, nobody knows the place. */
static void
nested_wait_is_told_without_a_call_site_too(void **state)
{
    (void)state;
    dew_conn held, second;
    dew_pool *const pool = open_with(0, 1);
    assert_int_equal((dew_acquire)(pool, KIT_PATIENCE_MS, &held, NULL), DEW_OK);
    assert_int_equal((dew_acquire)(pool, 5, &second, NULL), DEW_ETIMEDOUT);
    const char *const told = journal_warning(&journal, TOLD);
    assert_non_null(told);
    const char *const where = strstr(told, "an unknown place");
    assert_non_null(where);
    assert_non_null(strstr(where + 1, "an unknown place"));
    kit_return(&held);
    kit_close(pool);
}

static void
nested_wait_is_refused_at_once_where_the_flag_stands(void **state)
{
    (void)state;
    dew_conn held, second = {NULL, NULL, 1};
    dew_error error;
    dew_pool *const pool = open_with(DEW_REFUSE_NESTED, 1);
    MYSQL *const mysql = kit_borrow(pool, &held);
    const int64_t since_ms = kit_now_ms();
    assert_int_equal(dew_acquire(pool, KIT_PATIENCE_MS, &second, &error),
                     DEW_EINVAL);
    assert_in_range(kit_now_ms() - since_ms, 0, KIT_PATIENCE_MS / 2);
    assert_int_equal(error.code, DEW_EINVAL);
    assert_int_equal(error.stage, DEW_STAGE_WAIT);
    assert_non_null(strstr(error.message, "cellar: DEW_REFUSE_NESTED"));
    assert_non_null(strstr(error.message, "pool_kit.c:"));
    assert_true(second.ticket == 0);
    assert_int_equal(journal_warnings(&journal, TOLD), 1);
    assert_int_equal(kit_stats(pool).waits, 0);
    assert_int_equal(kit_stats(pool).nested_waits, 1);
    kit_answers_are_its_own(mysql); /* the first loan is as it was */
    kit_answers_are_its_own(kit_next(pool, &held));
    kit_return(&held);
    kit_close(pool);
}

static void
second_session_that_needs_no_wait_is_lent(void **state)
{
    (void)state;
    dew_conn held[2], third;
    dew_pool *const pool = open_with(DEW_REFUSE_NESTED, 2);
    (void)kit_borrow(pool, &held[0]);
    (void)kit_borrow(pool, &held[1]);
    assert_int_equal(dew_acquire(pool, DEW_NO_WAIT, &third, NULL),
                     DEW_ETIMEDOUT);
    assert_int_equal(journal_warnings(&journal, TOLD), 0);
    kit_return(&held[0]);
    kit_return(&held[1]);
    kit_close(pool);
}

/* Nobody listens to the log; and one borrow is one, however often it looks. */
static void
nested_waits_are_counted_without_a_log(void **state)
{
    (void)state;
    dew_config config;
    dew_conn held, second;
    for (uint32_t flags = 0; flags <= DEW_NO_THREADS; flags++) {
        kit_config(&config, server);
        config.flags = flags;
        dew_pool *const pool = kit_open(&config);
        (void)kit_borrow(pool, &held);
        for (unsigned waits = 1; waits <= 3; waits++) {
            assert_int_equal(dew_acquire(pool, 100, &second, NULL),
                             DEW_ETIMEDOUT);
            assert_int_equal(kit_stats(pool).nested_waits, waits);
        }
        assert_int_equal(dew_acquire(pool, DEW_NO_WAIT, &second, NULL),
                         DEW_ETIMEDOUT);
        assert_int_equal(kit_stats(pool).nested_waits, 3);
        kit_return(&held);
        kit_close(pool);
    }
}

/* Without threads a borrower opens his second session himself. */
static void
second_session_that_the_borrower_opens_himself_is_lent(void **state)
{
    (void)state;
    dew_config config;
    dew_conn held[2], third;
    dew_error error;
    kit_config(&config, server);
    config.flags = DEW_REFUSE_NESTED | DEW_NO_THREADS;
    config.size = config.maxsize = 2;
    dew_pool *const pool = kit_open(&config);
    (void)kit_borrow(pool, &held[0]);
    (void)kit_borrow(pool, &held[1]);
    assert_int_equal(dew_acquire(pool, KIT_PATIENCE_MS, &third, &error),
                     DEW_EINVAL);
    kit_return(&held[0]);
    kit_return(&held[1]);
    kit_close(pool);
}

/* All wait for a loan of somebody else's. */
static void
threads_that_hold_nothing_wait_in_peace(void **state)
{
    (void)state;
    dew_conn held;
    struct kit_borrower waiters[3];
    dew_pool *const pool = open_with(DEW_REFUSE_NESTED, 1);
    (void)kit_borrow(pool, &held);
    for (uint32_t i = 0; i < 3; i++) {
        kit_send_borrower(&waiters[i], pool, KIT_PATIENCE_MS);
        KIT_AWAIT(kit_stats(pool).waiters == i + 1);
    }
    kit_return(&held);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(kit_join(&waiters[i]), DEW_OK);
        kit_return(&waiters[i].conn);
    }
    assert_int_equal(journal_warnings(&journal, TOLD), 0);
    assert_int_equal(kit_stats(pool).nested_waits, 0);
    kit_close(pool);
}

/* The slot's notes of an earlier loan do not count. */
static void
loan_that_came_back_is_not_held_any_more(void **state)
{
    (void)state;
    dew_conn mine, second;
    dew_pool *const pool = open_with(DEW_REFUSE_NESTED, 1);
    (void)kit_borrow(pool, &mine);
    kit_return(&mine);
    struct kit_borrower other;
    kit_send_borrower(&other, pool, KIT_PATIENCE_MS);
    assert_int_equal(kit_join(&other), DEW_OK);
    assert_int_equal(dew_acquire(pool, 20, &second, NULL), DEW_ETIMEDOUT);
    kit_return(&other.conn);
    (void)kit_borrow(pool, &mine);
    assert_int_equal(dew_discard(&mine), DEW_OK);
    (void)kit_borrow(pool, &mine); /* waits for a connect */
    assert_int_equal(journal_warnings(&journal, TOLD), 0);
    kit_return(&mine);
    kit_close(pool);
}

/* Two pools are no nest. */
static void
loan_of_another_pool_does_not_count(void **state)
{
    (void)state;
    dew_conn held, blocked, second;
    struct kit_borrower other;
    dew_pool *const first = open_with(DEW_REFUSE_NESTED, 1);
    (void)kit_borrow(first, &held);
    dew_config config;
    kit_config(&config, server);
    config.flags = DEW_REFUSE_NESTED;
    dew_pool *const pool = kit_open(&config);
    kit_send_borrower(&other, pool, KIT_PATIENCE_MS);
    assert_int_equal(kit_join(&other), DEW_OK);
    blocked = other.conn;
    assert_int_equal(dew_acquire(pool, 20, &second, NULL), DEW_ETIMEDOUT);
    kit_return(&blocked);
    kit_return(&held);
    kit_close(pool);
    kit_close(first);
}

static void
pool_that_closes_says_so_first(void **state)
{
    (void)state;
    dew_conn held, second;
    dew_error error;
    dew_pool *const pool = open_with(DEW_REFUSE_NESTED, 1);
    (void)kit_borrow(pool, &held);
    assert_int_equal(dew_pool_close(pool, DEW_NO_WAIT, &error), DEW_EBUSY);
    assert_int_equal(dew_acquire(pool, KIT_PATIENCE_MS, &second, &error),
                     DEW_ECLOSED);
    assert_int_equal(kit_stats(pool).nested_waits, 0);
    kit_return(&held);
    assert_int_equal(dew_pool_close(pool, KIT_PATIENCE_MS, &error), DEW_OK);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(nested_wait_is_told_at_most_once_a_second),
        cmocka_unit_test(nested_wait_is_told_without_a_call_site_too),
        cmocka_unit_test(nested_wait_is_refused_at_once_where_the_flag_stands),
        cmocka_unit_test(nested_waits_are_counted_without_a_log),
        cmocka_unit_test(second_session_that_needs_no_wait_is_lent),
        cmocka_unit_test(
            second_session_that_the_borrower_opens_himself_is_lent),
        cmocka_unit_test(threads_that_hold_nothing_wait_in_peace),
        cmocka_unit_test(loan_that_came_back_is_not_held_any_more),
        cmocka_unit_test(loan_of_another_pool_does_not_count),
        cmocka_unit_test(pool_that_closes_says_so_first),
    };
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
