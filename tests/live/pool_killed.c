/* SPDX-License-Identifier: MIT */
/* Goal: a server that dies or stops while a pool opens or closes leaves a clear
 * answer in bounded time and nothing else. Method: kill -9 and SIGSTOP out of
 * the callback of the n-th session of an open, and just before a close that
 * has sessions in every state to end. */
/* ctest: timeout=120 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/order.h"
#include "fixture/pool_kit.h"
#include "fixture/prompt.h"

#define SESSIONS 8
#define CONNECT_MS 500
/* Far more than a busy machine adds, far less than any other bound here. */
#define LATE_MS 1500
#define CLOSE_MS 2000

static struct test_server *server;
static order_u32 connected, fallen;

/* How the server goes, and comes again. */
struct blow {
    void (*fall)(struct test_server *server);
    void (*rise)(struct test_server *server);
    uint32_t nth; /* session that is connected when it falls */
};

static const struct blow death = {test_server_kill, test_server_restart, 0};
static const struct blow halt = {test_server_freeze, test_server_thaw, 0};

static int
fall_at_nth(MYSQL *mysql, void *arg)
{
    const struct blow *const blow = arg;

    (void)mysql;
    const uint32_t number = order_add_seq_u32(&connected, 1) + 1;
    if (number == blow->nth) {
        blow->fall(server);
        order_store_seq_u32(&fallen, 1);
    } else if (number > blow->nth) {
        /* Or the other opener would bring all that are wanted meanwhile. */
        KIT_AWAIT(order_load_seq_u32(&fallen) != 0);
    }
    return 0;
}

/* The pool wants eight sessions, and the server is gone at the n-th. */
static void
open_under(struct blow blow, uint32_t nth)
{
    const struct kit_traces before = kit_traces();
    dew_config config;
    dew_error error;
    dew_pool *pool = NULL;

    blow.nth = nth;
    order_store_seq_u32(&connected, 0);
    order_store_seq_u32(&fallen, 0);
    kit_config(&config, server);
    config.size = config.maxsize = config.pre_create = SESSIONS;
    config.connects_max = 2;
    config.connect_timeout_ms = CONNECT_MS;
    config.on_connect = fall_at_nth;
    config.on_connect_arg = &blow;
    const int64_t since_ms = kit_now_ms();
    const dew_code code = dew_pool_open(&pool, &config, &error);
    const int64_t took_ms = kit_now_ms() - since_ms;
    print_message("at session %u: %s, errno %u, in %lld ms\n", nth,
                  dew_code_name(code), error.mysql_errno, (long long)took_ms);
    blow.rise(server);
    assert_int_equal(code, DEW_ECONNECT);
    assert_int_equal(error.stage, DEW_STAGE_CONNECT);
    assert_null(pool);
    assert_in_range(prompt_ms(since_ms, took_ms, CONNECT_MS + LATE_MS), 0,
                    CONNECT_MS + LATE_MS);
    assert_true(error.mysql_errno == 2002 || error.mysql_errno == 2013 ||
                error.mysql_errno == 2006);
    kit_left_nothing(&before);
    assert_true(test_server_await_count(server, "app", 0, KIT_PATIENCE_MS));
}

static void
opens_now(void)
{
    dew_config config;
    dew_conn conn;

    kit_config(&config, server);
    config.size = config.maxsize = config.pre_create = SESSIONS;
    dew_pool *const pool = kit_open(&config);
    kit_answers_are_its_own(kit_borrow(pool, &conn));
    kit_return(&conn);
    kit_close(pool);
    assert_true(test_server_await_count(server, "app", 0, KIT_PATIENCE_MS));
}

static void
open_at_each_moment(struct blow blow)
{
    open_under(blow, 1);
    open_under(blow, 3);
    open_under(blow, SESSIONS - 2); /* one more may be under way */
    opens_now();
}

static void
open_fails_when_the_server_dies_in_the_middle_of_it(void **state)
{
    (void)state;
    open_at_each_moment(death);
}

static void
open_fails_when_the_server_stops_in_the_middle_of_it(void **state)
{
    (void)state;
    open_at_each_moment(halt);
}

/* One rests clean, one behind a reset, one is in a query, one is to be hung
 * up, one hangs in its connect, and somebody waits. */
static void
close_under(struct blow blow)
{
    const struct kit_traces before = kit_traces();
    struct kit_borrower waiting;
    dew_config config;
    dew_conn conn[4];

    kit_config(&config, server);
    config.size = config.maxsize = 4;
    config.fail_fast_after_ms = DEW_OFF;
    dew_pool *const pool = kit_open(&config);
    for (size_t i = 0; i < 4; i++) {
        (void)kit_borrow(pool, &conn[i]);
    }
    kit_send_borrower(&waiting, pool, DEW_WAIT_FOREVER);
    KIT_AWAIT(kit_stats(pool).waiters == 1);
    loan_do(conn[1].mysql, "SET @left = 1");
    loan_send(conn[2].mysql, "SELECT SLEEP(5)");
    blow.fall(server);
    assert_int_equal(dew_discard(&conn[3]), DEW_OK);
    assert_int_equal(dew_pool_close(pool, DEW_NO_WAIT, NULL), DEW_EBUSY);
    assert_int_equal(kit_join(&waiting), DEW_ECLOSED);
    for (size_t i = 0; i < 3; i++) {
        kit_return(&conn[i]);
    }
    const int64_t since_ms = kit_now_ms();
    kit_close(pool);
    const int64_t took_ms = kit_now_ms() - since_ms;
    print_message("closed in %lld ms\n", (long long)took_ms);
    blow.rise(server);
    assert_in_range(prompt_ms(since_ms, took_ms, CLOSE_MS), 0, CLOSE_MS);
    kit_left_nothing(&before);
    assert_true(test_server_await_count(server, "app", 0, KIT_PATIENCE_MS));
    opens_now();
}

static void
close_ends_when_the_server_dies_before_it(void **state)
{
    (void)state;
    close_under(death);
}

static void
close_ends_when_the_server_stops_before_it(void **state)
{
    (void)state;
    close_under(halt);
}

/* Whatever became of a test, the next one finds the server running. */
static int
raise_it(void **state)
{
    (void)state;
    if (test_server_pid(server) == 0) {
        test_server_restart(server);
    }
    test_server_thaw(server);
    return 0;
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(
            open_fails_when_the_server_dies_in_the_middle_of_it, raise_it),
        cmocka_unit_test_teardown(
            open_fails_when_the_server_stops_in_the_middle_of_it, raise_it),
        cmocka_unit_test_teardown(close_ends_when_the_server_dies_before_it,
                                  raise_it),
        cmocka_unit_test_teardown(close_ends_when_the_server_stops_before_it,
                                  raise_it),
    };
    prompt_watch();
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
