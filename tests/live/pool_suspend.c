/* SPDX-License-Identifier: MIT */
/* Goal: a suspended pool lends nothing to anybody, keeps all else going, and
 * one resume serves who waits. Method: suspend with borrowers in each of their
 * places, and look who gets what; race points hold them where it is narrow. */
/* ctest: timeout=60 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>

#include "base/fault.h"
#include "base/order.h"
#include "fixture/pool_kit.h"

#define WAITERS 6

static struct test_server *server;
static dew_config config;

static dew_pool *
open_with(uint32_t sessions)
{
    config.size = config.maxsize = sessions;
    return kit_open(&config);
}

static int
prepare(void **state)
{
    (void)state;
    kit_config(&config, server);
    return 0;
}

static void
nobody_is_served(dew_pool *pool)
{
    dew_conn conn;
    dew_error error;
    assert_int_equal(dew_acquire(pool, DEW_NO_WAIT, &conn, &error),
                     DEW_ETIMEDOUT);
    assert_non_null(strstr(error.message, "suspended"));
    assert_int_equal(dew_acquire(pool, 30, &conn, &error), DEW_ETIMEDOUT);
    assert_non_null(strstr(error.message, "suspended"));
}

static void
a_suspended_pool_lends_nothing_until_one_resume(void **state)
{
    (void)state;
    dew_conn conn;
    dew_pool *const pool = open_with(2);
    (void)kit_borrow(pool, &conn);
    kit_return(&conn);
    dew_pool_suspend(pool);
    dew_pool_suspend(pool);
    nobody_is_served(pool);
    dew_stats stats = kit_stats(pool);
    assert_int_equal(stats.conns_idle, 1);
    assert_int_equal(stats.connects, 1); /* and nothing was ordered */
    assert_int_equal(stats.timeouts, 2);
    dew_pool_resume(pool);
    kit_answers_are_its_own(kit_borrow(pool, &conn));
    kit_return(&conn);
    dew_pool_resume(pool);
    kit_close(pool);
}

static void
a_loan_goes_on_and_comes_back_to_rest(void **state)
{
    (void)state;
    dew_conn conn;
    dew_pool *const pool = open_with(1);
    MYSQL *const mysql = kit_borrow(pool, &conn);
    dew_pool_suspend(pool);
    kit_answers_are_its_own(mysql);
    struct kit_borrower waiter;
    kit_send_borrower(&waiter, pool, KIT_PATIENCE_MS);
    KIT_AWAIT(kit_stats(pool).waiters == 1);
    kit_return(&conn);
    assert_int_equal(kit_stats(pool).conns_idle, 1);
    assert_int_equal(kit_stats(pool).waiters, 1);
    kit_check(pool);
    dew_pool_resume(pool);
    assert_int_equal(kit_join(&waiter), DEW_OK);
    kit_return(&waiter.conn);
    kit_close(pool);
}

static void
resume_serves_all_who_can_be_served(void **state)
{
    (void)state;
    struct kit_borrower waiters[WAITERS];
    dew_pool *const pool = open_with(WAITERS);
    dew_pool_suspend(pool);
    for (size_t i = 0; i < WAITERS; i++) {
        kit_send_borrower(&waiters[i], pool, KIT_PATIENCE_MS);
    }
    KIT_AWAIT(kit_stats(pool).waiters == WAITERS);
    assert_int_equal(kit_stats(pool).connects, 0);
    dew_pool_resume(pool);
    for (size_t i = 0; i < WAITERS; i++) {
        assert_int_equal(kit_join(&waiters[i]), DEW_OK);
    }
    assert_int_equal(test_server_count(server, "app"), WAITERS);
    for (size_t i = 0; i < WAITERS; i++) {
        kit_return(&waiters[i].conn);
    }
    kit_close(pool);
}

static void
close_ends_the_waits_of_a_suspended_pool(void **state)
{
    (void)state;
    struct kit_borrower waiter;
    dew_pool *const pool = open_with(1);
    dew_pool_suspend(pool);
    kit_send_borrower(&waiter, pool, DEW_WAIT_FOREVER);
    KIT_AWAIT(kit_stats(pool).waiters == 1);
    assert_int_equal(dew_pool_close(pool, DEW_NO_WAIT, NULL), DEW_OK);
    assert_int_equal(kit_join(&waiter), DEW_ECLOSED);
}

/* Refresh, keepalive and the floor are the keeper's, who is not suspended,
 * also while somebody waits. */
static void
the_keeper_goes_on(void **state)
{
    (void)state;
    struct kit_borrower waiter;
    config.pre_create = 2;
    dew_pool *const pool = open_with(2);
    dew_pool_suspend(pool);
    kit_send_borrower(&waiter, pool, KIT_PATIENCE_MS);
    KIT_AWAIT(kit_stats(pool).waiters == 1);
    dew_pool_refresh(pool);
    KIT_AWAIT(kit_stats(pool).retired_refresh == 2);
    KIT_AWAIT(kit_stats(pool).connects == 4);
    KIT_AWAIT(kit_stats(pool).conns_idle == 2);
    assert_int_equal(kit_stats(pool).waiters, 1);
    dew_pool_resume(pool);
    assert_int_equal(kit_join(&waiter), DEW_OK);
    kit_return(&waiter.conn);
    kit_close(pool);
}

static void
without_threads_nobody_opens_for_himself(void **state)
{
    (void)state;
    dew_conn conn;
    config.flags = DEW_NO_THREADS;
    dew_pool *const pool = open_with(1);
    dew_pool_suspend(pool);
    nobody_is_served(pool);
    assert_int_equal(kit_stats(pool).connects, 0);
    dew_pool_resume(pool);
    (void)kit_borrow(pool, &conn);
    kit_return(&conn);
    dew_pool_suspend(pool);
    nobody_is_served(pool);
    kit_close(pool);
}

/* --- narrow places ----------------------------------------------------------- */

/* Whoever passes the point first stays there until he is let on. */
static struct {
    const char *point;
    order_u32 held, let_on;
} gate;

static void
hold_one(const char *name, void *arg)
{
    (void)arg;
    if (strcmp(name, gate.point) == 0 &&
        order_swap_seq_u32(&gate.held, 1) == 0) {
        KIT_AWAIT(order_load_seq_u32(&gate.let_on) != 0);
    }
}

static void
hold_at(const char *point)
{
    gate.point = point;
    order_init_u32(&gate.held, 0);
    order_init_u32(&gate.let_on, 0);
    race_hook(hold_one, NULL);
}

static order_u32 suspended; /* the call has returned */

static void *
suspend(void *pool)
{
    dew_pool_suspend(pool);
    order_store_seq_u32(&suspended, 1);
    return NULL;
}

/* One who has passed all checks is still being lent his session: the suspend
 * waits for him. */
static void
suspend_waits_for_who_is_being_lent_a_session(void **state)
{
    (void)state;
    dew_conn conn;
    pthread_t suspender;
    struct kit_borrower borrower;
    dew_pool *const pool = open_with(1);
    (void)kit_borrow(pool, &conn);
    kit_return(&conn);
    order_init_u32(&suspended, 0);
    hold_at("pond.allowed");
    kit_send_borrower(&borrower, pool, KIT_PATIENCE_MS);
    KIT_AWAIT(order_load_seq_u32(&gate.held) != 0);
    assert_int_equal(pthread_create(&suspender, NULL, suspend, pool), 0);
    dew_conn other;
    KIT_AWAIT(dew_acquire(pool, DEW_NO_WAIT, &other, NULL) == DEW_ETIMEDOUT);
    const int64_t since_ms = kit_now_ms();
    KIT_AWAIT(kit_now_ms() - since_ms > 50);
    assert_int_equal(order_load_seq_u32(&suspended), 0);
    order_store_seq_u32(&gate.let_on, 1);
    assert_int_equal(pthread_join(suspender, NULL), 0);
    race_hook(NULL, NULL);
    dew_pool_resume(pool);
    assert_int_equal(kit_join(&borrower), DEW_OK);
    kit_return(&borrower.conn);
    kit_close(pool);
}

/* One who was looking at his session, outside of all sections, is not waited
 * for: he asks again before it is lent. */
static void
who_was_looking_at_his_session_puts_it_back(void **state)
{
    (void)state;
    dew_conn conn;
    struct kit_borrower borrower;
    config.bypass_ms = DEW_ZERO;
    dew_pool *const pool = open_with(1);
    (void)kit_borrow(pool, &conn);
    kit_return(&conn);
    hold_at("borrow.lend");
    kit_send_borrower(&borrower, pool, KIT_PATIENCE_MS);
    KIT_AWAIT(order_load_seq_u32(&gate.held) != 0);
    dew_pool_suspend(pool);
    const uint64_t acquires = kit_stats(pool).acquires;
    order_store_seq_u32(&gate.let_on, 1);
    KIT_AWAIT(kit_stats(pool).waiters == 1);
    assert_int_equal(kit_stats(pool).acquires, acquires);
    assert_int_equal(kit_stats(pool).conns_idle, 1);
    race_hook(NULL, NULL);
    dew_pool_resume(pool);
    assert_int_equal(kit_join(&borrower), DEW_OK);
    kit_return(&borrower.conn);
    kit_close(pool);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_suspended_pool_lends_nothing_until_one_resume,
                               prepare),
        cmocka_unit_test_setup(a_loan_goes_on_and_comes_back_to_rest, prepare),
        cmocka_unit_test_setup(resume_serves_all_who_can_be_served, prepare),
        cmocka_unit_test_setup(close_ends_the_waits_of_a_suspended_pool,
                               prepare),
        cmocka_unit_test_setup(the_keeper_goes_on, prepare),
        cmocka_unit_test_setup(without_threads_nobody_opens_for_himself,
                               prepare),
        cmocka_unit_test_setup(suspend_waits_for_who_is_being_lent_a_session,
                               prepare),
        cmocka_unit_test_setup(who_was_looking_at_his_session_puts_it_back,
                               prepare),
    };
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
