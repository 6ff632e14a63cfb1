/* SPDX-License-Identifier: MIT */
/* Goal: a ticket is that of one loan: no other one opens anything. Method: every
 * ticket that differs from a good one in a bit, and the tickets of many loans of
 * one session. */
/* ctest: timeout=60 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fixture/pool_kit.h"

static struct test_server *server;

static dew_pool *
open_pool(void)
{
    dew_config config;

    kit_config(&config, server);
    return kit_open(&config);
}

/* Whatever its bits mean: another place of this pool, or one of none. */
static void
ticket_with_one_bit_changed_is_stale(void **state)
{
    (void)state;
    dew_conn conn;
    dew_error error;
    dew_pool *const pool = open_pool();

    (void)kit_borrow(pool, &conn);
    for (int bit = 0; bit < 64; bit++) {
        dew_conn forged = conn;

        forged.ticket ^= UINT64_C(1) << bit;
        const dew_conn again = forged;
        assert_int_equal(dew_ping(&forged, &error), DEW_ESTALE);
        assert_int_equal(dew_deadline(&forged, 1000, &error), DEW_ESTALE);
        assert_int_equal(dew_release(&forged), DEW_ESTALE);
        forged = again;
        assert_int_equal(dew_discard(&forged), DEW_ESTALE);
        forged = again;
        assert_null(dew_detach(&forged));
    }
    kit_answers_are_its_own(conn.mysql);
    kit_return(&conn);
    kit_close(pool);
}

/* More of them than a slot has numbers in store. */
static void
each_of_many_loans_has_a_ticket_of_its_own(void **state)
{
    (void)state;
    dew_conn conn;
    dew_pool *const pool = open_pool();

    (void)kit_borrow(pool, &conn);
    dew_conn first = conn;
    for (int i = 0; i < 70000; i++) {
        dew_conn last = conn;

        (void)kit_next(pool, &conn);
        assert_int_not_equal(conn.ticket, first.ticket);
        assert_int_equal(dew_release(&last), DEW_ESTALE);
    }
    assert_int_equal(dew_release(&first), DEW_ESTALE);
    kit_answers_are_its_own(conn.mysql);
    kit_return(&conn);
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
        cmocka_unit_test(ticket_with_one_bit_changed_is_stale),
        cmocka_unit_test(each_of_many_loans_has_a_ticket_of_its_own),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
