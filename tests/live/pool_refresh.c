/* SPDX-License-Identifier: MIT */
/* Goal: a refresh replaces every session that was opened before it, and none
 * that was opened after. Method: refresh with sessions at rest, lent and being
 * connected; the server's own ids and the counters tell which is which. */
/* ctest: timeout=60 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/order.h"
#include "fixture/pool_kit.h"
#include "fixture/prompt.h"

#define MANY 24

static struct test_server *server;
static dew_config config;

static int
prepare(void **state)
{
    (void)state;
    kit_config(&config, server);
    return 0;
}

static void
rest_many(dew_pool *pool)
{
    dew_conn conns[MANY];
    for (size_t i = 0; i < MANY; i++) {
        (void)kit_borrow(pool, &conns[i]);
    }
    for (size_t i = 0; i < MANY; i++) {
        kit_return(&conns[i]);
    }
}

/* No borrow is needed, and the regular look is a second away. */
static void
those_that_rest_are_replaced_by_the_keeper(void **state)
{
    (void)state;
    config.size = config.maxsize = MANY;
    dew_pool *const pool = kit_open(&config);
    rest_many(pool);
    assert_int_equal(kit_stats(pool).conns_open, MANY);
    const int64_t since_ms = kit_now_ms();
    dew_pool_refresh(pool);
    KIT_AWAIT(kit_stats(pool).conns_open == 0);
    /* Eight at a time, a tenth of a second apart: not all in one storm. */
    assert_true(kit_now_ms() - since_ms >= 200);
    assert_int_equal(kit_stats(pool).retired_refresh, MANY);
    assert_int_equal(kit_stats(pool).connects, MANY);
    assert_true(test_server_await_count(server, "app", 0, KIT_PATIENCE_MS));
    kit_close(pool);
}

static void
what_the_pool_holds_is_filled_up_again(void **state)
{
    (void)state;
    config.size = config.maxsize = config.pre_create = 3;
    dew_pool *const pool = kit_open(&config);
    dew_pool_refresh(pool);
    KIT_AWAIT(kit_stats(pool).retired_refresh == 3);
    KIT_AWAIT(kit_stats(pool).conns_idle == 3);
    assert_int_equal(kit_stats(pool).connects, 6);
    const int64_t since_ms = kit_now_ms();
    KIT_AWAIT(kit_now_ms() - since_ms > 300); /* several looks later */
    assert_int_equal(kit_stats(pool).connects, 6);
    assert_true(test_server_await_count(server, "app", 3, KIT_PATIENCE_MS));
    kit_close(pool);
}

static void
a_loan_is_replaced_when_it_comes_back(void **state)
{
    (void)state;
    dew_conn conn;
    dew_pool *const pool = kit_open(&config);
    MYSQL *const mysql = kit_borrow(pool, &conn);
    const int64_t id = kit_server_id(mysql);
    dew_pool_refresh(pool);
    assert_int_equal(kit_server_id(mysql), id);
    assert_int_equal(kit_stats(pool).retired_refresh, 0);
    const int64_t next = kit_server_id(kit_next(pool, &conn));
    assert_int_not_equal(next, id);
    assert_int_equal(kit_stats(pool).retired_refresh, 1);
    assert_int_equal(kit_server_id(kit_next(pool, &conn)), next);
    kit_return(&conn);
    assert_int_equal(kit_stats(pool).retired_refresh, 1);
    kit_close(pool);
}

static void
without_threads_tend_replaces_them(void **state)
{
    (void)state;
    config.flags = DEW_NO_THREADS;
    config.size = config.maxsize = config.pre_create = MANY / 2;
    dew_pool *const pool = kit_open(&config);
    assert_true(dew_pool_tend(pool) > 100); /* the regular look is far */
    dew_pool_refresh(pool);
    assert_int_equal(kit_stats(pool).conns_open, MANY / 2);
    assert_int_equal(kit_stats(pool).retired_refresh, 0);
    /* As many as one look may replace; the next look is for the others. */
    const int64_t since_ms = kit_now_ms();
    assert_true(dew_pool_tend(pool) <= 100);
    /* Fewer only where the look was drawn out: it ends after a tenth of a second. */
    assert_in_range(kit_stats(pool).retired_refresh,
                    kit_now_ms() - since_ms < 100 ? 8 : 1, 8);
    KIT_AWAIT(dew_pool_tend(pool) >= 0 && kit_stats(pool).connects == MANY);
    assert_int_equal(kit_stats(pool).retired_refresh, MANY / 2);
    assert_true(test_server_await_count(server, "app", MANY / 2,
                                        KIT_PATIENCE_MS));
    kit_close(pool);
}

/* --- while it connects ----------------------------------------------------------- */

static dew_pool *connecting;
static order_u32 connects, refreshes;

static void *
refresh(void *arg)
{
    (void)arg;
    dew_pool_refresh(connecting);
    return NULL;
}

/* The first connects are not over before as many refreshes have come, each
 * from a thread of its own: a callback must not call its pool. */
static int
refresh_meanwhile(MYSQL *mysql, void *arg)
{
    pthread_t thread;

    (void)mysql;
    (void)arg;
    if (order_add_seq_u32(&connects, 1) < order_load_seq_u32(&refreshes)) {
        assert_int_equal(pthread_create(&thread, NULL, refresh, NULL), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
    }
    return 0;
}

static void
connect_under_refreshes(uint32_t flags, uint32_t count)
{
    dew_conn conn;
    order_init_u32(&connects, 0);
    order_init_u32(&refreshes, count);
    config.flags = flags;
    config.on_connect = refresh_meanwhile;
    connecting = kit_open(&config);
    kit_answers_are_its_own(kit_borrow(connecting, &conn));
    const dew_stats stats = kit_stats(connecting);
    assert_int_equal(stats.retired_refresh, count);
    assert_int_equal(stats.connects, count + 1);
    assert_int_equal(stats.acquires, 1);
    kit_return(&conn);
    kit_close(connecting);
}

static void
what_was_connecting_is_closed_on_arrival(void **state)
{
    (void)state;
    /* More than a borrower would put up with, were it his to meet them. */
    connect_under_refreshes(0, 5);
}

static void
without_threads_a_borrower_connects_anew(void **state)
{
    (void)state;
    connect_under_refreshes(DEW_NO_THREADS, 2);
}

/* The pause after a refused login is four seconds and more. */
static void
a_server_that_failed_is_tried_at_once(void **state)
{
    (void)state;
    dew_conn conn;
    dew_error error;
    config.user = config.password = "newcomer";
    config.database = NULL;
    dew_pool *const pool = kit_open(&config);
    assert_int_equal(dew_acquire(pool, KIT_PATIENCE_MS, &conn, &error),
                     DEW_ECONNECT);
    assert_int_equal(
        test_server_exec(server, "CREATE USER 'newcomer'@'localhost' "
                                 "IDENTIFIED BY 'newcomer'"),
        0);
    const int64_t since_ms = kit_now_ms();
    dew_pool_refresh(pool);
    (void)kit_borrow(pool, &conn);
    ASSERT_PROMPT(since_ms, 0, 3000);
    assert_int_equal(kit_stats(pool).connect_failures, 1);
    kit_return(&conn);
    kit_close(pool);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(those_that_rest_are_replaced_by_the_keeper,
                               prepare),
        cmocka_unit_test_setup(what_the_pool_holds_is_filled_up_again,
                               prepare),
        cmocka_unit_test_setup(a_loan_is_replaced_when_it_comes_back, prepare),
        cmocka_unit_test_setup(without_threads_tend_replaces_them, prepare),
        cmocka_unit_test_setup(what_was_connecting_is_closed_on_arrival,
                               prepare),
        cmocka_unit_test_setup(without_threads_a_borrower_connects_anew,
                               prepare),
        cmocka_unit_test_setup(a_server_that_failed_is_tried_at_once, prepare),
    };
    prompt_watch();
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
