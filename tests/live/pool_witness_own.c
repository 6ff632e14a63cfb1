/* SPDX-License-Identifier: MIT */
/* Goal: what lives on both sides of a session, and what the pool was told to
 * run in each, is as after connect for the next borrower. Method: a pool of
 * one session; change it by the client library's own calls, return, look. */
/* ctest: timeout=120 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fixture/pool_kit.h"
#include "session/flavour.h"

static struct test_server *server;
static dew_conn conn;

static void
end(dew_pool *pool)
{
    kit_return(&conn);
    kit_close(pool);
}

static void
charset_is_back_on_both_sides(void **state)
{
    (void)state;
    dew_config config;
    char text[LOAN_TEXT];
    kit_config(&config, server);
    dew_pool *const pool = kit_open(&config);
    MYSQL *mysql = kit_borrow(pool, &conn);
    assert_int_equal(mysql_set_character_set(mysql, "latin1"), 0);
    mysql = kit_next(pool, &conn);
    assert_string_equal(mysql_character_set_name(mysql), "utf8mb4");
    assert_string_equal(
        loan_ask(mysql, "SELECT @@character_set_client", text), "utf8mb4");
    /* The server reads it in the charset that the client escapes it for. */
    assert_string_equal(
        loan_ask(mysql, "SELECT HEX('\xf0\x9f\x90\xb3')", text), "F09F90B3");
    end(pool);
}

static void
cheaper_policies_leave_the_charset_on_both_sides(void **state)
{
    (void)state;
    for (int policy = DEW_RESET_ROLLBACK; policy <= DEW_RESET_NEVER;
         policy++) {
        dew_config config;
        char text[LOAN_TEXT];
        kit_config(&config, server);
        config.reset = (dew_reset)policy;
        dew_pool *const pool = kit_open(&config);
        MYSQL *mysql = kit_borrow(pool, &conn);
        assert_int_equal(mysql_set_character_set(mysql, "latin1"), 0);
        mysql = kit_next(pool, &conn);
        assert_string_equal(mysql_character_set_name(mysql), "latin1");
        assert_string_equal(
            loan_ask(mysql, "SELECT @@character_set_client", text), "latin1");
        end(pool);
    }
}

static void
session_that_left_no_database_for_one_is_not_lent_with_it(void **state)
{
    (void)state;
    dew_config config;
    char text[LOAN_TEXT];
    kit_config(&config, server);
    config.database = NULL;
    dew_pool *const pool = kit_open(&config);
    loan_do(kit_borrow(pool, &conn), "USE t");
    assert_string_equal(
        loan_ask(kit_next(pool, &conn), "SELECT DATABASE()", text), "NULL");
    end(pool);
}

static void
init_sql_runs_in_every_loan_that_follows_dirt(void **state)
{
    (void)state;
    dew_config config;
    char text[LOAN_TEXT];
    kit_config(&config, server);
    config.init_sql = "SET @greeting = CONCAT('hello ', DATABASE())";
    dew_pool *const pool = kit_open(&config);
    MYSQL *mysql = kit_borrow(pool, &conn);
    assert_string_equal(loan_ask(mysql, "SELECT @greeting", text), "hello t");
    loan_do(mysql, "SET @greeting = 'bye'");
    mysql = kit_next(pool, &conn);
    assert_string_equal(loan_ask(mysql, "SELECT @greeting", text), "hello t");
    loan_do(mysql, "USE information_schema");
    mysql = kit_next(pool, &conn);
    assert_string_equal(loan_ask(mysql, "SELECT @greeting", text), "hello t");
    assert_int_equal(kit_stats(pool).connects, 1);
    end(pool);
}

static int
count_and_mark(MYSQL *mysql, void *arg)
{
    unsigned *const calls = arg;
    ++*calls;
    return mysql_query(mysql, "SET @connected = 1");
}

static void
on_connect_runs_after_each_reset_that_was_sent(void **state)
{
    (void)state;
    unsigned calls = 0;
    dew_config config;
    char text[LOAN_TEXT];
    kit_config(&config, server);
    config.on_connect = count_and_mark;
    config.on_connect_arg = &calls;
    dew_pool *const pool = kit_open(&config);
    loan_do(kit_borrow(pool, &conn), "SET @connected = 0");
    assert_int_equal(calls, 1);
    MYSQL *const mysql = kit_next(pool, &conn);
    assert_int_equal(calls, 2);
    assert_string_equal(loan_ask(mysql, "SELECT @connected", text), "1");
    (void)kit_next(pool, &conn);
    assert_int_equal(calls, 3);
    /* This loan says nothing: no reset, no on_connect. */
    (void)kit_next(pool, &conn);
    assert_int_equal(calls, 3);
    end(pool);
}

static void
several_statements_at_once_are_refused_again(void **state)
{
    (void)state;
    for (int policy = DEW_RESET_AUTO; policy <= DEW_RESET_ROLLBACK;
         policy++) {
        dew_config config;
        char text[LOAN_TEXT];
        kit_config(&config, server);
        config.reset = (dew_reset)policy;
        dew_pool *const pool = kit_open(&config);
        MYSQL *mysql = kit_borrow(pool, &conn);
        assert_int_equal(mysql_set_server_option(
                             mysql, MYSQL_OPTION_MULTI_STATEMENTS_ON),
                         0);
        loan_do(mysql, "DO 1; DO 2");
        mysql = kit_next(pool, &conn);
        assert_string_equal(loan_ask(mysql, "DO 1; DO 2", text),
                            "error 1064");
        end(pool);
    }
}

static void
reconnect_is_off_again(void **state)
{
    (void)state;
    dew_config config;
    kit_config(&config, server);
    dew_pool *const pool = kit_open(&config);
    MYSQL *mysql = kit_borrow(pool, &conn);
#if FLAVOUR_MARIADB
    const char on = 1;
    mysql_options(mysql, MYSQL_OPT_RECONNECT, &on);
#else
    mysql->reconnect = true;
#endif
    assert_true(flavour_reconnect_is_on(mysql));
    mysql = kit_next(pool, &conn);
    assert_false(flavour_reconnect_is_on(mysql));
    end(pool);
}

static void
local_files_stay_where_they_are(void **state)
{
    (void)state;
    dew_config config;
    kit_config(&config, server);
    dew_pool *const pool = kit_open(&config);
    MYSQL *mysql = kit_borrow(pool, &conn);
    assert_int_not_equal(
        mysql_query(mysql, "LOAD DATA LOCAL INFILE '/etc/hostname' INTO "
                           "TABLE a (v) SET id = 5000"),
        0);
    assert_int_equal(
        test_server_scalar(server, "SELECT COUNT(*) FROM t.a WHERE id > 4999"),
        0);
    kit_answers_are_its_own(kit_next(pool, &conn));
    end(pool);
}

static void
session_whose_leftovers_could_be_drained_is_kept(void **state)
{
    (void)state;
    for (int policy = DEW_RESET_AUTO; policy <= DEW_RESET_NEVER; policy++) {
        dew_config config;
        kit_config(&config, server);
        config.reset = (dew_reset)policy;
        config.client_flags = CLIENT_MULTI_STATEMENTS;
        dew_pool *const pool = kit_open(&config);
        MYSQL *mysql = kit_borrow(pool, &conn);
        const int64_t id = kit_server_id(mysql);
        assert_int_equal(
            mysql_query(mysql, "SELECT * FROM a; DO 1; SELECT 2"), 0);
        mysql = kit_next(pool, &conn);
        assert_int_equal(kit_server_id(mysql), id);
        end(pool);
    }
}

static void
binary_statement_is_cut_off_and_its_late_close_harms_nobody(void **state)
{
    (void)state;
    dew_config config;
    kit_config(&config, server);
    dew_pool *const pool = kit_open(&config);
    MYSQL *mysql = kit_borrow(pool, &conn);
    const int64_t id = kit_server_id(mysql);
    MYSQL_STMT *const stmt = mysql_stmt_init(mysql);
    assert_int_equal(mysql_stmt_prepare(stmt, "DO SLEEP(0)", 11), 0);
    mysql = kit_next(pool, &conn);
    assert_int_equal(kit_server_id(mysql), id);
    /* The client library refuses it: nothing goes over the wire. */
    assert_int_not_equal(mysql_stmt_execute(stmt), 0);
    assert_in_range(mysql_stmt_errno(stmt), 2000, 2999);
    kit_answers_are_its_own(mysql);
    /* The next borrower has sent its question when the late close comes. */
    loan_send(mysql, "SELECT 4242");
    (void)mysql_stmt_close(stmt);
    assert_int_equal(mysql_read_query_result(mysql), 0);
    MYSQL_RES *const result = mysql_store_result(mysql);
    assert_string_equal(mysql_fetch_row(result)[0], "4242");
    mysql_free_result(result);
    assert_int_equal(test_server_status(server, "Prepared_stmt_count"), 0);
    end(pool);
}

static void
locks_are_free_at_the_return_not_at_the_next_borrow(void **state)
{
    (void)state;
    dew_config config;
    dew_conn other;
    char text[LOAN_TEXT];
    kit_config(&config, server);
    dew_pool *const pool = kit_open(&config), *const second =
                                                   kit_open(&config);
    MYSQL *const mysql = kit_borrow(pool, &conn);
    loan_do(mysql, "DO GET_LOCK('door', 0)");
    loan_do(mysql, "LOCK TABLES a WRITE");
    MYSQL *const witness = kit_borrow(second, &other);
    loan_do(witness, "SET lock_wait_timeout = 5");
    assert_string_equal(
        loan_ask(witness, "SELECT GET_LOCK('door', 0)", text), "0");
    kit_return(&conn);
    assert_string_equal(
        loan_ask(witness, "SELECT GET_LOCK('door', 5)", text), "1");
    loan_do(witness, "LOCK TABLES a WRITE");
    kit_return(&other);
    kit_close(second);
    kit_close(pool);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(charset_is_back_on_both_sides),
        cmocka_unit_test(cheaper_policies_leave_the_charset_on_both_sides),
        cmocka_unit_test(
            session_that_left_no_database_for_one_is_not_lent_with_it),
        cmocka_unit_test(init_sql_runs_in_every_loan_that_follows_dirt),
        cmocka_unit_test(on_connect_runs_after_each_reset_that_was_sent),
        cmocka_unit_test(several_statements_at_once_are_refused_again),
        cmocka_unit_test(reconnect_is_off_again),
        cmocka_unit_test(local_files_stay_where_they_are),
        cmocka_unit_test(session_whose_leftovers_could_be_drained_is_kept),
        cmocka_unit_test(
            binary_statement_is_cut_off_and_its_late_close_harms_nobody),
        cmocka_unit_test(locks_are_free_at_the_return_not_at_the_next_borrow),
    };
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
