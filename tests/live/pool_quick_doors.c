/* SPDX-License-Identifier: MIT */
/* Goal: the short way is open to every thread that has come once, and to slots
 * that a resize has added; it ends what it begins, and where it is left, nothing
 * stays in the dew_conn. Method: threads that only borrow or only return, a pool
 * that has grown, tickets that are no loan's; after each call the thread is asked
 * whether it is still in a read-side section. */
/* ctest: timeout=60 */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/reclaim.h"
#include "base/thread.h"
#include "fixture/pool_kit.h"

#define LOANS 3

static struct test_server *server;

static dew_pool *
open_with(uint32_t size, uint32_t flags)
{
    dew_config config;

    kit_config(&config, server);
    config.size = config.maxsize = size;
    config.flags = flags;
    return kit_open(&config);
}

/* --- threads ------------------------------------------------------------------- */

/* What a thread was known as before its first call, and after each. */
struct visitor {
    dew_pool *pool;
    dew_conn conns[LOANS];
    uint32_t known[LOANS + 1];
    uint32_t id;
};

static void *
only_borrow(void *arg)
{
    struct visitor *const visitor = arg;

    visitor->id = (uint32_t)gettid();
    visitor->known[0] = thread_outside_id;
    for (size_t i = 0; i < LOANS; i++) {
        (void)kit_borrow(visitor->pool, &visitor->conns[i]);
        visitor->known[i + 1] = thread_outside_id;
    }
    return NULL;
}

static void *
only_return(void *arg)
{
    struct visitor *const visitor = arg;

    visitor->id = (uint32_t)gettid();
    visitor->known[0] = thread_outside_id;
    for (size_t i = 0; i < LOANS; i++) {
        kit_return(&visitor->conns[i]);
        visitor->known[i + 1] = thread_outside_id;
    }
    return NULL;
}

static void
is_known_from_its_first_call_on(struct visitor *visitor, void *(*body)(void *))
{
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, body, visitor), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(visitor->known[0], 0);
    for (size_t i = 0; i < LOANS; i++) {
        assert_int_equal(visitor->known[i + 1], visitor->id);
    }
}

static void
thread_that_only_borrows_takes_the_short_way_from_the_second_time_on(
    void **state)
{
    struct visitor visitor = {.pool = open_with(LOANS, 0)};

    (void)state;
    is_known_from_its_first_call_on(&visitor, only_borrow);
    for (size_t i = 0; i < LOANS; i++) {
        kit_return(&visitor.conns[i]);
    }
    kit_close(visitor.pool);
}

static void
thread_that_only_returns_takes_the_short_way_from_the_second_time_on(
    void **state)
{
    struct visitor visitor = {.pool = open_with(LOANS, 0)};

    (void)state;
    for (size_t i = 0; i < LOANS; i++) {
        (void)kit_borrow(visitor.pool, &visitor.conns[i]);
    }
    is_known_from_its_first_call_on(&visitor, only_return);
    kit_close(visitor.pool);
}

/* --- slots that a resize has added ------------------------------------------------ */

#define FIRST_ADDED 1

static void
is_stale_and_over(dew_conn stale)
{
    const dew_conn zero = DEW_CONN_INIT;

    assert_int_equal(dew_release(&stale), DEW_ESTALE);
    assert_false(reclaim_is_reading());
    assert_memory_equal(&stale, &zero, sizeof zero);
}

/* What a loan's first returns are asked is another way: their time is taken. */
static void
return_to_an_added_slot_ends_its_section(void **state)
{
    enum { PAIRS = 40 };
    dew_conn first, conn;
    dew_pool *const pool = open_with(FIRST_ADDED, 0);

    (void)state;
    (void)kit_borrow(pool, &first);
    assert_int_equal(
        dew_pool_resize(pool, FIRST_ADDED + 1, FIRST_ADDED + 1, NULL), DEW_OK);
    for (size_t i = 0; i < PAIRS; i++) {
        (void)kit_borrow(pool, &conn);
        assert_int_equal(conn.ticket & 0xffff, FIRST_ADDED);
        const dew_conn copy = conn;
        kit_return(&conn);
        assert_false(reclaim_is_reading());
        is_stale_and_over(copy);
    }
    assert_int_equal(kit_stats(pool).stale_returns, PAIRS);
    assert_int_equal(kit_stats(pool).connects, 2);
    kit_return(&first);
    kit_close(pool);
}

/* The loan's own number, in other places: at rest, never used, and none. */
static void
ticket_of_an_added_slot_that_is_not_lent_is_stale(void **state)
{
    dew_conn conns[2], forged;
    dew_pool *const pool = open_with(FIRST_ADDED, 0);

    (void)state;
    (void)kit_borrow(pool, &conns[0]);
    assert_int_equal(dew_pool_resize(pool, 3, 3, NULL), DEW_OK);
    (void)kit_borrow(pool, &conns[1]);
    const dew_conn rests = conns[1];
    kit_return(&conns[1]);
    is_stale_and_over(rests);
    for (uint64_t index = FIRST_ADDED; index <= 0xffff; index++) {
        forged = conns[0];
        forged.ticket = (forged.ticket & ~UINT64_C(0xffff)) | index;
        is_stale_and_over(forged);
    }
    kit_answers_are_its_own(conns[0].mysql);
    kit_return(&conns[0]);
    assert_false(reclaim_is_reading());
    kit_close(pool);
}

/* --- what is left in a dew_conn ---------------------------------------------------- */

/* It held something before, as a dew_conn on the stack does. */
static void
is_refused_and_zeroed(dew_pool *pool)
{
    const dew_conn zero = DEW_CONN_INIT;
    dew_conn conn;

    memset(&conn, 0x5a, sizeof conn);
    assert_int_equal(dew_acquire(pool, DEW_NO_WAIT, &conn, NULL),
                     DEW_ETIMEDOUT);
    assert_memory_equal(&conn, &zero, sizeof zero);
    assert_false(reclaim_is_reading());
}

/* Nothing rests; and: something does, it was taken, and it may not be lent. */
static void
refused_borrow_leaves_nothing_in_the_conn_wherever_it_turned_back(void **state)
{
    dew_conn conn;
    dew_pool *const pool = open_with(1, 0);

    (void)state;
    (void)kit_borrow(pool, &conn);
    is_refused_and_zeroed(pool);
    kit_return(&conn);
    dew_pool_suspend(pool);
    is_refused_and_zeroed(pool);
    dew_pool_resume(pool);
    (void)kit_borrow(pool, &conn);
    kit_return(&conn);
    kit_close(pool);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            thread_that_only_borrows_takes_the_short_way_from_the_second_time_on),
        cmocka_unit_test(
            thread_that_only_returns_takes_the_short_way_from_the_second_time_on),
        cmocka_unit_test(return_to_an_added_slot_ends_its_section),
        cmocka_unit_test(ticket_of_an_added_slot_that_is_not_lent_is_stale),
        cmocka_unit_test(
            refused_borrow_leaves_nothing_in_the_conn_wherever_it_turned_back),
    };
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
