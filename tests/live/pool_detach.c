/* SPDX-License-Identifier: MIT */
/* Goal: a detached handle is its caller's and nobody else's, a discarded one
 * is gone, and a scoped one comes back however its scope is left. Method: do
 * each on a pool of one session, and see that its place is free again. */
/* ctest: timeout=60 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fixture/pool_kit.h"
#include "fixture/prompt.h"

static struct test_server *server;

static dew_pool *
open_pool(void)
{
    dew_config config;
    kit_config(&config, server);
    return kit_open(&config);
}

static void
detached_handle_outlives_the_pool_and_its_place_is_free(void **state)
{
    (void)state;
    dew_pool *const pool = open_pool();
    dew_conn conn;
    const int64_t id = kit_server_id(kit_borrow(pool, &conn));
    MYSQL *const mine = dew_detach(&conn);
    assert_non_null(mine);
    assert_null(conn.mysql);
    assert_int_equal(conn.ticket, 0);
    /* maxsize is 1: only a free place lets another one in. */
    assert_int_not_equal(kit_server_id(kit_borrow(pool, &conn)), id);
    kit_return(&conn);
    assert_int_equal(kit_stats(pool).detached, 1);
    assert_int_equal(kit_stats(pool).conns_open, 1);
    kit_close(pool);
    assert_int_equal(kit_server_id(mine), id);
    kit_answers_are_its_own(mine);
    mysql_close(mine);
    assert_true(test_server_await_count(server, "app", 0, KIT_PATIENCE_MS));
}

static void
detached_handle_is_as_its_borrower_left_it(void **state)
{
    (void)state;
    char text[LOAN_TEXT];
    dew_pool *const pool = open_pool();
    dew_conn conn;
    MYSQL *const mysql = kit_borrow(pool, &conn);
    loan_do(mysql, "SET @mine = 9");
    MYSQL_STMT *const stmt = mysql_stmt_init(mysql);
    assert_int_equal(mysql_stmt_prepare(stmt, "SELECT @mine", 12), 0);
    assert_int_equal(mysql_query(mysql, "SELECT @mine"), 0);
    MYSQL *const mine = dew_detach(&conn);
    assert_ptr_equal(mine, mysql);
    MYSQL_RES *const result = mysql_store_result(mine);
    assert_string_equal(mysql_fetch_row(result)[0], "9");
    mysql_free_result(result);
    assert_int_equal(mysql_stmt_execute(stmt), 0);
    assert_int_equal(mysql_stmt_store_result(stmt), 0);
    assert_int_equal(mysql_stmt_close(stmt), 0);
    assert_string_equal(loan_ask(mine, "SELECT @mine", text), "9");
    mysql_close(mine);
    kit_close(pool);
}

static void
detach_lets_a_waiter_have_a_new_session(void **state)
{
    (void)state;
    dew_pool *const pool = open_pool();
    dew_conn conn;
    struct kit_borrower waiter;
    (void)kit_borrow(pool, &conn);
    kit_send_borrower(&waiter, pool, KIT_PATIENCE_MS);
    KIT_AWAIT(kit_stats(pool).waiters == 1);
    MYSQL *const mine = dew_detach(&conn);
    assert_int_equal(kit_join(&waiter), DEW_OK);
    kit_answers_are_its_own(waiter.conn.mysql);
    kit_return(&waiter.conn);
    mysql_close(mine);
    kit_close(pool);
}

static void
discard_lets_a_waiter_have_a_new_session(void **state)
{
    (void)state;
    dew_pool *const pool = open_pool();
    dew_conn conn;
    struct kit_borrower waiter;
    const int64_t id = kit_server_id(kit_borrow(pool, &conn));
    kit_send_borrower(&waiter, pool, KIT_PATIENCE_MS);
    KIT_AWAIT(kit_stats(pool).waiters == 1);
    assert_int_equal(dew_discard(&conn), DEW_OK);
    assert_int_equal(kit_join(&waiter), DEW_OK);
    assert_int_not_equal(kit_server_id(waiter.conn.mysql), id);
    kit_return(&waiter.conn);
    assert_int_equal(kit_stats(pool).discarded, 1);
    assert_true(test_server_await_count(server, "app", 1, KIT_PATIENCE_MS));
    kit_close(pool);
}

static void
discard_in_the_middle_of_a_result_is_at_once(void **state)
{
    (void)state;
    dew_pool *const pool = open_pool();
    dew_conn conn;
    MYSQL *const mysql = kit_borrow(pool, &conn);
    assert_int_equal(
        mysql_query(mysql, "SELECT REPEAT('x', 9000) FROM a, a AS b, a AS c"),
        0);
    const int64_t since_ms = kit_now_ms();
    assert_int_equal(dew_discard(&conn), DEW_OK);
    ASSERT_PROMPT(since_ms, 0, 250);
    kit_answers_are_its_own(kit_borrow(pool, &conn));
    kit_return(&conn);
    kit_close(pool);
}

enum way { TO_THE_END, BY_RETURN, RETURNED_BEFORE, DETACHED, NEVER_BORROWED };

static MYSQL *
leave_scope(dew_pool *pool, enum way way)
{
    DEW_SCOPED dew_conn conn = DEW_CONN_INIT;
    if (way == NEVER_BORROWED) {
        return NULL;
    }
    kit_answers_are_its_own(kit_borrow(pool, &conn));
    switch (way) {
    case BY_RETURN:
        return NULL;
    case RETURNED_BEFORE:
        kit_return(&conn);
        return NULL;
    case DETACHED:
        return dew_detach(&conn);
    case TO_THE_END:
    case NEVER_BORROWED:
        break;
    }
    loan_do(conn.mysql, "SET @left = 1");
    return NULL;
}

static void
scoped_loan_comes_back_however_its_scope_is_left(void **state)
{
    (void)state;
    char text[LOAN_TEXT];
    dew_pool *const pool = open_pool();
    for (int way = TO_THE_END; way <= NEVER_BORROWED; way++) {
        MYSQL *const mine = leave_scope(pool, (enum way)way);
        assert_int_equal(mine != NULL, way == DETACHED);
        assert_int_equal(kit_stats(pool).conns_leased, 0);
        dew_conn conn;
        assert_string_equal(
            loan_ask(kit_borrow(pool, &conn), "SELECT @left", text), "NULL");
        kit_return(&conn);
        if (mine != NULL) {
            mysql_close(mine);
        }
    }
    assert_int_equal(kit_stats(pool).stale_returns, 0);
    kit_close(pool);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            detached_handle_outlives_the_pool_and_its_place_is_free),
        cmocka_unit_test(detached_handle_is_as_its_borrower_left_it),
        cmocka_unit_test(detach_lets_a_waiter_have_a_new_session),
        cmocka_unit_test(discard_lets_a_waiter_have_a_new_session),
        cmocka_unit_test(discard_in_the_middle_of_a_result_is_at_once),
        cmocka_unit_test(scoped_loan_comes_back_however_its_scope_is_left),
    };
    prompt_watch();
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
