/* SPDX-License-Identifier: MIT */
/* Goal: a fork at any moment of a busy pool gives a child that works, and what
 * is armed, connecting or lent without a pool stays the parent's. Method: fork
 * beside threads that borrow, connect and change the login; look at a deadline
 * and a connection without a pool from both sides. */
/* ctest: timeout=120 */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <poll.h>
#include <pthread.h>

#include "base/order.h"
#include "fixture/fork_kit.h"
#include "fixture/pool_kit.h"

#define BUSY_THREADS 4
#define FORKS 25

static struct test_server *server;
static dew_config config;
static dew_pool *pool;
static order_u32 enough, done;

static int
use_and_close(void)
{
    dew_conn conn;

    FORK_EXPECT(fork_kit_borrow(pool, &conn));
    FORK_EXPECT(fork_kit_server_id(conn.mysql) > 0);
    FORK_EXPECT(dew_release(&conn) == DEW_OK);
    FORK_EXPECT(dew_pool_check(pool, NULL) == DEW_OK);
    FORK_EXPECT(dew_pool_close(pool, 5000, NULL) == DEW_OK);
    return 0;
}

/* Every third loan is discarded, so that there is always a connect. */
static void *
keep_busy(void *arg)
{
    uintptr_t wrong = 0;

    (void)arg;
    for (uint32_t i = 0; order_load_seq_u32(&enough) == 0; i++) {
        dew_conn conn;

        if (!fork_kit_borrow(pool, &conn) ||
            fork_kit_server_id(conn.mysql) < 0) {
            wrong++;
        }
        if (i % 3 == 0) {
            wrong += dew_discard(&conn) != DEW_OK;
        } else {
            wrong += dew_release(&conn) != DEW_OK;
        }
        wrong += dew_pool_set_credentials(pool, "app", "app", NULL) != DEW_OK;
    }
    return (void *)wrong;
}

/* The timer that a pool without threads needs: each discarded session holds
 * its place until somebody tends. Returns at once for a pool with threads. */
static void *
keep_tending(void *arg)
{
    (void)arg;
    while (dew_pool_tend(pool) >= 0 && order_load_seq_u32(&done) == 0) {
        (void)poll(NULL, 0, 1);
    }
    return NULL;
}

static void
fork_beside_busy_threads(uint32_t flags)
{
    pthread_t threads[BUSY_THREADS], tender;
    void *wrong;

    kit_config(&config, server);
    config.flags = flags;
    config.size = config.maxsize = 3;
    pool = kit_open(&config);
    order_store_seq_u32(&enough, 0);
    order_store_seq_u32(&done, 0);
    assert_int_equal(pthread_create(&tender, NULL, keep_tending, NULL), 0);
    for (size_t i = 0; i < BUSY_THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, keep_busy, NULL), 0);
    }
    bool well = true;
    for (int i = 0; i < FORKS && well; i++) {
        well = fork_kit_ended_well(fork_kit_child(use_and_close));
    }
    order_store_seq_u32(&enough, 1);
    for (size_t i = 0; i < BUSY_THREADS; i++) {
        (void)pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
    order_store_seq_u32(&done, 1);
    (void)pthread_join(tender, NULL);
    assert_true(well);
    assert_int_equal(kit_stats(pool).retired_broken, 0);
    kit_close(pool);
}

static void
fork_beside_threads_that_borrow_return_and_connect(void **state)
{
    (void)state;
    if (fork_kit_not_beside_busy_threads()) {
        skip();
    }
    fork_beside_busy_threads(0);
    fork_beside_busy_threads(DEW_NO_THREADS);
}

/* --- a deadline ------------------------------------------------------------------ */

static dew_conn lent;

static int
has_deadlines_of_its_own(void)
{
    dew_conn conn;

    FORK_EXPECT(dew_deadline(&lent, 5, NULL) == DEW_ESTALE);
    FORK_EXPECT(fork_kit_borrow(pool, &conn));
    FORK_EXPECT(dew_deadline(&conn, 50, NULL) == DEW_OK);
    const bool stopped = mysql_query(conn.mysql, KIT_LONG_QUERY) != 0 ||
                         mysql_store_result(conn.mysql) == NULL;
    FORK_EXPECT(stopped);
    /* By a KILL of this process's thread: a session that was cut is lost. */
    FORK_EXPECT(fork_kit_server_id(conn.mysql) > 0);
    FORK_EXPECT(dew_release(&conn) == DEW_OK);
    return use_and_close();
}

static void
armed_deadline_stays_the_parents(void **state)
{
    (void)state;
    kit_config(&config, server);
    config.size = config.maxsize = 2;
    config.kill_timeout_ms = KIT_PATIENCE_MS;
    pool = kit_open(&config);
    (void)kit_borrow(pool, &lent);
    assert_int_equal(dew_deadline(&lent, 60000, NULL), DEW_OK);
    fork_kit_await(fork_kit_child(has_deadlines_of_its_own));
    kit_answers_are_its_own(lent.mysql);
    assert_int_equal(dew_deadline(&lent, 50, NULL), DEW_OK);
    const int64_t since_ms = kit_now_ms();
    if (mysql_query(lent.mysql, KIT_LONG_QUERY) == 0) {
        mysql_free_result(mysql_store_result(lent.mysql));
    }
    assert_in_range(kit_now_ms() - since_ms, 40, 10000);
    kit_return(&lent);
    kit_close(pool);
}

/* --- a connection without a pool --------------------------------------------------- */

static int
single_is_stale(void)
{
    dew_conn copy = lent, own;

    FORK_EXPECT(dew_ping(&copy, NULL) == DEW_ESTALE);
    FORK_EXPECT(dew_release(&copy) == DEW_ESTALE);
    copy = lent;
    FORK_EXPECT(dew_detach(&copy) == NULL);
    FORK_EXPECT(dew_connect(&config, &own, NULL) == DEW_OK);
    FORK_EXPECT(fork_kit_server_id(own.mysql) > 0);
    FORK_EXPECT(dew_release(&own) == DEW_OK);
    /* Even what nobody should do: */
    mysql_close(lent.mysql);
    return 0;
}

static void
connection_without_a_pool_stays_the_parents(void **state)
{
    (void)state;
    kit_config(&config, server);
    assert_int_equal(dew_connect(&config, &lent, NULL), DEW_OK);
    const int64_t id = kit_server_id(lent.mysql);
    fork_kit_await(fork_kit_child(single_is_stale));
    assert_int_equal(kit_server_id(lent.mysql), id);
    assert_int_equal(dew_release(&lent), DEW_OK);
    assert_true(test_server_await_count(server, "app", 0, KIT_PATIENCE_MS));
}

/* --- states ------------------------------------------------------------------------ */

static int
is_closing_and_can_be_closed(void)
{
    dew_conn conn;

    FORK_EXPECT(dew_acquire(pool, 0, &conn, NULL) == DEW_ECLOSED);
    FORK_EXPECT(dew_pool_close(pool, 0, NULL) == DEW_OK);
    return 0;
}

static void
pool_that_is_closing_is_so_in_the_child(void **state)
{
    (void)state;
    kit_config(&config, server);
    pool = kit_open(&config);
    (void)kit_borrow(pool, &lent);
    assert_int_equal(dew_pool_close(pool, 0, NULL), DEW_EBUSY);
    fork_kit_await(fork_kit_child(is_closing_and_can_be_closed));
    kit_answers_are_its_own(lent.mysql);
    kit_return(&lent);
    assert_int_equal(dew_pool_close(pool, 5000, NULL), DEW_OK);
}

/* Several threads of a child make its first call at once. */
static void *
use_once(void *arg)
{
    dew_conn conn;
    const bool well = fork_kit_borrow(pool, &conn) &&
                      fork_kit_server_id(conn.mysql) > 0 &&
                      dew_release(&conn) == DEW_OK;

    (void)arg;
    return (void *)(uintptr_t)well;
}

static int
begin_with_many_threads(void)
{
    pthread_t threads[BUSY_THREADS];
    void *well;

    for (size_t i = 0; i < BUSY_THREADS; i++) {
        FORK_EXPECT(pthread_create(&threads[i], NULL, use_once, NULL) == 0);
    }
    for (size_t i = 0; i < BUSY_THREADS; i++) {
        (void)pthread_join(threads[i], &well);
        FORK_EXPECT(well != NULL);
    }
    FORK_EXPECT(kit_stats(pool).acquires == BUSY_THREADS);
    return use_and_close();
}

static void
childs_first_call_may_come_from_many_threads(void **state)
{
    (void)state;
    kit_config(&config, server);
    config.size = config.maxsize = 2;
    pool = kit_open(&config);
    for (int i = 0; i < FORKS; i++) {
        fork_kit_await(fork_kit_child(begin_with_many_threads));
    }
    kit_close(pool);
}

static int
start(void **state)
{
    (void)state;
    server = test_server_start(NULL);
    return 0;
}

static int
end_server(void **state)
{
    (void)state;
    test_server_stop(server);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fork_beside_threads_that_borrow_return_and_connect),
        cmocka_unit_test(armed_deadline_stays_the_parents),
        cmocka_unit_test(connection_without_a_pool_stays_the_parents),
        cmocka_unit_test(pool_that_is_closing_is_so_in_the_child),
        cmocka_unit_test(childs_first_call_may_come_from_many_threads),
    };

    if (fork_kit_not_here()) {
        return 77;
    }
    return cmocka_run_group_tests(tests, start, end_server);
}
