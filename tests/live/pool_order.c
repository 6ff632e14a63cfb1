/* SPDX-License-Identifier: MIT */
/* Goal: who is served next is as handoff_after_ms says: in strict order, the
 * oldest after a while, or whoever runs. Method: one waits, another one comes
 * at the moment of a return, and does not wait; who has the session then? */
/* ctest: timeout=60 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/fault.h"
#include "base/order.h"
#include "fixture/pool_kit.h"

static struct test_server *server;

static dew_pool *
open_with(uint32_t handoff_after_ms)
{
    dew_config config;

    kit_config(&config, server);
    config.handoff_after_ms = handoff_after_ms;
    return kit_open(&config);
}

static order_u32 joined;

/* Who waits is counted before he is in line. */
static void
note_who_is_in_line(const char *name, void *arg)
{
    (void)arg;
    if (strcmp(name, "pond.joined") == 0) {
        order_store_seq_u32(&joined, 1);
    }
}

/* The session is given back beside one who has waited for a while, and at once
 * asked for again: true if the newcomer has it. */
static bool
newcomer_passes(dew_pool *pool, int64_t waited_ms)
{
    struct kit_borrower waiter;
    dew_conn held, newcomer;

    (void)kit_borrow(pool, &held);
    order_store_seq_u32(&joined, 0);
    race_hook(note_who_is_in_line, NULL);
    kit_send_borrower(&waiter, pool, DEW_WAIT_FOREVER);
    KIT_AWAIT(order_load_seq_u32(&joined) != 0);
    race_hook(NULL, NULL);
    assert_int_equal(kit_stats(pool).waiters, 1);
    const int64_t since_ms = kit_now_ms();
    KIT_AWAIT(kit_now_ms() - since_ms >= waited_ms);
    assert_int_equal(dew_acquire(pool, DEW_NO_WAIT, &newcomer, NULL),
                     DEW_ETIMEDOUT);
    kit_return(&held);
    const bool passed =
        dew_acquire(pool, DEW_NO_WAIT, &newcomer, NULL) == DEW_OK;
    if (passed) {
        kit_return(&newcomer);
    }
    assert_int_equal(kit_join(&waiter), DEW_OK);
    kit_return(&waiter.conn);
    return passed;
}

static void
in_strict_order_nobody_passes_who_waits(void **state)
{
    (void)state;
    dew_pool *const pool = open_with(DEW_ZERO);

    for (int i = 0; i < 200; i++) {
        assert_false(newcomer_passes(pool, 0));
    }
    kit_close(pool);
}

static void
who_has_waited_for_long_is_not_passed(void **state)
{
    (void)state;
    dew_pool *const pool = open_with(1);

    for (int i = 0; i < 20; i++) {
        assert_false(newcomer_passes(pool, 10));
    }
    kit_close(pool);
}

/* Unless that is switched off; who was woken may be quicker now and then. */
static void
without_a_handover_who_has_waited_for_long_is_passed_too(void **state)
{
    (void)state;
    dew_pool *const pool = open_with(DEW_OFF);

    KIT_AWAIT(newcomer_passes(pool, 10));
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
        cmocka_unit_test(in_strict_order_nobody_passes_who_waits),
        cmocka_unit_test(who_has_waited_for_long_is_not_passed),
        cmocka_unit_test(
            without_a_handover_who_has_waited_for_long_is_passed_too),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
