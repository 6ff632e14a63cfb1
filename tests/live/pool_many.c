/* SPDX-License-Identifier: MIT */
/* Goal: what the keeper watches at once is bounded, what it sees to is not.
 * Method: a server that is frozen owes more goodbyes, or more answers, than
 * there is room for; places are free again, and no session is lost. */
/* ctest: timeout=60 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fixture/pool_kit.h"
#include "keeper/farewell.h"
#include "keeper/late.h"

#define MANY 90
_Static_assert(MANY > FAREWELLS_MAX && MANY > LATES_MAX,
               "else nothing is shown");

static struct test_server *server;
static dew_conn conn[MANY];

static dew_pool *
open_and_borrow_all(void)
{
    dew_config config;

    kit_config(&config, server);
    config.size = config.maxsize = MANY;
    config.connects_max = 8;
    config.keepalive_ms = config.idle_timeout_ms = DEW_OFF;
    config.ping_timeout_ms = 2 * KIT_PATIENCE_MS;
    dew_pool *const pool = kit_open(&config);
    for (int i = 0; i < MANY; i++) {
        (void)kit_borrow(pool, &conn[i]);
    }
    return pool;
}

static void
more_goodbyes_than_are_waited_for_leave_no_place_taken(void **state)
{
    (void)state;
    dew_pool *const pool = open_and_borrow_all();

    test_server_freeze(server);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(dew_discard(&conn[i]), DEW_OK);
    }
    /* While the server still says nothing. */
    KIT_AWAIT(kit_stats(pool).conns_open == 0);
    kit_check(pool);
    test_server_thaw(server);
    assert_int_equal(kit_stats(pool).discarded, MANY);
    kit_answers_are_its_own(kit_borrow(pool, &conn[0]));
    kit_return(&conn[0]);
    kit_close(pool);
}

static void
more_late_answers_than_are_watched_all_come_back(void **state)
{
    (void)state;
    struct kit_borrower waiter;
    dew_pool *const pool = open_and_borrow_all();

    for (int i = 0; i < MANY; i++) {
        loan_do(conn[i].mysql, "SET @a = 1");
    }
    test_server_freeze(server);
    for (int i = 0; i < MANY; i++) {
        kit_return(&conn[i]);
    }
    /* He meets one after the other, and gives each to the keeper. */
    kit_send_borrower(&waiter, pool, DEW_WAIT_FOREVER);
    KIT_AWAIT(kit_stats(pool).conns_idle == 0);
    kit_check(pool);
    test_server_thaw(server);
    assert_int_equal(kit_join(&waiter), DEW_OK);
    kit_return(&waiter.conn);
    for (int i = 0; i < MANY; i++) {
        kit_answers_are_its_own(kit_borrow(pool, &conn[i]));
    }
    assert_int_equal(kit_stats(pool).connects, MANY);
    for (int i = 0; i < MANY; i++) {
        kit_return(&conn[i]);
    }
    kit_close(pool);
}

static int
set_up(void **state)
{
    (void)state;
    server = test_server_start(NULL);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    test_server_stop(server);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            more_goodbyes_than_are_waited_for_leave_no_place_taken),
        cmocka_unit_test(more_late_answers_than_are_watched_all_come_back),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
