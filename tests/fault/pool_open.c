/* SPDX-License-Identifier: MIT */
/* Goal: an open that fails at any step says why, leaves nothing, and the next
 * one succeeds. Method: the n-th allocation, thread or connect of an open fails,
 * once or from then on, for each n until there are no more of them. */
/* ctest: timeout=120 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/fault.h"
#include "fixture/pool_kit.h"

#define SESSIONS 3
/* More steps than an open has: a countdown that does not end is a bug. */
#define STEPS_MAX 500

static struct test_server *server;
static uint32_t flags;

static void
configure(dew_config *config)
{
    kit_config(config, server);
    config->flags = flags;
    config->size = config->maxsize = config->pre_create = SESSIONS;
    config->init_sql = "SET @a = 1";
}

static void
works(dew_pool *pool)
{
    dew_conn conn;

    kit_answers_are_its_own(kit_borrow(pool, &conn));
    kit_return(&conn);
    kit_close(pool);
}

static void
error_is_filled(dew_code code, const dew_error *error, enum fault_point point)
{
    assert_int_equal(error->code, code);
    assert_int_not_equal(error->stage, DEW_STAGE_NONE);
    assert_string_not_equal(error->message, "");
    switch (point) {
    case FAULT_ALLOC: assert_int_equal(code, DEW_ENOMEM); break;
    case FAULT_THREAD:
        assert_int_equal(code, DEW_ESYSTEM);
        assert_int_not_equal(error->os_errno, 0);
        break;
    case FAULT_CONNECT:
        assert_int_equal(code, DEW_ECONNECT);
        assert_int_equal(error->mysql_errno, 2003);
        assert_string_equal(error->sqlstate, "HY000");
        break;
    case FAULT_RESET:
    case FAULT_PING:
    case FAULT_ONCE:
    case FAULT_DESCRIPTOR:
    case FAULT_POLL:
    case FAULT_SIGNAL:
    case FAULT_RANDOM:
    case FAULT_CLOCK_JUMP:
    case FAULT_CLOCK_STILL:
    case FAULT_FUTEX:
    case FAULT_POINTS: fail();
    }
}

/* False: nothing fired any more. */
static bool
open_with_fault(enum fault_point point, uint32_t nth, bool for_good)
{
    const struct kit_traces before = kit_traces();
    dew_pool *pool = (dew_pool *)&flags;
    dew_error error = {.code = DEW_OK};
    dew_config config;

    configure(&config);
    fault_arm(point, nth, for_good);
    const dew_code code = dew_pool_open(&pool, &config, &error);
    const bool fired = fault_passes(point) >= nth;
    fault_arm(point, 0, false);
    if (code == DEW_OK) {
        works(pool);
    } else {
        assert_null(pool);
        assert_true(fired);
        error_is_filled(code, &error, point);
    }
    kit_left_nothing(&before);
    configure(&config);
    works(kit_open(&config));
    /* Its threads are gone before the next one counts. */
    kit_left_nothing(&before);
    return fired;
}

static void
count_down(enum fault_point point)
{
    for (uint32_t for_good = 0; for_good < 2; for_good++) {
        uint32_t nth = 1;

        while (open_with_fault(point, nth, for_good != 0)) {
            assert_true(++nth < STEPS_MAX);
        }
        assert_true(nth > 1);
    }
}

static void
open_survives_every_allocation_that_fails(void **state)
{
    (void)state;
    count_down(FAULT_ALLOC);
}

static void
open_survives_every_thread_that_does_not_start(void **state)
{
    (void)state;
    count_down(FAULT_THREAD);
}

static void
open_survives_every_connect_that_is_refused(void **state)
{
    (void)state;
    count_down(FAULT_CONNECT);
}

static int
with_threads(void **state)
{
    (void)state;
    flags = 0;
    return 0;
}

static int
without_threads(void **state)
{
    (void)state;
    flags = DEW_NO_THREADS;
    return 0;
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(open_survives_every_allocation_that_fails,
                               with_threads),
        cmocka_unit_test_setup(open_survives_every_thread_that_does_not_start,
                               with_threads),
        cmocka_unit_test_setup(open_survives_every_connect_that_is_refused,
                               with_threads),
        cmocka_unit_test_setup(open_survives_every_allocation_that_fails,
                               without_threads),
        cmocka_unit_test_setup(open_survives_every_connect_that_is_refused,
                               without_threads),
    };
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
