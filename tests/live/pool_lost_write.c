/* SPDX-License-Identifier: MIT */
/* Goal: a borrower's committed write is never lost to what the one before it
 * left open behind flags that deny it. Method: a procedure opens a transaction
 * and fails, so that the client sees none; the next borrower writes with
 * autocommit, the pool closes, and root looks for the row. */
/* ctest: timeout=60 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "fixture/pool_kit.h"

static struct test_server *server;

#define FAILS "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no'"

static void
make_procedures(void)
{
    static const char *const made[] = {
        "CREATE PROCEDURE t.opens() BEGIN START TRANSACTION;"
        " UPDATE t.a SET v = 'dirty' WHERE id = 1; " FAILS "; END",
        "CREATE PROCEDURE t.switches() BEGIN SET autocommit = 0;"
        " UPDATE t.a SET v = 'dirty' WHERE id = 1; " FAILS "; END",
    };
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) {
        assert_int_equal(test_server_exec(server, made[i]), 0);
    }
}

static void
fail_in_query(MYSQL *mysql, const char *call)
{
    assert_int_not_equal(mysql_query(mysql, call), 0);
    assert_int_equal(mysql_errno(mysql), 1644);
    /* The premise: the client knows of no transaction. */
    assert_int_equal(mysql->server_status & SERVER_STATUS_IN_TRANS, 0);
    assert_int_not_equal(mysql->server_status & SERVER_STATUS_AUTOCOMMIT, 0);
}

/* The close of a statement hides even the error number. */
static void
fail_in_statement(MYSQL *mysql, const char *call)
{
    MYSQL_STMT *const stmt = mysql_stmt_init(mysql);
    assert_int_equal(
        mysql_stmt_prepare(stmt, call, (unsigned long)strlen(call)), 0);
    assert_int_not_equal(mysql_stmt_execute(stmt), 0);
    (void)mysql_stmt_close(stmt);
    assert_int_equal(mysql->server_status & SERVER_STATUS_IN_TRANS, 0);
}

static void
write_after(dew_reset policy, const char *call,
            void (*leave)(MYSQL *, const char *))
{
    dew_config config;
    dew_conn conn;
    kit_config(&config, server);
    config.reset = policy;
    dew_pool *const pool = kit_open(&config);
    leave(kit_borrow(pool, &conn), call);
    loan_do(kit_next(pool, &conn), "INSERT INTO a VALUES (2000, 'kept')");
    /* Cleaned, not replaced. */
    assert_int_equal(kit_stats(pool).connects, 1);
    kit_return(&conn);
    kit_close(pool);
    assert_true(test_server_await_count(server, "app", 0, KIT_PATIENCE_MS));
}

static void
check(const char *call, void (*leave)(MYSQL *, const char *))
{
    for (int policy = DEW_RESET_AUTO; policy <= DEW_RESET_ROLLBACK;
         policy++) {
        write_after((dew_reset)policy, call, leave);
        assert_int_equal(
            test_server_scalar(server,
                               "SELECT COUNT(*) FROM t.a WHERE id = 2000"),
            1);
        assert_int_equal(
            test_server_scalar(server,
                               "SELECT v = 'row 1' FROM t.a WHERE id = 1"),
            1);
        assert_int_equal(
            test_server_exec(server, "DELETE FROM t.a WHERE id = 2000"), 0);
    }
}

static void
write_survives_a_transaction_that_the_flags_deny(void **state)
{
    (void)state;
    check("CALL opens()", fail_in_query);
    check("CALL opens()", fail_in_statement);
}

static void
write_survives_an_autocommit_off_that_the_flags_deny(void **state)
{
    (void)state;
    check("CALL switches()", fail_in_query);
    check("CALL switches()", fail_in_statement);
}

/* What the header warns of is true: with DEW_RESET_NEVER the write is lost. */
static void
write_is_lost_where_the_borrower_is_trusted(void **state)
{
    (void)state;
    write_after(DEW_RESET_NEVER, "CALL opens()", fail_in_query);
    assert_int_equal(
        test_server_scalar(server, "SELECT COUNT(*) FROM t.a WHERE id = 2000"),
        0);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(write_survives_a_transaction_that_the_flags_deny),
        cmocka_unit_test(write_survives_an_autocommit_off_that_the_flags_deny),
        cmocka_unit_test(write_is_lost_where_the_borrower_is_trusted),
    };
    server = test_server_start(NULL);
    make_procedures();
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
