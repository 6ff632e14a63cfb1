/* SPDX-License-Identifier: MIT */
/* Goal: sessions that die while they rest are noticed and replaced before
 * anybody borrows them. Method: KILL all of them at the server; nobody borrows
 * until the pool holds what it was told to hold; then the server's own ids
 * tell who is lent. */
/* ctest: timeout=60 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fixture/pool_kit.h"

enum { SIZE = 24, FLOOR = 4 };

static struct test_server *server;

static int
do_nothing(MYSQL *mysql, void *arg)
{
    (void)mysql;
    (void)arg;
    return 0;
}

/* SIZE sessions that rest, each with the answer to its reset still unread
 * unless the keeper has read it. The highest of their ids. */
static int64_t
let_rest(dew_pool *pool)
{
    dew_conn conn[SIZE];
    int64_t highest = 0;
    for (size_t i = 0; i < SIZE; i++) {
        const int64_t id = kit_server_id(kit_borrow(pool, &conn[i]));
        highest = id > highest ? id : highest;
    }
    for (size_t i = 0; i < SIZE; i++) {
        kit_return(&conn[i]);
    }
    KIT_AWAIT(kit_stats(pool).conns_idle == SIZE);
    return highest;
}

static void
kill_all_and_borrow(dew_config *config)
{
    dew_conn conn[FLOOR];
    config->size = config->maxsize = SIZE;
    config->pre_create = FLOOR;
    dew_pool *const pool = kit_open(config);
    const int64_t highest = let_rest(pool);
    const uint64_t acquires = kit_stats(pool).acquires;
    assert_int_equal(test_server_kill_user(server, "app"), 0);
    KIT_AWAIT(kit_stats(pool).retired_broken == SIZE);
    KIT_AWAIT(kit_stats(pool).conns_idle == FLOOR);
    assert_true(test_server_await_count(server, "app", FLOOR, KIT_PATIENCE_MS));
    assert_int_equal(kit_stats(pool).acquires, acquires);
    /* Before anybody borrows, who may meet one that the keeper looks at, and
     * have one more opened. */
    KIT_AWAIT(kit_stats(pool).conns_open == FLOOR);
    assert_int_equal(kit_stats(pool).connects, SIZE + FLOOR);
    for (size_t i = 0; i < FLOOR; i++) {
        assert_true(kit_server_id(kit_borrow(pool, &conn[i])) > highest);
    }
    for (size_t i = 0; i < FLOOR; i++) {
        kit_return(&conn[i]);
    }
    assert_int_equal(kit_stats(pool).connect_failures, 0);
    kit_close(pool);
}

static void
sessions_killed_at_rest_are_replaced_before_anybody_borrows(void **state)
{
    (void)state;
    dew_config config;
    kit_config(&config, server);
    kill_all_and_borrow(&config);
}

/* Only a borrower may read their answers, but all can see that they died. */
static void
so_are_those_that_wait_for_on_connect(void **state)
{
    (void)state;
    dew_config config;
    kit_config(&config, server);
    config.on_connect = do_nothing;
    kill_all_and_borrow(&config);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            sessions_killed_at_rest_are_replaced_before_anybody_borrows),
        cmocka_unit_test(so_are_those_that_wait_for_on_connect),
    };
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
