/* SPDX-License-Identifier: MIT */
/* Goal: a session that a deadline has cut is never lent again, and the thread
 * of deadlines ends once. Method: deadlines pass while the server is frozen,
 * on loans that send nothing, whose return looks at nothing else. */
/* ctest: timeout=90 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/fault.h"
#include "fixture/pool_kit.h"
#include "keeper/deadline.h"
#include "session/flavour.h"

static struct test_server *server;

static dew_pool *
open_pool(uint32_t kill_timeout_ms)
{
    dew_config config;

    kit_config(&config, server);
    config.kill_timeout_ms = kill_timeout_ms;
    config.ping_timeout_ms = 3000;
    return kit_open(&config);
}

static bool
is_cut(MYSQL *mysql)
{
    struct pollfd seen = {flavour_socket(mysql), POLLIN, 0};

    return poll(&seen, 1, 0) == 1 && (seen.revents & POLLHUP) != 0;
}

static void
next_borrower_gets_another_one(dew_pool *pool, dew_conn *conn)
{
    kit_answers_are_its_own(kit_next(pool, conn));
    assert_int_equal(kit_stats(pool).retired_broken, 1);
    kit_return(conn);
    kit_close(pool);
}

static void
session_that_lost_its_socket_is_refused_until_it_is_released(void **state)
{
    dew_pool *const pool = open_pool(50);
    dew_conn conn;

    (void)state;
    MYSQL *const mysql = kit_borrow(pool, &conn);
    test_server_freeze(server);
    assert_int_equal(dew_deadline(&conn, 1, NULL), DEW_OK);
    KIT_AWAIT(is_cut(mysql));
    assert_int_equal(dew_deadline(&conn, -1, NULL), DEW_ECONNECT);
    assert_int_equal(dew_deadline(&conn, 1000, NULL), DEW_ECONNECT);
    test_server_thaw(server);
    next_borrower_gets_another_one(pool, &conn);
}

/* One KILL is asked for at a time: who waits for his turn is cut meanwhile. */
static void
socket_that_was_cut_before_its_kill_is_told_at_the_end(void **state)
{
    dew_pool *const slow = open_pool(3000);
    dew_pool *const pool = open_pool(50);
    dew_conn busy, conn;

    (void)state;
    MYSQL *const first = kit_borrow(slow, &busy);
    MYSQL *const mysql = kit_borrow(pool, &conn);
    test_server_freeze(server);
    assert_int_equal(dew_deadline(&busy, 1, NULL), DEW_OK);
    assert_int_equal(dew_deadline(&conn, 30, NULL), DEW_OK);
    KIT_AWAIT(is_cut(mysql));
    assert_false(is_cut(first));
    test_server_thaw(server);
    next_borrower_gets_another_one(pool, &conn);
    kit_return(&busy);
    kit_close(slow);
}

/* A user comes and goes while the thread of the users before him ends. */
static void
come_and_go(const char *name, void *arg)
{
    unsigned *const times = arg;

    if (strcmp(name, "deadline.ending") == 0 && (*times)++ == 0) {
        deadline_use();
        deadline_unuse();
    }
}

static void
thread_that_ends_is_joined_by_one(void **state)
{
    dew_pool *pool = open_pool(500);
    unsigned times = 0;
    dew_conn conn;

    (void)state;
    (void)kit_borrow(pool, &conn);
    assert_int_equal(dew_deadline(&conn, 60000, NULL), DEW_OK);
    kit_return(&conn);
    race_hook(come_and_go, &times);
    kit_close(pool);
    race_hook(NULL, NULL);
    assert_int_equal(times, 1);
    pool = open_pool(500);
    (void)kit_borrow(pool, &conn);
    assert_int_equal(dew_deadline(&conn, 60000, NULL), DEW_OK);
    kit_return(&conn);
    kit_close(pool);
}

static int
thaw(void **state)
{
    (void)state;
    race_hook(NULL, NULL);
    test_server_thaw(server);
    return 0;
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(
            session_that_lost_its_socket_is_refused_until_it_is_released,
            thaw),
        cmocka_unit_test_teardown(
            socket_that_was_cut_before_its_kill_is_told_at_the_end, thaw),
        cmocka_unit_test_teardown(thread_that_ends_is_joined_by_one, thaw),
    };
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
