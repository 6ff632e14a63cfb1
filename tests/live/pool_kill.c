/* SPDX-License-Identifier: MIT */
/* Goal: a session that an administrator kills costs nobody but its holder an
 * error, whatever it was doing. Method: KILL it by its id while it rests, is
 * lent, is in a result, or owes the answer to its reset; borrow again. */
/* ctest: timeout=90 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/fault.h"
#include "fixture/pool_kit.h"

static struct test_server *server;

static dew_pool *
open_pool(uint32_t bypass_ms, uint32_t maxsize)
{
    dew_config config;
    kit_config(&config, server);
    config.bypass_ms = bypass_ms;
    config.size = maxsize;
    config.maxsize = maxsize;
    /* So that the sweep is not the one who finds it. */
    config.idle_timeout_ms = DEW_OFF;
    return kit_open(&config);
}

static void
works_again_with_a_new_one(dew_pool *pool, dew_conn *conn, int64_t old_id)
{
    MYSQL *const mysql = kit_borrow(pool, conn);
    assert_int_not_equal(kit_server_id(mysql), old_id);
    kit_answers_are_its_own(mysql);
    const dew_stats stats = kit_stats(pool);
    assert_int_equal(stats.retired_broken, 1);
    assert_int_equal(stats.connects, 2);
    assert_int_equal(stats.conns_open, 1);
    kit_return(conn);
    kit_close(pool);
    assert_true(test_server_await_count(server, "app", 0, KIT_PATIENCE_MS));
}

/* An untouched loan owes no reset: the session rests with nothing pending. */
static void
session_killed_while_it_rests_is_not_lent(void **state)
{
    (void)state;
    dew_pool *const pool = open_pool(DEW_ZERO, 1);
    dew_conn conn;
    const int64_t id = kit_server_id(kit_borrow(pool, &conn));
    (void)kit_next(pool, &conn);
    kit_return(&conn);
    assert_int_equal(kit_stats(pool).conns_idle, 1);
    kit_kill(server, id);
    works_again_with_a_new_one(pool, &conn, id);
}

static void
session_killed_while_its_reset_is_pending_is_not_lent(void **state)
{
    (void)state;
    dew_pool *const pool = open_pool(0, 1);
    dew_conn conn;
    const int64_t id = kit_server_id(kit_borrow(pool, &conn));
    test_server_freeze(server);
    kit_return(&conn); /* its reset is sent, and nobody reads it */
    test_server_thaw(server);
    kit_kill(server, id);
    /* Perhaps the reset was answered before the KILL: then only a look tells,
     * and within bypass_ms nobody looks. Both ways are right. */
    MYSQL *const mysql = kit_borrow(pool, &conn);
    if (mysql_query(mysql, "DO 0") != 0) {
        assert_in_range(mysql_errno(mysql), 2006, 2013);
    }
    kit_return(&conn);
    works_again_with_a_new_one(pool, &conn, id);
}

static void
session_killed_while_it_is_lent_is_not_lent_again(void **state)
{
    (void)state;
    dew_pool *const pool = open_pool(0, 1);
    dew_conn conn;
    MYSQL *const mysql = kit_borrow(pool, &conn);
    const int64_t id = kit_server_id(mysql);
    kit_kill(server, id);
    assert_int_not_equal(mysql_query(mysql, "DO 0"), 0);
    kit_return(&conn);
    works_again_with_a_new_one(pool, &conn, id);
}

/* The borrower never noticed: its return does. */
static void
session_killed_behind_its_borrowers_back_is_not_lent_again(void **state)
{
    (void)state;
    dew_pool *const pool = open_pool(0, 1);
    dew_conn conn;
    const int64_t id = kit_server_id(kit_borrow(pool, &conn));
    kit_kill(server, id);
    kit_return(&conn);
    works_again_with_a_new_one(pool, &conn, id);
}

static void
session_killed_in_the_middle_of_a_result_is_not_lent_again(void **state)
{
    (void)state;
    dew_pool *const pool = open_pool(0, 1);
    dew_conn conn;
    MYSQL *const mysql = kit_borrow(pool, &conn);
    const int64_t id = kit_server_id(mysql);
    assert_int_equal(
        mysql_query(mysql, "SELECT REPEAT('x', 9000) FROM a, a AS b, a AS c"),
        0);
    MYSQL_RES *const result = mysql_use_result(mysql);
    assert_non_null(mysql_fetch_row(result));
    kit_kill(server, id);
    while (mysql_fetch_row(result) != NULL) {
    }
    assert_int_not_equal(mysql_errno(mysql), 0);
    mysql_free_result(result);
    kit_return(&conn);
    works_again_with_a_new_one(pool, &conn, id);
}

/* One dead session makes the others suspect: each is probed once, and none of
 * the living is replaced. */
static void
living_ones_outlast_a_killed_one(void **state)
{
    (void)state;
    dew_pool *const pool = open_pool(DEW_ZERO, 3);
    dew_conn conn[3];
    for (size_t i = 0; i < 3; i++) {
        (void)kit_borrow(pool, &conn[i]);
    }
    const int64_t id = kit_server_id(conn[1].mysql);
    kit_kill(server, id);
    for (size_t i = 0; i < 3; i++) {
        kit_return(&conn[i]);
    }
    for (size_t i = 0; i < 3; i++) {
        MYSQL *const mysql = kit_borrow(pool, &conn[i]);
        assert_int_not_equal(kit_server_id(mysql), id);
    }
    for (size_t i = 0; i < 3; i++) {
        kit_return(&conn[i]);
    }
    const dew_stats stats = kit_stats(pool);
    assert_int_equal(stats.connects, 4);
    assert_int_equal(stats.retired_broken, 1);
    kit_close(pool);
}

/* Both rest within bypass_ms, where nobody looks; one of them is found dead. No
 * keeper is there to find it first, and one shard gives the first one first. */
static void
death_of_one_has_the_next_probed_before_it_is_lent(void **state)
{
    (void)state;
    dew_config config;
    kit_config(&config, server);
    config.flags = DEW_NO_THREADS;
    config.maxsize = 2;
    config.burst_after_ms = 1;
    config.bypass_ms = 60000;
    dew_pool *const pool = kit_open(&config);
    dew_conn dies, lives;
    kit_answers_are_its_own(kit_borrow(pool, &dies));
    MYSQL *const mysql = kit_borrow(pool, &lives);
    /* Its reset is sent, nothing of the other's is; and it is not the one that
     * rests because its answer is late. */
    kit_return_answered(&dies);
    kit_return(&lives);
    assert_int_equal(kit_stats(pool).pings, 0);
    fault_arm(FAULT_RESET, 1, false);
    assert_ptr_equal(kit_borrow(pool, &lives), mysql);
    const dew_stats stats = kit_stats(pool);
    assert_int_equal(stats.retired_broken, 1);
    assert_int_equal(stats.pings, 1);
    kit_return(&lives);
    kit_close(pool);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(session_killed_while_it_rests_is_not_lent),
        cmocka_unit_test(
            session_killed_while_its_reset_is_pending_is_not_lent),
        cmocka_unit_test(session_killed_while_it_is_lent_is_not_lent_again),
        cmocka_unit_test(
            session_killed_behind_its_borrowers_back_is_not_lent_again),
        cmocka_unit_test(
            session_killed_in_the_middle_of_a_result_is_not_lent_again),
        cmocka_unit_test(living_ones_outlast_a_killed_one),
        cmocka_unit_test(death_of_one_has_the_next_probed_before_it_is_lent),
    };
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
