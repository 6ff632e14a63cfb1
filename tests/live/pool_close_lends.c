/* SPDX-License-Identifier: MIT */
/* Goal: a borrow that is still at work when a close begins ends without a
 * session. Method: on_connect, which runs in the middle of a borrow, does not
 * return before a close of the pool has begun. */
/* ctest: timeout=60 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fixture/pool_kit.h"

static struct test_server *server;

struct closing {
    dew_pool *pool;
    pthread_t thread;
    dew_code code;
    unsigned calls, nth; /* of on_connect; in the nth the close begins */
};

static void *
close_patiently(void *arg)
{
    struct closing *const closing = arg;

    closing->code = dew_pool_close(closing->pool, KIT_PATIENCE_MS, NULL);
    return NULL;
}

/* Asks on a thread of its own: the caller is in a callback of the pool. */
static bool
refuses_new_ones(dew_pool *pool)
{
    struct kit_borrower borrower;

    kit_send_borrower(&borrower, pool, DEW_NO_WAIT);
    return kit_join(&borrower) == DEW_ECLOSED;
}

static int
close_meanwhile(MYSQL *mysql, void *arg)
{
    struct closing *const closing = arg;

    (void)mysql;
    if (++closing->calls == closing->nth) {
        assert_int_equal(pthread_create(&closing->thread, NULL,
                                        close_patiently, closing),
                         0);
        KIT_AWAIT(refuses_new_ones(closing->pool));
    }
    return 0;
}

static void
open_for(struct closing *closing, uint32_t flags, unsigned nth)
{
    dew_config config;

    *closing = (struct closing){.code = DEW_EBUSY, .nth = nth};
    kit_config(&config, server);
    config.flags = flags;
    config.on_connect = close_meanwhile;
    config.on_connect_arg = closing;
    closing->pool = kit_open(&config);
}

static void
is_refused_and_the_close_goes_on(struct closing *closing)
{
    dew_conn conn;
    dew_error error;

    assert_int_equal(
        dew_acquire(closing->pool, KIT_PATIENCE_MS, &conn, &error),
        DEW_ECLOSED);
    assert_int_equal(closing->calls, closing->nth);
    assert_int_equal(error.code, DEW_ECLOSED);
    assert_int_equal(conn.ticket, 0);
    assert_int_equal(pthread_join(closing->thread, NULL), 0);
    assert_int_equal(closing->code, DEW_OK);
    assert_true(test_server_await_count(server, "app", 0, KIT_PATIENCE_MS));
}

static void
session_that_was_settled_during_the_close_is_not_lent(void **state)
{
    struct closing closing;
    dew_conn conn;

    (void)state;
    open_for(&closing, 0, 2);
    loan_do(kit_borrow(closing.pool, &conn), "SET @a = 1");
    kit_return(&conn);
    is_refused_and_the_close_goes_on(&closing);
}

static void
session_that_the_borrower_opened_during_the_close_is_not_lent(void **state)
{
    struct closing closing;

    (void)state;
    open_for(&closing, DEW_NO_THREADS, 1);
    is_refused_and_the_close_goes_on(&closing);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(session_that_was_settled_during_the_close_is_not_lent),
        cmocka_unit_test(
            session_that_the_borrower_opened_during_the_close_is_not_lent),
    };
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
