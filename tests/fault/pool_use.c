/* SPDX-License-Identifier: MIT */
/* Goal: whatever fails while a pool is used, every call says so, the invariants
 * hold, and the pool works when it is over. Method: the n-th allocation,
 * thread, connect, reset or probe of a borrower's life fails, once or from then
 * on, for each n until there are no more of them. */
/* ctest: timeout=120 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/fault.h"
#include "fixture/pool_kit.h"

/* Long enough for a connect, short enough for one that cannot come. */
#define BORROW_MS 500
/* More steps than a life has: a countdown that does not end is a bug. */
#define STEPS_MAX 500

static struct test_server *server;
static uint32_t flags;

static void
configure(dew_config *config)
{
    kit_config(config, server);
    config->flags = flags;
    config->size = 1;
    config->maxsize = 2;
    config->bypass_ms = DEW_ZERO;
    config->burst_after_ms = DEW_ZERO;
    config->fail_fast_after_ms = 20;
}

/* A refusal that a borrower can make something of. */
static void
is_told(dew_code code, const dew_error *error)
{
    if (code == DEW_OK) {
        return;
    }
    assert_int_equal(error->code, code);
    assert_string_not_equal(error->message, "");
    assert_true(code == DEW_ENOMEM || code == DEW_ESYSTEM ||
                code == DEW_ECONNECT || code == DEW_ETIMEDOUT);
    if (code == DEW_ESYSTEM) {
        assert_int_not_equal(error->os_errno, 0);
    }
}

static bool
borrow(dew_pool *pool, dew_conn *conn)
{
    dew_error error = {.code = DEW_OK};
    const dew_code code = dew_acquire(pool, BORROW_MS, conn, &error);

    is_told(code, &error);
    assert_true((code == DEW_OK) == (conn->mysql != NULL));
    return code == DEW_OK;
}

/* Borrows, uses and gives back in every way; each step may fail. */
static void
live(dew_pool *pool)
{
    dew_error error = {.code = DEW_OK};
    dew_conn one, two;

    if (borrow(pool, &one)) {
        is_told(dew_ping(&one, &error), &error);
        if (flags == 0) {
            errno = 0; /* none is left over for the answer */
            is_told(dew_deadline(&one, 60000, &error), &error);
            is_told(dew_deadline(&one, -1, &error), &error);
        }
        if (borrow(pool, &two)) {
            assert_int_equal(dew_discard(&two), DEW_OK);
        }
        (void)mysql_query(one.mysql, "DO 1");
        assert_int_equal(dew_release(&one), DEW_OK);
    }
    is_told(dew_pool_set_credentials(pool, "app", "app", &error), &error);
    if (borrow(pool, &one)) {
        assert_int_equal(dew_release(&one), DEW_OK);
    }
}

/* False: nothing fired any more. */
static bool
live_with_fault(enum fault_point point, uint32_t nth, bool for_good)
{
    const struct kit_traces before = kit_traces();
    dew_config config;
    dew_conn conn[2];

    configure(&config);
    dew_pool *const pool = kit_open(&config);
    fault_arm(point, nth, for_good);
    live(pool);
    const bool fired = fault_passes(point) >= nth;
    fault_arm(point, 0, false);
    kit_check(pool);
    /* All of its places, not only the one that a failure may have spared. */
    for (size_t i = 0; i < 2; i++) {
        while (dew_acquire(pool, KIT_PATIENCE_MS, &conn[i], NULL) != DEW_OK) {
            KIT_AWAIT(kit_stats(pool).timeouts < 100);
        }
        kit_answers_are_its_own(conn[i].mysql);
    }
    kit_return(&conn[0]);
    kit_return(&conn[1]);
    kit_close(pool);
    kit_left_nothing(&before);
    return fired;
}

static void
count_down(enum fault_point point)
{
    for (uint32_t for_good = 0; for_good < 2; for_good++) {
        uint32_t nth = 1;

        while (live_with_fault(point, nth, for_good != 0)) {
            assert_true(++nth < STEPS_MAX);
        }
        assert_true(nth > 1);
    }
}

static void
pool_survives_every_allocation_that_fails(void **state)
{
    (void)state;
    count_down(FAULT_ALLOC);
}

static void
pool_survives_every_thread_that_does_not_start(void **state)
{
    (void)state;
    count_down(FAULT_THREAD);
}

static void
pool_survives_every_connect_that_is_refused(void **state)
{
    (void)state;
    count_down(FAULT_CONNECT);
}

static void
pool_survives_every_reset_that_fails(void **state)
{
    (void)state;
    count_down(FAULT_RESET);
}

static void
pool_survives_every_probe_that_fails(void **state)
{
    (void)state;
    count_down(FAULT_PING);
}

static void
connection_without_a_pool_survives_every_step_that_fails(void **state)
{
    static const enum fault_point points[] = {FAULT_ALLOC, FAULT_THREAD,
                                              FAULT_CONNECT};
    const struct kit_traces before = kit_traces();
    dew_config config;
    dew_conn conn;

    (void)state;
    configure(&config);
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        dew_error error = {.code = DEW_OK};
        uint32_t nth = 0;

        do {
            fault_arm(points[i], ++nth, false);
            const dew_code code = dew_connect(&config, &conn, &error);
            is_told(code, &error);
            if (code == DEW_OK) {
                is_told(dew_deadline(&conn, 60000, &error), &error);
                assert_int_equal(dew_release(&conn), DEW_OK);
            }
            assert_true(nth < STEPS_MAX);
        } while (fault_passes(points[i]) >= nth);
        fault_arm(points[i], 0, false);
        assert_true(nth > 1);
        kit_left_nothing(&before);
    }
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

#define BOTH(test)                                                             \
    cmocka_unit_test_setup(test, with_threads),                                \
        cmocka_unit_test_setup(test, without_threads)

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        BOTH(pool_survives_every_allocation_that_fails),
        cmocka_unit_test_setup(pool_survives_every_thread_that_does_not_start,
                               with_threads),
        BOTH(pool_survives_every_connect_that_is_refused),
        BOTH(pool_survives_every_reset_that_fails),
        BOTH(pool_survives_every_probe_that_fails),
        cmocka_unit_test_setup(
            connection_without_a_pool_survives_every_step_that_fails,
            with_threads),
    };
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
