/* SPDX-License-Identifier: MIT */
/* Goal: a close refuses, wakes, waits, and leaves nothing: no session on the
 * server, no thread, no descriptor. Method: close pools with waiters, with
 * loans out, with a query that does not end, and with connects that hang. */
/* ctest: timeout=90 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/fault.h"
#include "fixture/pool_kit.h"
#include "fixture/prompt.h"
#include "fixture/stall.h"
#include "keeper/farewell.h"

/* Where the close has nothing to wait for. */
#define AT_ONCE_MS 1000

static struct test_server *server;
static struct kit_traces before;

static dew_pool *
open_pool(void)
{
    dew_config config;
    kit_config(&config, server);
    before = kit_traces();
    return kit_open(&config);
}

static void
nothing_is_left(void)
{
    kit_left_nothing(&before);
    assert_true(test_server_await_count(server, "app", 0, KIT_PATIENCE_MS));
}

static void
close_of_a_pool_at_rest_leaves_nothing(void **state)
{
    (void)state;
    dew_config config;
    kit_config(&config, server);
    config.size = config.maxsize = config.pre_create = 6;
    before = kit_traces();
    dew_pool *const pool = kit_open(&config);
    dew_conn conn;
    loan_do(kit_borrow(pool, &conn), "DO 1");
    kit_return(&conn);
    /* By the time it returns, not some time later; but it waits no longer than
     * that for a server that is slow to let go. */
    const int64_t since_ms = kit_now_ms();
    kit_close(pool);
    const bool let_go = kit_now_ms() - since_ms < FAREWELL_LIMIT_MS;
    assert_true(test_server_await_count(
        server, "app", 0,
        let_go ? test_server_list_lag_ms(server) : KIT_PATIENCE_MS));
    nothing_is_left();
}

static void
close_of_a_pool_that_never_connected_leaves_nothing(void **state)
{
    (void)state;
    kit_close(open_pool());
    nothing_is_left();
}

static void
close_wakes_who_waits_and_refuses_who_comes(void **state)
{
    (void)state;
    enum { WAITERS = 4 };
    struct kit_borrower waiters[WAITERS];
    dew_pool *const pool = open_pool();
    dew_conn conn, late;
    dew_error error;
    (void)kit_borrow(pool, &conn);
    for (size_t i = 0; i < WAITERS; i++) {
        kit_send_borrower(&waiters[i], pool, DEW_WAIT_FOREVER);
    }
    KIT_AWAIT(kit_stats(pool).waiters == WAITERS);
    assert_int_equal(dew_pool_close(pool, DEW_NO_WAIT, &error), DEW_EBUSY);
    for (size_t i = 0; i < WAITERS; i++) {
        assert_int_equal(kit_join(&waiters[i]), DEW_ECLOSED);
        assert_int_equal(waiters[i].error.code, DEW_ECLOSED);
        assert_null(waiters[i].conn.mysql);
    }
    assert_int_equal(dew_acquire(pool, DEW_WAIT_FOREVER, &late, &error),
                     DEW_ECLOSED);
    assert_int_equal(dew_acquire(pool, DEW_NO_WAIT, &late, &error),
                     DEW_ECLOSED);
    kit_answers_are_its_own(conn.mysql); /* the loan is not cut */
    kit_return(&conn);
    assert_int_equal(dew_acquire(pool, DEW_NO_WAIT, &late, &error),
                     DEW_ECLOSED);
    kit_close(pool);
    nothing_is_left();
}

static void *
close_with_patience(void *arg)
{
    static dew_code code;
    code = dew_pool_close(arg, KIT_PATIENCE_MS, NULL);
    return &code;
}

static void
close_waits_for_a_loan_and_ends_when_it_returns(void **state)
{
    (void)state;
    dew_pool *const pool = open_pool();
    dew_conn conn, refused;
    dew_error error;
    pthread_t closer;
    void *code;
    (void)kit_borrow(pool, &conn);
    assert_int_equal(pthread_create(&closer, NULL, close_with_patience, pool),
                     0);
    KIT_AWAIT(dew_acquire(pool, DEW_NO_WAIT, &refused, &error) ==
              DEW_ECLOSED);
    assert_int_equal(dew_pool_close(pool, DEW_NO_WAIT, &error), DEW_EBUSY);
    const int64_t since_ms = kit_now_ms();
    kit_return(&conn);
    assert_int_equal(pthread_join(closer, &code), 0);
    assert_int_equal(*(dew_code *)code, DEW_OK);
    ASSERT_PROMPT(since_ms, 0, AT_ONCE_MS);
    nothing_is_left();
}

static void
close_is_busy_for_its_grace_while_a_loan_is_out(void **state)
{
    (void)state;
    dew_pool *const pool = open_pool();
    dew_conn conn;
    dew_error error;
    (void)kit_borrow(pool, &conn);
    const int64_t since_ms = kit_now_ms();
    assert_int_equal(dew_pool_close(pool, 200, &error), DEW_EBUSY);
    ASSERT_PROMPT(since_ms, 199, AT_ONCE_MS);
    assert_non_null(strstr(error.message, "1 lent, 0 being opened or hung up"));
    kit_return(&conn);
    kit_close(pool);
    nothing_is_left();
}

static void
close_also_waits_for_discarded_and_detached_loans(void **state)
{
    (void)state;
    dew_config config;
    kit_config(&config, server);
    config.size = config.maxsize = 2;
    before = kit_traces();
    dew_pool *const pool = kit_open(&config);
    dew_conn one, two;
    (void)kit_borrow(pool, &one);
    (void)kit_borrow(pool, &two);
    assert_int_equal(dew_pool_close(pool, DEW_NO_WAIT, NULL), DEW_EBUSY);
    assert_int_equal(dew_discard(&one), DEW_OK);
    assert_int_equal(dew_pool_close(pool, DEW_NO_WAIT, NULL), DEW_EBUSY);
    MYSQL *const mine = dew_detach(&two);
    kit_close(pool);
    kit_answers_are_its_own(mine);
    mysql_close(mine);
    nothing_is_left();
}

struct sleeper {
    dew_conn conn;
    int result;
    dew_code released;
};

static void *
sleep_on_the_server(void *arg)
{
    struct sleeper *const sleeper = arg;
    sleeper->result = mysql_query(sleeper->conn.mysql, "DO SLEEP(60)");
    sleeper->released = dew_release(&sleeper->conn);
    return NULL;
}

static void
abort_cuts_a_loan_that_is_in_a_query(void **state)
{
    (void)state;
    struct sleeper sleeper = {.result = 0};
    dew_pool *const pool = open_pool();
    pthread_t thread;
    (void)kit_borrow(pool, &sleeper.conn);
    dew_pool_abort(pool); /* before the close it does nothing */
    kit_answers_are_its_own(sleeper.conn.mysql);
    assert_int_equal(
        pthread_create(&thread, NULL, sleep_on_the_server, &sleeper), 0);
    KIT_AWAIT(test_server_scalar(
                  server, "SELECT COUNT(*) FROM information_schema.processlist"
                          " WHERE info = 'DO SLEEP(60)'") == 1);
    assert_int_equal(dew_pool_close(pool, DEW_NO_WAIT, NULL), DEW_EBUSY);
    const int64_t since_ms = kit_now_ms();
    dew_pool_abort(pool);
    assert_int_equal(pthread_join(thread, NULL), 0);
    ASSERT_PROMPT(since_ms, 0, AT_ONCE_MS);
    assert_int_not_equal(sleeper.result, 0);
    assert_int_equal(sleeper.released, DEW_OK);
    kit_close(pool);
    nothing_is_left();
}

static void
close_does_not_wait_for_connects_that_hang(void **state)
{
    (void)state;
    static const enum stall_script scripts[] = {STALL_SILENT, STALL_DRIBBLE,
                                                STALL_GREETED};
    for (size_t i = 0; i < 3; i++) {
        dew_config config;
        dew_conn conn;
        before = kit_traces();
        struct stall *const stall = stall_start(scripts[i], false, 0);
        struct kit_borrower waiter;
        kit_config(&config, server);
        config.unix_socket = stall_socket(stall);
        config.connect_timeout_ms = 30000;
        dew_pool *const pool = kit_open(&config);
        kit_send_borrower(&waiter, pool, DEW_WAIT_FOREVER);
        KIT_AWAIT(kit_stats(pool).conns_opening == 1 &&
                  kit_stats(pool).waiters == 1);
        assert_int_equal(dew_acquire(pool, DEW_NO_WAIT, &conn, NULL),
                         DEW_ETIMEDOUT);
        const int64_t since_ms = kit_now_ms();
        assert_int_equal(dew_pool_close(pool, DEW_NO_WAIT, NULL), DEW_OK);
        ASSERT_PROMPT(since_ms, 0, AT_ONCE_MS);
        assert_int_equal(kit_join(&waiter), DEW_ECLOSED);
        stall_stop(stall);
        kit_left_nothing(&before);
    }
}

/* No thread can be started for it. */
static void
close_takes_back_an_order_that_nobody_began(void **state)
{
    (void)state;
    dew_conn conn;
    dew_pool *const pool = open_pool();

    fault_arm(FAULT_THREAD, 1, true);
    assert_int_not_equal(dew_acquire(pool, DEW_NO_WAIT, &conn, NULL), DEW_OK);
    assert_int_equal(kit_stats(pool).conns_opening, 1);
    assert_int_equal(dew_pool_close(pool, AT_ONCE_MS, NULL), DEW_OK);
    fault_arm(FAULT_THREAD, 0, false);
    nothing_is_left();
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(close_of_a_pool_at_rest_leaves_nothing),
        cmocka_unit_test(close_of_a_pool_that_never_connected_leaves_nothing),
        cmocka_unit_test(close_wakes_who_waits_and_refuses_who_comes),
        cmocka_unit_test(close_waits_for_a_loan_and_ends_when_it_returns),
        cmocka_unit_test(close_is_busy_for_its_grace_while_a_loan_is_out),
        cmocka_unit_test(close_also_waits_for_discarded_and_detached_loans),
        cmocka_unit_test(abort_cuts_a_loan_that_is_in_a_query),
        cmocka_unit_test(close_does_not_wait_for_connects_that_hang),
        cmocka_unit_test(close_takes_back_an_order_that_nobody_began),
    };
    prompt_watch();
    server = test_server_start(NULL);
    /* What the process keeps (the watchdog, the server's helper) begins with
     * the first pool. */
    dew_conn conn;
    dew_pool *const first = open_pool();
    assert_int_equal(test_server_count(server, "app"), 0);
    loan_do(kit_borrow(first, &conn), "DO 1");
    (void)kit_next(first, &conn);
    kit_return(&conn);
    kit_close(first);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
