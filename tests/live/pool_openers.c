/* SPDX-License-Identifier: MIT */
/* Goal: every opening that is ordered has a thread of its own, and a thread
 * that cannot be started is told, but not ten times a second; openers tell what
 * somebody waits for. Method: a pool whose sleeping opener cannot wake, threads
 * that fail at a fault point, and a count of the bell's rings. */
/* ctest: timeout=60 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/fault.h"
#include "fixture/journal.h"
#include "fixture/pool_kit.h"
#include "keeper/pool.h"

static struct test_server *server;
static order_u32 inside;

/* No connect goes on before both have begun. */
static int
meet(MYSQL *mysql, void *arg)
{
    (void)mysql;
    (void)arg;
    (void)order_add_seq_u32(&inside, 1);
    KIT_AWAIT(order_load_seq_u32(&inside) >= 2);
    return 0;
}

static void
order_does_not_count_on_an_opener_that_is_kept_asleep(void **state)
{
    enum { BORROWERS = 2 };
    struct kit_borrower borrowers[BORROWERS];
    dew_config config;

    (void)state;
    kit_config(&config, server);
    config.size = config.maxsize = config.connects_max = BORROWERS;
    config.on_options = meet;
    order_store_seq_u32(&inside, 0);
    dew_pool *const pool = kit_open(&config);
    (void)order_add_seq_u32(&pool->openers.bell.sleepers, 1);
    for (size_t i = 0; i < BORROWERS; i++) {
        kit_send_borrower(&borrowers[i], pool, KIT_PATIENCE_MS);
    }
    for (size_t i = 0; i < BORROWERS; i++) {
        assert_int_equal(kit_join(&borrowers[i]), DEW_OK);
    }
    (void)order_sub_seq_u32(&pool->openers.bell.sleepers, 1);
    for (size_t i = 0; i < BORROWERS; i++) {
        kit_return(&borrowers[i].conn);
    }
    kit_close(pool);
}

static void
thread_that_does_not_start_is_told_once_a_second(void **state)
{
    enum { ERROR_LEVEL = 0, TRIES = 15 };
    struct journal journal;
    dew_config config;
    dew_conn conn;
    dew_error error;

    (void)state;
    journal_begin(&journal);
    kit_config(&config, server);
    config.on_log = journal_write;
    config.on_log_arg = &journal;
    config.fail_fast_after_ms = DEW_OFF; /* who comes when it is over waits */
    dew_pool *const pool = kit_open(&config);
    fault_arm(FAULT_THREAD, 1, true);
    const int64_t since_ms = kit_now_ms();
    /* Longer than the keeper takes to its first try, and so are all its tries. */
    assert_int_equal(dew_acquire(pool, 1500, &conn, &error), DEW_ESYSTEM);
    assert_int_not_equal(error.os_errno, 0);
    KIT_AWAIT(fault_passes(FAULT_THREAD) >= TRIES);
    const int64_t took_ms = kit_now_ms() - since_ms;
    fault_arm(FAULT_THREAD, 0, false);
    assert_in_range(journal_lines(&journal, ERROR_LEVEL, "opener thread"), 1,
                    1 + took_ms / 1000);
    (void)kit_borrow(pool, &conn);
    kit_return(&conn);
    kit_close(pool);
}

/* All but a few arrive as expected (under load a few more are counted on); each word
 * would wake the keeper, or the thread in dew_pool_open, for nothing:
 * what a thousand sessions cost beside the server's own time. */
static void
open_is_told_of_the_last_sessions_only(void **state)
{
    enum { SESSIONS = 60, AT_ONCE = 4 };
    dew_config config;

    (void)state;
    kit_config(&config, server);
    config.size = config.maxsize = config.pre_create = SESSIONS;
    config.connects_max = AT_ONCE;
    dew_pool *const pool = kit_open(&config);
    assert_in_range(bell_look(&pool->progress), 1, SESSIONS / 2);
    kit_close(pool);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_does_not_count_on_an_opener_that_is_kept_asleep),
        cmocka_unit_test(thread_that_does_not_start_is_told_once_a_second),
        cmocka_unit_test(open_is_told_of_the_last_sessions_only),
    };
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
