/* SPDX-License-Identifier: MIT */
/* Goal: a pool in whose line nobody may wait still fills up. Method: waiters_max
 * is DEW_ZERO; who finds nothing is refused, and who comes back later is not. */
/* ctest: timeout=60 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "fixture/pool_kit.h"

static struct test_server *server;

static dew_pool *
open_without_a_line(uint32_t size, uint32_t flags)
{
    dew_config config;

    kit_config(&config, server);
    config.size = config.maxsize = size;
    config.flags = flags;
    config.waiters_max = DEW_ZERO;
    return kit_open(&config);
}

/* He would have waited longer than this test lasts. */
static void
refuse_one(dew_pool *pool, const char *told)
{
    dew_conn conn;
    dew_error error;

    assert_int_equal(dew_acquire(pool, DEW_WAIT_FOREVER, &conn, &error),
                     DEW_EFULL);
    assert_int_equal(conn.ticket, 0);
    if (strstr(error.message, told) == NULL) {
        fail_msg("%s", error.message);
    }
}

static void
who_may_not_wait_orders_a_session_for_the_next(void **state)
{
    dew_pool *const pool = open_without_a_line(2, 0);
    dew_conn first, second;

    (void)state;
    refuse_one(pool, "waiters_max is 0");
    KIT_AWAIT(kit_stats(pool).conns_idle == 1);
    kit_answers_are_its_own(kit_borrow(pool, &first));
    refuse_one(pool, "try again");
    KIT_AWAIT(kit_stats(pool).conns_idle == 1);
    kit_answers_are_its_own(kit_borrow(pool, &second));
    /* Not one more than there may be. */
    refuse_one(pool, "2 of at most 2 sessions open, 2 lent, 0 being opened, "
                     "0 waiting");
    assert_int_equal(kit_stats(pool).connects, 2);
    kit_return(&first);
    kit_return(&second);
    kit_close(pool);
}

static void
nothing_is_ordered_of_a_suspended_pool(void **state)
{
    dew_pool *const pool = open_without_a_line(1, 0);

    (void)state;
    dew_pool_suspend(pool);
    refuse_one(pool, "0 being opened");
    refuse_one(pool, "dew_pool_resume");
    dew_pool_resume(pool);
    refuse_one(pool, "waiters_max is 0");
    KIT_AWAIT(kit_stats(pool).conns_idle == 1);
    kit_close(pool);
}

/* Who opens by himself does not wait for that, and has nobody to order from. */
static void
who_opens_by_himself_is_served_at_once(void **state)
{
    dew_pool *const pool = open_without_a_line(1, DEW_NO_THREADS);
    dew_conn conn;

    (void)state;
    kit_answers_are_its_own(kit_borrow(pool, &conn));
    refuse_one(pool, "1 lent, 0 being opened");
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
        cmocka_unit_test(who_may_not_wait_orders_a_session_for_the_next),
        cmocka_unit_test(nothing_is_ordered_of_a_suspended_pool),
        cmocka_unit_test(who_opens_by_himself_is_served_at_once),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
