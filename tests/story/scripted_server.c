/* SPDX-License-Identifier: MIT */
/* Goal: the scripted server, left alone, is a server that a pool and a client
 * library cannot tell from a real one. Method: log in in every way, ask, and
 * let a pool borrow, return and clean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "fixture/scripted_kit.h"

static const struct way {
    dew_script_kind kind;
    dew_script_login login;
} ways[] = {
    {DEW_SCRIPT_MARIADB, DEW_SCRIPT_LOGIN_NATIVE},
    {DEW_SCRIPT_MARIADB, DEW_SCRIPT_LOGIN_SWITCH},
    {DEW_SCRIPT_MYSQL, DEW_SCRIPT_LOGIN_SHA2},
    {DEW_SCRIPT_MYSQL, DEW_SCRIPT_LOGIN_NATIVE},
    {DEW_SCRIPT_MYSQL, DEW_SCRIPT_LOGIN_SWITCH},
};
#define WAYS (sizeof ways / sizeof ways[0])

static void
answers(MYSQL *mysql, const char *sql, const char *expected)
{
    char text[LOAN_TEXT];

    assert_string_equal(loan_ask(mysql, sql, text), expected);
}

static void
every_login_succeeds_with_and_without_a_password(void **state)
{
    static const char *const passwords[] = {"app", ""};

    (void)state;
    for (size_t i = 0; i < 4 * WAYS; i++) {
        const struct way *const way = &ways[i / 4];
        dew_script_server *const server = script_start(way->kind, way->login);
        dew_config config;
        dew_conn conn;
        dew_error error;

        script_config(&config, server, i % 2 == 0);
        config.password = passwords[i / 2 % 2];
        if (dew_connect(&config, &conn, &error) != DEW_OK) {
            fail_msg("login %zu: %s", i, error.message);
        }
        kit_answers_are_its_own(conn.mysql);
        assert_int_equal(dew_ping(&conn, &error), DEW_OK);
        kit_return(&conn);
        script_stop(server);
    }
}

static void
pool_borrows_returns_and_cleans_as_on_a_real_server(void **state)
{
    (void)state;
    for (size_t i = 0; i < WAYS; i++) {
        const struct kit_traces before = kit_traces();
        dew_script_server *const server =
            script_start(ways[i].kind, ways[i].login);
        dew_config config;
        dew_conn conn;

        script_config(&config, server, false);
        dew_pool *const pool = kit_open(&config);
        MYSQL *mysql = kit_borrow(pool, &conn);
        loan_do(mysql, "USE other");
        loan_do(mysql, "SET NAMES latin1, autocommit=0, sql_mode=''");
        loan_do(mysql, "SET @mine = 'x'");
        loan_do(mysql, "START TRANSACTION");
        answers(mysql, "SELECT @mine", "x");
        mysql = kit_next(pool, &conn);
        answers(mysql, "SELECT DATABASE()", "t");
        answers(mysql, "SELECT @@character_set_client", "utf8mb4");
        answers(mysql, "SELECT @@autocommit", "1");
        answers(mysql, "SELECT @@sql_mode", "STRICT_TRANS_TABLES");
        answers(mysql, "SELECT @mine", "NULL");
        assert_int_equal(mysql->server_status & SERVER_STATUS_IN_TRANS, 0);
        kit_return(&conn);
        assert_int_equal(dew_script_count(server, DEW_SCRIPT_LOGINS), 1);
        assert_true(dew_script_count(server, DEW_SCRIPT_RESETS) >= 2);
        kit_close(pool);
        /* The close waits for it, but not for long. */
        assert_true(
            dew_script_await(server, DEW_SCRIPT_QUITS, 1, KIT_PATIENCE_MS));
        assert_int_equal(dew_script_count(server, DEW_SCRIPT_QUITS), 1);
        script_stop(server);
        kit_left_nothing(&before);
    }
}

static void
greeting_names_the_kind_and_the_version(void **state)
{
    const dew_script_options options = {
        .kind = DEW_SCRIPT_MARIADB, .version = "11.4.2-MariaDB"};
    dew_script_server *const servers[] = {
        script_start(DEW_SCRIPT_MARIADB, DEW_SCRIPT_LOGIN_DEFAULT),
        script_start(DEW_SCRIPT_MYSQL, DEW_SCRIPT_LOGIN_DEFAULT),
        dew_script_start(&options, NULL, 0),
    };
    static const char *const versions[] = {"10.11.6-MariaDB", "8.0.36",
                                           "11.4.2-MariaDB"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        dew_config config;
        dew_conn conn;

        script_config(&config, servers[i], false);
        assert_int_equal(dew_connect(&config, &conn, NULL), DEW_OK);
        answers(conn.mysql, "SELECT VERSION()", versions[i]);
        assert_string_equal(mysql_get_server_info(conn.mysql) +
                                (strncmp(mysql_get_server_info(conn.mysql),
                                         "5.5.5-", 6) == 0
                                     ? 6
                                     : 0),
                            versions[i]);
        kit_return(&conn);
        script_stop(servers[i]);
    }
}

static void
queries_are_answered_or_refused_as_the_manual_says(void **state)
{
    static const char *const pairs[][2] = {
        {"SELECT 1", "1"},
        {"select 'it''s', 2", "it's"},
        {"SELECT NULL", "NULL"},
        {"SELECT -1.5 AS x;", "-1.5"},
        {"SELECT @@wait_timeout", "28800"},
        {"SELECT @@global.max_connections", "151"},
        {"SELECT 'a;b' /* ; */", "a;b"},
        {"SELECT SLEEP(0.001)", "0"},
        {"SELECT @@no_such_thing", "error 1193"},
        {"SELECT a FROM b", "error 1064"},
        {"SELECT 1; SELECT 2", "error 1064"},
        {"SELECT", "error 1064"},
        {"EXPLAIN", "error 1064"},
        {" ", "error 1065"},
        {"KILL QUERY 4711", "error 1094"},
        {"SET no_such_thing = 1", "error 1193"},
        {"INSERT INTO a VALUES (1)", "error 0"},
        {"SET SESSION TRANSACTION READ ONLY", "error 0"},
    };
    dew_script_server *const server =
        script_start(DEW_SCRIPT_MARIADB, DEW_SCRIPT_LOGIN_DEFAULT);
    dew_config config;
    dew_conn conn;

    (void)state;
    script_config(&config, server, false);
    assert_int_equal(dew_connect(&config, &conn, NULL), DEW_OK);
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        answers(conn.mysql, pairs[i][0], pairs[i][1]);
    }
    assert_true(dew_script_variable(server, "read_only", "1"));
    answers(conn.mysql, "SELECT @@read_only", "1");
    MYSQL_STMT *const statement = mysql_stmt_init(conn.mysql);
    assert_int_not_equal(mysql_stmt_prepare(statement, "SELECT 1", 8), 0);
    assert_int_equal(mysql_stmt_errno(statement), 1295);
    (void)mysql_stmt_close(statement);
    kit_answers_are_its_own(conn.mysql);
    kit_return(&conn);
    script_stop(server);
}

static void
several_statements_are_several_results_where_they_are_allowed(void **state)
{
    dew_script_server *const server =
        script_start(DEW_SCRIPT_MYSQL, DEW_SCRIPT_LOGIN_DEFAULT);
    dew_config config;
    dew_conn conn;

    (void)state;
    script_config(&config, server, false);
    config.client_flags = CLIENT_MULTI_STATEMENTS;
    dew_pool *const pool = kit_open(&config);
    MYSQL *mysql = kit_borrow(pool, &conn);
    assert_int_equal(mysql_query(mysql, "SELECT 1; DO 2; SELECT 3"), 0);
    mysql_free_result(mysql_store_result(mysql));
    assert_int_equal(mysql_next_result(mysql), 0);
    assert_int_equal(mysql_field_count(mysql), 0);
    assert_int_equal(mysql_next_result(mysql), 0);
    mysql_free_result(mysql_store_result(mysql));
    assert_int_equal(mysql_next_result(mysql), -1);
    assert_int_equal(
        mysql_set_server_option(mysql, MYSQL_OPTION_MULTI_STATEMENTS_OFF), 0);
    answers(mysql, "SELECT 1; SELECT 2", "error 1064");
    mysql = kit_next(pool, &conn);
    answers(mysql, "SELECT 1; EXPLAIN", "1");
    kit_return(&conn);
    assert_int_equal(kit_stats(pool).connects, 1);
    kit_close(pool);
    script_stop(server);
}

static void
deadline_stops_a_query_by_a_kill_that_the_server_obeys(void **state)
{
    dew_script_server *const server =
        script_start(DEW_SCRIPT_MARIADB, DEW_SCRIPT_LOGIN_DEFAULT);
    dew_config config;
    dew_conn conn;

    (void)state;
    script_config(&config, server, false);
    /* On a busy machine, too. */
    config.kill_timeout_ms = config.ping_timeout_ms = KIT_PATIENCE_MS;
    dew_pool *const pool = kit_open(&config);
    MYSQL *const mysql = kit_borrow(pool, &conn);
    const int64_t since_ms = kit_now_ms();
    assert_int_equal(dew_deadline(&conn, 50, NULL), DEW_OK);
    answers(mysql, "SELECT SLEEP(20)", "error 1317");
    assert_true(kit_now_ms() - since_ms < KIT_PATIENCE_MS);
    assert_int_equal(dew_script_count(server, DEW_SCRIPT_KILLS), 1);
    kit_return(&conn);
    kit_close(pool);
    script_stop(server);
}

static void
server_that_cannot_start_says_why(void **state)
{
    const dew_script_options options[] = {
        {.kind = DEW_SCRIPT_MARIADB, .directory = "/nonexistent/place"},
        {.kind = (dew_script_kind)7},
        {.kind = DEW_SCRIPT_MYSQL, .listen = 8},
    };
    const struct kit_traces before = kit_traces();

    (void)state;
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        char why[128] = "";

        assert_null(dew_script_start(&options[i], why, sizeof why));
        assert_string_not_equal(why, "");
        assert_null(dew_script_start(&options[i], NULL, 0));
    }
    dew_script_stop(NULL);
    kit_left_nothing(&before);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_login_succeeds_with_and_without_a_password),
        cmocka_unit_test(pool_borrows_returns_and_cleans_as_on_a_real_server),
        cmocka_unit_test(greeting_names_the_kind_and_the_version),
        cmocka_unit_test(queries_are_answered_or_refused_as_the_manual_says),
        cmocka_unit_test(
            several_statements_are_several_results_where_they_are_allowed),
        cmocka_unit_test(
            deadline_stops_a_query_by_a_kill_that_the_server_obeys),
        cmocka_unit_test(server_that_cannot_start_says_why),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
