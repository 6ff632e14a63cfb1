/* SPDX-License-Identifier: MIT */
/* Goal: a session found dead makes the older ones be probed, once each, before
 * they are lent; none that lives is replaced. Method: KILL some of a pool whose
 * sessions nobody would look at; the counter of pings and the server's own ids
 * tell what became of the others. */
/* ctest: timeout=90 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fixture/pool_kit.h"

enum { SIZE = 4 };

static struct test_server *server;
static dew_conn conns[SIZE];
static int64_t ids[SIZE];

/* SIZE sessions are lent. Within bypass_ms nobody looks at one that rests. */
static dew_pool *
open_and_borrow_all(uint32_t bypass_ms)
{
    dew_config config;

    kit_config(&config, server);
    config.size = config.maxsize = SIZE;
    config.bypass_ms = bypass_ms;
    config.keepalive_ms = config.idle_timeout_ms = config.lifetime_ms = DEW_OFF;
    dew_pool *const pool = kit_open(&config);
    for (size_t i = 0; i < SIZE; i++) {
        ids[i] = kit_server_id(kit_borrow(pool, &conns[i]));
    }
    /* Once more, so that their resets are answered and they owe none. */
    for (size_t i = 0; i < SIZE; i++) {
        kit_return(&conns[i]);
    }
    for (size_t i = 0; i < SIZE; i++) {
        ids[i] = (int64_t)mysql_thread_id(kit_borrow(pool, &conns[i]));
    }
    return pool;
}

static void
return_dead(size_t i)
{
    kit_kill(server, ids[i]);
    assert_int_not_equal(mysql_query(conns[i].mysql, "DO 0"), 0);
    kit_return(&conns[i]);
}

static void
return_all_from(size_t first)
{
    for (size_t i = first; i < SIZE; i++) {
        kit_return(&conns[i]);
    }
}

/* Those that rest are lent again: the same sessions, none of them new. (There is
 * room for one, for a borrower that meets the keeper's look at the last.) */
static void
borrow_the_old_from(dew_pool *pool, size_t first)
{
    int64_t sum = 0;

    for (size_t i = first; i < SIZE; i++) {
        sum += ids[i];
    }
    for (size_t i = first; i < SIZE; i++) {
        KIT_AWAIT(kit_stats(pool).conns_idle == SIZE - i);
        sum -= (int64_t)mysql_thread_id(kit_borrow(pool, &conns[i]));
    }
    assert_int_equal(sum, 0);
}

static void
death_that_a_return_finds_has_each_of_the_others_probed_once(void **state)
{
    (void)state;
    dew_pool *const pool = open_and_borrow_all(60000);
    assert_int_equal(kit_stats(pool).pings, 0);
    return_all_from(1);
    return_dead(0);
    borrow_the_old_from(pool, 1);
    assert_int_equal(kit_stats(pool).pings, SIZE - 1);
    return_all_from(1);
    borrow_the_old_from(pool, 1);
    assert_int_equal(kit_stats(pool).pings, SIZE - 1);
    return_all_from(1);
    assert_int_equal(kit_stats(pool).retired_broken, 1);
    assert_int_equal(kit_stats(pool).connects, SIZE);
    kit_close(pool);
}

/* Nobody borrows: the keeper finds it, and asks the others himself. */
static void
death_that_the_keeper_finds_has_each_of_the_others_probed_once(void **state)
{
    (void)state;
    dew_pool *const pool = open_and_borrow_all(DEW_ZERO);
    return_all_from(0);
    kit_kill(server, ids[0]);
    KIT_AWAIT(kit_stats(pool).retired_broken == 1);
    /* The dead one was asked, too: something could be read of it. */
    KIT_AWAIT(kit_stats(pool).pings == SIZE);
    KIT_AWAIT(kit_stats(pool).conns_idle == SIZE - 1);
    borrow_the_old_from(pool, 1);
    return_all_from(1);
    assert_int_equal(kit_stats(pool).pings, SIZE);
    assert_int_equal(kit_stats(pool).connects, SIZE);
    kit_close(pool);
}

/* Two of the same outage: who stood the test after the first is not asked
 * again for the second. */
static void
deaths_of_one_outage_are_one_suspicion(void **state)
{
    (void)state;
    dew_pool *const pool = open_and_borrow_all(60000);
    return_all_from(2);
    return_dead(0);
    borrow_the_old_from(pool, 2);
    assert_int_equal(kit_stats(pool).pings, SIZE - 2);
    return_all_from(2);
    return_dead(1);
    borrow_the_old_from(pool, 2);
    assert_int_equal(kit_stats(pool).pings, SIZE - 2);
    assert_int_equal(kit_stats(pool).retired_broken, 2);
    return_all_from(2);
    kit_close(pool);
}

/* And one that dies later is another one. */
static void
session_opened_after_a_death_is_above_suspicion(void **state)
{
    (void)state;
    dew_pool *const pool = open_and_borrow_all(60000);
    return_dead(0);
    ids[0] = (int64_t)mysql_thread_id(kit_borrow(pool, &conns[0]));
    kit_return(&conns[0]);
    assert_int_equal(mysql_thread_id(kit_borrow(pool, &conns[0])), ids[0]);
    assert_int_equal(kit_stats(pool).pings, 0);
    assert_int_equal(kit_stats(pool).connects, SIZE + 1);
    return_all_from(1);
    return_dead(0);
    borrow_the_old_from(pool, 1);
    assert_int_equal(kit_stats(pool).pings, SIZE - 1);
    return_all_from(1);
    kit_close(pool);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            death_that_a_return_finds_has_each_of_the_others_probed_once),
        cmocka_unit_test(
            death_that_the_keeper_finds_has_each_of_the_others_probed_once),
        cmocka_unit_test(deaths_of_one_outage_are_one_suspicion),
        cmocka_unit_test(session_opened_after_a_death_is_above_suspicion),
    };
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
