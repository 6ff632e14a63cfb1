/* SPDX-License-Identifier: MIT */
/* Goal: a pool grows and shrinks while it is in use: never more sessions than
 * it may have, and never fewer than it need have. Method: resize with sessions
 * at rest, lent, waited for and being connected; the server counts them. */
/* ctest: timeout=60 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/order.h"
#include "fixture/pool_kit.h"

#define MANY 20

static struct test_server *server;
static dew_config config;
static dew_conn conns[MANY];

static int
prepare(void **state)
{
    (void)state;
    kit_config(&config, server);
    return 0;
}

static dew_pool *
open_with(uint32_t size, uint32_t maxsize)
{
    config.size = size;
    config.maxsize = maxsize;
    return kit_open(&config);
}

static void
resize(dew_pool *pool, uint32_t size, uint32_t maxsize)
{
    dew_error error;
    if (dew_pool_resize(pool, size, maxsize, &error) != DEW_OK) {
        fail_msg("resize: %s", error.message);
    }
    kit_check(pool);
}

static void
borrow(dew_pool *pool, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        (void)kit_borrow(pool, &conns[i]);
    }
}

static void
give_back(size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++) {
        kit_return(&conns[i]);
    }
}

/* One after the other, so that it is known who comes first. */
static void
send_in_order(struct kit_borrower *waiters, size_t count, dew_pool *pool)
{
    for (uint32_t i = 0; i < count; i++) {
        kit_send_borrower(&waiters[i], pool, KIT_PATIENCE_MS);
        KIT_AWAIT(kit_stats(pool).waiters == i + 1);
    }
}

static void
the_server_knows(int64_t sessions)
{
    assert_true(
        test_server_await_count(server, "app", sessions, KIT_PATIENCE_MS));
}

/* --- growing --------------------------------------------------------------------- */

static void
who_waits_is_served_when_the_pool_has_grown(void **state)
{
    (void)state;
    struct kit_borrower waiters[3];
    dew_pool *const pool = open_with(1, 1);
    borrow(pool, 1);
    send_in_order(waiters, 3, pool);
    resize(pool, 4, 4);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(kit_join(&waiters[i]), DEW_OK);
        kit_answers_are_its_own(waiters[i].conn.mysql);
    }
    the_server_knows(4);
    for (size_t i = 0; i < 3; i++) {
        kit_return(&waiters[i].conn);
    }
    give_back(0, 1);
    kit_close(pool);
}

/* Slots are added in three steps; each ticket finds its own. */
static void
loans_of_all_ages_find_their_slots(void **state)
{
    (void)state;
    dew_pool *const pool = open_with(1, 1);
    for (size_t i = 0; i < MANY; i++) {
        resize(pool, (uint32_t)i + 1, (uint32_t)i + 1);
        kit_answers_are_its_own(kit_borrow(pool, &conns[i]));
    }
    the_server_knows(MANY);
    for (size_t i = 0; i < MANY; i++) {
        dew_conn copy = conns[i];
        assert_int_equal(dew_ping(&copy, NULL), DEW_OK);
        kit_return(&conns[i]);
        assert_int_equal(dew_release(&copy), DEW_ESTALE);
    }
    assert_int_equal(kit_stats(pool).acquires, MANY);
    KIT_AWAIT(kit_stats(pool).conns_idle == MANY); /* the keeper looks at one */
    kit_close(pool);
}

/* --- shrinking --------------------------------------------------------------------- */

static void
those_that_rest_go_and_the_others_stay(void **state)
{
    (void)state;
    dew_pool *const pool = open_with(MANY, MANY);
    borrow(pool, MANY);
    give_back(0, MANY);
    resize(pool, 3, 3);
    KIT_AWAIT(kit_stats(pool).conns_open == 3);
    the_server_knows(3);
    const int64_t since_ms = kit_now_ms();
    KIT_AWAIT(kit_now_ms() - since_ms > 300); /* several looks later */
    KIT_AWAIT(kit_stats(pool).conns_idle == 3);
    assert_int_equal(kit_stats(pool).retired_shrink, MANY - 3);
    borrow(pool, 3);
    give_back(0, 3);
    assert_int_equal(kit_stats(pool).connects, MANY);
    kit_close(pool);
}

static void
loans_go_when_they_come_back_until_enough_are_gone(void **state)
{
    (void)state;
    dew_pool *const pool = open_with(6, 6);
    borrow(pool, 6);
    resize(pool, 2, 2);
    the_server_knows(6); /* no loan is cut */
    for (size_t i = 0; i < 6; i++) {
        kit_answers_are_its_own(conns[i].mysql);
    }
    give_back(0, 6); /* in a moment: none of them is hung up in between */
    kit_check(pool);
    the_server_knows(2);
    assert_int_equal(kit_stats(pool).retired_shrink, 4);
    KIT_AWAIT(kit_stats(pool).conns_idle == 2);
    kit_close(pool);
}

/* While more are lent than there may be, nobody gets a new one. */
static void
a_borrower_gets_one_of_those_that_stay(void **state)
{
    (void)state;
    struct kit_borrower waiter;
    dew_pool *const pool = open_with(3, 3);
    borrow(pool, 3);
    resize(pool, 1, 1);
    kit_send_borrower(&waiter, pool, KIT_PATIENCE_MS);
    KIT_AWAIT(kit_stats(pool).waiters == 1);
    give_back(0, 2);
    the_server_knows(1);
    assert_int_equal(kit_stats(pool).waiters, 1);
    give_back(2, 1);
    assert_int_equal(kit_join(&waiter), DEW_OK);
    kit_return(&waiter.conn);
    assert_int_equal(kit_stats(pool).connects, 3);
    kit_close(pool);
}

/* --- shrinking while it connects ---------------------------------------------------- */

static order_u32 connecting, go_on;

static int
hold_connect(MYSQL *mysql, void *arg)
{
    (void)mysql;
    (void)arg;
    (void)order_add_seq_u32(&connecting, 1);
    KIT_AWAIT(order_load_seq_u32(&go_on) != 0);
    return 0;
}

/* Two are under way and two are not begun: one of the former stays. */
static void
connects_under_way_are_closed_on_arrival(void **state)
{
    (void)state;
    struct kit_borrower waiters[4];
    order_init_u32(&connecting, 0);
    order_init_u32(&go_on, 0);
    config.connects_max = 2;
    config.on_connect = hold_connect;
    dew_pool *const pool = open_with(4, 4);
    send_in_order(waiters, 4, pool);
    KIT_AWAIT(order_load_seq_u32(&connecting) == 2);
    resize(pool, 1, 1);
    order_store_seq_u32(&go_on, 1);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(kit_join(&waiters[i]), DEW_OK);
        kit_return(&waiters[i].conn);
    }
    the_server_knows(1);
    const dew_stats stats = kit_stats(pool);
    assert_int_equal(stats.connects, 2);
    assert_int_equal(stats.retired_shrink, 1);
    kit_close(pool);
}

/* --- the rules of the numbers --------------------------------------------------------- */

static void
refuses(dew_pool *pool, uint32_t size, uint32_t maxsize, const char *why)
{
    dew_error error;
    assert_int_equal(dew_pool_resize(pool, size, maxsize, &error),
                     DEW_EINVAL);
    assert_int_equal(error.stage, DEW_STAGE_CONFIG);
    assert_string_equal(error.message, why);
}

static void
numbers_follow_the_rules_of_open(void **state)
{
    (void)state;
    config.pre_create = 2;
    dew_pool *const pool = open_with(3, 4);
    refuses(pool, DEW_OFF, 4, "size is DEW_OFF; allowed are 1 to 65535");
    refuses(pool, 2, DEW_ZERO, "maxsize is DEW_ZERO; allowed are 1 to 65535");
    refuses(pool, 65536, 0, "size is 65536; allowed are 1 to 65535");
    refuses(pool, 5, 4, "size is 5; allowed are 1 to 4 (maxsize)");
    refuses(pool, 1, 4, "pre_create is 2; allowed are 1 to 1 (size) or zero");
    assert_int_equal(dew_pool_resize(NULL, 1, 1, NULL), DEW_EINVAL);
    /* All is as it was. */
    borrow(pool, 4);
    dew_conn one_more;
    assert_int_equal(dew_acquire(pool, 300, &one_more, NULL), DEW_ETIMEDOUT);
    /* Unset: ten at once, a hundred at most. */
    resize(pool, 0, 0);
    for (size_t i = 4; i < 10; i++) {
        (void)kit_borrow(pool, &conns[i]);
    }
    dew_error error;
    assert_int_equal(dew_acquire(pool, DEW_NO_WAIT, &one_more, &error),
                     DEW_ETIMEDOUT);
    assert_non_null(strstr(error.message, "at most 100"));
    give_back(0, 10);
    kit_close(pool);
}

/* One who waits more or less is enough to tell eight per session. */
static void
a_line_that_was_not_given_goes_with_maxsize(void **state)
{
    (void)state;
    enum { EIGHT = 8 };
    struct kit_borrower waiters[EIGHT + 1];
    dew_conn conn;
    dew_pool *const pool = open_with(1, 2);
    resize(pool, 1, 1);
    borrow(pool, 1);
    send_in_order(waiters, EIGHT, pool);
    assert_int_equal(dew_acquire(pool, 1000, &conn, NULL), DEW_EFULL);
    config.waiters_max = 1;
    dew_pool *const other = open_with(1, 1);
    resize(other, 2, 2);
    dew_conn both[2];
    (void)kit_borrow(other, &both[0]);
    (void)kit_borrow(other, &both[1]);
    kit_send_borrower(&waiters[EIGHT], other, KIT_PATIENCE_MS);
    KIT_AWAIT(kit_stats(other).waiters == 1);
    assert_int_equal(dew_acquire(other, 1000, &conn, NULL), DEW_EFULL);
    kit_return(&both[0]);
    kit_return(&both[1]);
    assert_int_equal(kit_join(&waiters[EIGHT]), DEW_OK);
    kit_return(&waiters[EIGHT].conn);
    kit_close(other);
    give_back(0, 1);
    for (size_t i = 0; i < EIGHT; i++) {
        assert_int_equal(kit_join(&waiters[i]), DEW_OK);
        kit_return(&waiters[i].conn);
    }
    kit_close(pool);
}

static void
a_closing_pool_is_not_resized(void **state)
{
    (void)state;
    dew_pool *const pool = open_with(1, 1);
    borrow(pool, 1);
    assert_int_equal(dew_pool_close(pool, DEW_NO_WAIT, NULL), DEW_EBUSY);
    assert_int_equal(dew_pool_resize(pool, 2, 2, NULL), DEW_ECLOSED);
    give_back(0, 1);
    assert_int_equal(dew_pool_close(pool, KIT_PATIENCE_MS, NULL), DEW_OK);
}

/* --- without threads, and several at once ----------------------------------------------- */

static void
without_threads_returns_and_tend_do_it(void **state)
{
    (void)state;
    config.flags = DEW_NO_THREADS;
    dew_pool *const pool = open_with(6, 6);
    borrow(pool, 6);
    give_back(0, 3);
    resize(pool, 1, 1);
    the_server_knows(6);
    assert_true(dew_pool_tend(pool) >= 0); /* three that rest */
    the_server_knows(3);
    kit_check(pool);
    give_back(3, 2); /* nobody has to come for them */
    the_server_knows(1);
    assert_int_equal(kit_stats(pool).retired_shrink, 5);
    give_back(5, 1);
    resize(pool, 2, 2);
    borrow(pool, 2);
    the_server_knows(2);
    give_back(0, 2);
    kit_close(pool);
}

static void *
resize_often(void *pool)
{
    for (uint32_t i = 0; i < 200; i++) {
        const uint32_t size = i % 7 + 1;
        assert_int_equal(dew_pool_resize(pool, size, size + i % 3, NULL),
                         DEW_OK);
    }
    return NULL;
}

static void
resizes_at_the_same_time_come_one_after_the_other(void **state)
{
    (void)state;
    pthread_t threads[3];
    dew_pool *const pool = open_with(4, 4);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(
            pthread_create(&threads[i], NULL, resize_often, pool), 0);
    }
    for (size_t i = 0; i < 100; i++) {
        dew_conn conn;
        kit_answers_are_its_own(kit_borrow(pool, &conn));
        kit_return(&conn);
        kit_check(pool);
    }
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    resize(pool, 1, 1);
    KIT_AWAIT(kit_stats(pool).conns_open <= 1);
    kit_close(pool);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(who_waits_is_served_when_the_pool_has_grown,
                               prepare),
        cmocka_unit_test_setup(loans_of_all_ages_find_their_slots, prepare),
        cmocka_unit_test_setup(those_that_rest_go_and_the_others_stay,
                               prepare),
        cmocka_unit_test_setup(
            loans_go_when_they_come_back_until_enough_are_gone, prepare),
        cmocka_unit_test_setup(a_borrower_gets_one_of_those_that_stay,
                               prepare),
        cmocka_unit_test_setup(connects_under_way_are_closed_on_arrival,
                               prepare),
        cmocka_unit_test_setup(numbers_follow_the_rules_of_open, prepare),
        cmocka_unit_test_setup(a_line_that_was_not_given_goes_with_maxsize,
                               prepare),
        cmocka_unit_test_setup(a_closing_pool_is_not_resized, prepare),
        cmocka_unit_test_setup(without_threads_returns_and_tend_do_it,
                               prepare),
        cmocka_unit_test_setup(
            resizes_at_the_same_time_come_one_after_the_other, prepare),
    };
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
