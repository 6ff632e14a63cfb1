/* SPDX-License-Identifier: MIT */
/* Goal: who waits and what rests costs nothing: no processor time, no bytes on
 * the server that would add up, no connect that is thrown away. */
/* Method: the process's own processor time over a second; the server's count
 * of prepared statements; a connect whose borrower has left. */
/* ctest: timeout=60 */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "fixture/pool_kit.h"

#define WAITERS 32
#define RESTING 8
/* A twentieth of a second: one thread that spins uses twenty times as much. */
#define QUIET_US 50000

static struct test_server *server;

static int64_t
processor_us(void)
{
    struct timespec used;

    assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used), 0);
    return (int64_t)used.tv_sec * 1000000 + used.tv_nsec / 1000;
}

/* Over a second in which this thread sleeps. */
static int64_t
processor_us_in_a_second(void)
{
    const struct timespec second = {.tv_sec = 1};
    const int64_t before_us = processor_us();

    assert_int_equal(nanosleep(&second, NULL), 0);
    return processor_us() - before_us;
}

static void *
borrow_and_return(void *arg)
{
    dew_conn conn;

    if (dew_acquire(arg, DEW_WAIT_FOREVER, &conn, NULL) == DEW_OK) {
        (void)dew_release(&conn);
    }
    return NULL;
}

static void
waiters_use_no_processor_time(void **state)
{
    pthread_t waiters[WAITERS];
    dew_config config;
    dew_conn conn;

    (void)state;
    kit_config(&config, server);
    config.waiters_max = WAITERS;
    dew_pool *const pool = kit_open(&config);
    (void)kit_borrow(pool, &conn);
    for (size_t i = 0; i < WAITERS; i++) {
        assert_int_equal(
            pthread_create(&waiters[i], NULL, borrow_and_return, pool), 0);
    }
    KIT_AWAIT(kit_stats(pool).waiters == WAITERS);
    assert_in_range(processor_us_in_a_second(), 0, QUIET_US);
    kit_return(&conn);
    for (size_t i = 0; i < WAITERS; i++) {
        assert_int_equal(pthread_join(waiters[i], NULL), 0);
    }
    assert_int_equal(kit_stats(pool).acquires, WAITERS + 1);
    kit_close(pool);
}

static void
pool_at_rest_uses_no_processor_time(void **state)
{
    dew_config config;

    (void)state;
    kit_config(&config, server);
    config.size = config.maxsize = config.pre_create = RESTING;
    dew_pool *const pool = kit_open(&config);
    assert_in_range(processor_us_in_a_second(), 0, QUIET_US);
    kit_close(pool);
}

static int64_t
statements_on_the_server(void)
{
    return test_server_status(server, "Prepared_stmt_count");
}

/* Each loan forgets one; without a clean-up the server's limit comes near. */
static void
statements_left_open_do_not_add_up_on_the_server(void **state)
{
    enum { LOANS = 30 };
    static const dew_reset policies[] = {DEW_RESET_AUTO, DEW_RESET_ROLLBACK};
    MYSQL_STMT *forgotten[LOANS];
    dew_config config;
    dew_conn conn;

    (void)state;
    kit_config(&config, server);
    for (size_t p = 0; p < sizeof(policies) / sizeof(policies[0]); p++) {
        config.reset = policies[p];
        dew_pool *const pool = kit_open(&config);
        for (size_t i = 0; i < LOANS; i++) {
            forgotten[i] = mysql_stmt_init(kit_borrow(pool, &conn));
            assert_int_equal(
                mysql_stmt_prepare(forgotten[i], "SELECT 1", 8), 0);
            /* Those of a session that was hung up go a little later. */
            KIT_AWAIT(statements_on_the_server() <= 2);
            assert_true(statements_on_the_server() >= 1);
            kit_return(&conn);
        }
        kit_close(pool);
        for (size_t i = 0; i < LOANS; i++) {
            (void)mysql_stmt_close(forgotten[i]);
        }
    }
}

static void
session_whose_borrower_has_left_rests_for_the_next(void **state)
{
    dew_config config;
    dew_conn conn;

    (void)state;
    kit_config(&config, server);
    dew_pool *const pool = kit_open(&config);
    test_server_freeze(server);
    assert_int_equal(dew_acquire(pool, 50, &conn, NULL), DEW_ETIMEDOUT);
    assert_int_equal(kit_stats(pool).conns_opening, 1);
    test_server_thaw(server);
    KIT_AWAIT(kit_stats(pool).conns_idle == 1);
    assert_int_equal(dew_acquire(pool, DEW_NO_WAIT, &conn, NULL), DEW_OK);
    kit_return(&conn);
    assert_int_equal(kit_stats(pool).connects, 1);
    kit_close(pool);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(waiters_use_no_processor_time),
        cmocka_unit_test(pool_at_rest_uses_no_processor_time),
        cmocka_unit_test(statements_left_open_do_not_add_up_on_the_server),
        cmocka_unit_test(session_whose_borrower_has_left_rests_for_the_next),
    };
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
