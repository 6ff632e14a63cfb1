/* SPDX-License-Identifier: MIT */
/* Goal: a mysql_stmt_close after the loan touches nobody's session. */
/* Method: loans with an open statement end in every way; the statement knows
 * no session from then on, while the pool has not even hung up yet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <dewpond.h>

#include "fixture/server.h"

static struct test_server *server;
static dew_pool *pool;

/* Without threads of its own: nothing is hung up before dew_pool_tend. */
static void
open_pool(dew_reset reset)
{
    dew_config config = DEW_CONFIG_INIT;
    dew_error error;

    config.user = config.password = "app";
    config.database = "t";
    config.unix_socket = test_server_socket(server);
    config.flags = DEW_NO_THREADS;
    config.reset = reset;
    if (dew_pool_open(&pool, &config, &error) != DEW_OK) {
        fail_msg("open: %s", error.message);
    }
}

static void
close_pool(void)
{
    assert_int_equal(dew_pool_close(pool, 5000, NULL), DEW_OK);
}

static dew_conn
borrow(void)
{
    dew_conn conn;
    dew_error error;

    if (dew_acquire(pool, 5000, &conn, &error) != DEW_OK) {
        fail_msg("acquire: %s", error.message);
    }
    return conn;
}

static MYSQL_STMT *
leave_open(MYSQL *mysql)
{
    MYSQL_STMT *const statement = mysql_stmt_init(mysql);

    assert_non_null(statement);
    assert_int_equal(mysql_stmt_prepare(statement, "SELECT v FROM a", 15), 0);
    assert_int_equal(mysql_stmt_execute(statement), 0);
    assert_int_equal(mysql_stmt_store_result(statement), 0);
    assert_ptr_equal(statement->mysql, mysql);
    return statement;
}

static void
expect_cut_off(MYSQL_STMT *statement)
{
    assert_null(statement->mysql);
    assert_int_equal(mysql_stmt_close(statement), 0);
    (void)dew_pool_tend(pool);
}

static void
a_discard_cuts_open_statements_off(void **state)
{
    (void)state;
    open_pool(DEW_RESET_AUTO);
    dew_conn conn = borrow();
    MYSQL_STMT *const statement = leave_open(conn.mysql);
    assert_int_equal(dew_discard(&conn), DEW_OK);
    expect_cut_off(statement);
    close_pool();
}

static void
a_return_that_resets_cuts_open_statements_off(void **state)
{
    (void)state;
    open_pool(DEW_RESET_AUTO);
    dew_conn conn = borrow();
    MYSQL_STMT *const statement = leave_open(conn.mysql);
    assert_int_equal(dew_release(&conn), DEW_OK);
    expect_cut_off(statement);
    close_pool();
}

static void
a_return_that_finds_the_session_broken_cuts_open_statements_off(void **state)
{
    (void)state;
    open_pool(DEW_RESET_AUTO);
    dew_conn conn = borrow();
    MYSQL_STMT *const statement = leave_open(conn.mysql);
    assert_int_equal(mysql_send_query(conn.mysql, "DO 0", 4), 0);
    assert_int_equal(dew_release(&conn), DEW_OK);
    expect_cut_off(statement);
    close_pool();
}

static void
a_return_that_closes_for_its_statements_cuts_them_off(void **state)
{
    (void)state;
    open_pool(DEW_RESET_ROLLBACK);
    dew_conn conn = borrow();
    MYSQL_STMT *const statement = leave_open(conn.mysql);
    assert_int_equal(dew_release(&conn), DEW_OK);
    expect_cut_off(statement);
    close_pool();
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
        cmocka_unit_test(a_discard_cuts_open_statements_off),
        cmocka_unit_test(a_return_that_resets_cuts_open_statements_off),
        cmocka_unit_test(
            a_return_that_finds_the_session_broken_cuts_open_statements_off),
        cmocka_unit_test(a_return_that_closes_for_its_statements_cuts_them_off),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
