/* SPDX-License-Identifier: MIT */
/* Goal: nobody works with the rights of a role that another one chose, and no
 * session is closed for nothing. Method: roles of a real server; a pool of one
 * session, SET ROLE, return, and ask who the next borrower is and may. */
/* ctest: timeout=120 */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fixture/pool_kit.h"
#include "session/flavour.h"

#define CURRENT_ROLE "SELECT CURRENT_ROLE()"
#define LOOK "SELECT COUNT(*) FROM vault.gold" /* `keyholder` may */

/* init_sql, behind the proof. */
#define SENT_AHEAD (FLAVOUR_MARIADB != 0)

static struct test_server *server;
static dew_conn conn;
static char none[LOAN_TEXT], keyholder[LOAN_TEXT], porter[LOAN_TEXT];

/* What a user has only by a role: this server's words for it. */
static void
allow(const char *user)
{
    char sql[128];
    static const char *const grants[] = {"GRANT keyholder TO %s",
                                         "GRANT porter TO %s",
                                         "GRANT ALL ON t.* TO %s"};
    for (size_t i = 0; i < sizeof grants / sizeof grants[0]; i++) {
        (void)snprintf(sql, sizeof sql, grants[i], user);
        assert_int_equal(test_server_exec(server, sql), 0);
    }
}

static void
make_user(const char *user)
{
    char sql[128];
    (void)snprintf(sql, sizeof sql,
                   "CREATE USER %s@localhost IDENTIFIED BY '%s'", user, user);
    assert_int_equal(test_server_exec(server, sql), 0);
    (void)snprintf(sql, sizeof sql, "%s@localhost", user);
    allow(sql);
}

static int
make_roles(void **state)
{
    static const char *const statements[] = {
        "CREATE DATABASE vault",
        "CREATE TABLE vault.gold (bars INT)",
        "INSERT INTO vault.gold VALUES (1), (2)",
        "CREATE ROLE keyholder",
        "CREATE ROLE porter",
        "GRANT ALL ON vault.* TO keyholder",
        "GRANT SELECT ON vault.* TO porter",
    };
    (void)state;
    const bool mariadb = test_server_is_mariadb(server);
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        assert_int_equal(test_server_exec(server, statements[i]), 0);
    }
    allow("app@localhost");
    make_user("born");
    assert_int_equal(
        test_server_exec(server,
                         mariadb ? "SET DEFAULT ROLE porter FOR born@localhost"
                                 : "SET DEFAULT ROLE porter TO born@localhost"),
        0);
    (void)strcpy(none, mariadb ? "NULL" : "NONE");
    (void)strcpy(keyholder, mariadb ? "keyholder" : "`keyholder`@`%`");
    (void)strcpy(porter, mariadb ? "porter" : "`porter`@`%`");
    return 0;
}

static void
configure(dew_config *config, const char *user)
{
    kit_config(config, server);
    config->user = config->password = user;
}

static void
has_role(MYSQL *mysql, const char *role)
{
    char text[LOAN_TEXT];
    assert_string_equal(loan_ask(mysql, CURRENT_ROLE, text), role);
}

/* 1142: denied for this table. */
static void
may_look(MYSQL *mysql, bool may)
{
    char text[LOAN_TEXT];
    assert_string_equal(loan_ask(mysql, LOOK, text), may ? "2" : "error 1142");
}

static void
opened(dew_pool *pool, uint64_t sessions)
{
    const dew_stats stats = kit_stats(pool);
    assert_int_equal(stats.connects, sessions);
    assert_int_equal(stats.retired_broken, sessions - 1);
}

static void
end(dew_pool *pool)
{
    kit_return(&conn);
    kit_close(pool);
}

static void
next_borrower_has_no_role_of_another(void **state)
{
    static const dew_reset policies[] = {DEW_RESET_AUTO, DEW_RESET_ALWAYS};
    (void)state;
    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
        dew_config config;
        configure(&config, "app");
        config.reset = policies[i];
        dew_pool *const pool = kit_open(&config);
        MYSQL *mysql = kit_borrow(pool, &conn);
        const int64_t id = kit_server_id(mysql);
        may_look(mysql, false);
        for (int loan = 0; loan < 3; loan++) {
            loan_do(mysql, "SET ROLE keyholder");
            may_look(mysql, true);
            mysql = kit_next(pool, &conn);
            has_role(mysql, none);
            may_look(mysql, false);
        }
        /* There was a way back. */
        assert_int_equal(kit_server_id(mysql), id);
        opened(pool, 1);
        end(pool);
    }
}

static void
role_is_gone_where_the_borrower_moved_to_its_database(void **state)
{
    (void)state;
    dew_config config;
    char text[LOAN_TEXT];
    configure(&config, "app");
    dew_pool *const pool = kit_open(&config);
    MYSQL *mysql = kit_borrow(pool, &conn);
    loan_do(mysql, "SET ROLE keyholder");
    loan_do(mysql, "USE vault");
    mysql = kit_next(pool, &conn);
    has_role(mysql, none);
    may_look(mysql, false);
    assert_string_equal(loan_ask(mysql, "SELECT DATABASE()", text), "t");
    assert_int_not_equal(mysql_query(mysql, "CREATE TABLE vault.more (i INT)"),
                         0);
    opened(pool, 1);
    end(pool);
}

/* Of a return and the next borrow, as the server counts them. */
static int64_t
questions(dew_pool *pool, MYSQL **mysql)
{
    const int64_t before = test_server_status(server, "Questions");
    *mysql = kit_next(pool, &conn);
    return test_server_status(server, "Questions") - before;
}

static void
role_that_was_given_up_again_costs_nothing(void **state)
{
    (void)state;
    dew_config config;
    configure(&config, "app");
    dew_pool *const pool = kit_open(&config);
    MYSQL *mysql = kit_borrow(pool, &conn);
    loan_do(mysql, "DO 1");
    const int64_t plain = questions(pool, &mysql);
    loan_do(mysql, "SET ROLE keyholder");
    const int64_t with_a_role = questions(pool, &mysql);
    assert_true(with_a_role > plain);
    loan_do(mysql, "SET ROLE keyholder");
    loan_do(mysql, "SET ROLE NONE");
    assert_int_equal(questions(pool, &mysql), plain);
    has_role(mysql, none);
    opened(pool, 1);
    end(pool);
}

static void
role_that_was_granted_after_connect_goes_too(void **state)
{
    (void)state;
    dew_config config;
    configure(&config, "app");
    dew_pool *const pool = kit_open(&config);
    MYSQL *mysql = kit_borrow(pool, &conn);
    assert_int_equal(test_server_exec(server, "CREATE ROLE latecomer"), 0);
    assert_int_equal(
        test_server_exec(server, "GRANT SELECT ON vault.* TO latecomer"), 0);
    assert_int_equal(
        test_server_exec(server, "GRANT latecomer TO app@localhost"), 0);
    loan_do(mysql, "SET ROLE latecomer");
    may_look(mysql, true);
    mysql = kit_next(pool, &conn);
    has_role(mysql, none);
    may_look(mysql, false);
    opened(pool, 1);
    end(pool);
}

static void
role_that_init_sql_chose_is_kept_over_many_loans(void **state)
{
    (void)state;
    dew_config config;
    configure(&config, "app");
    config.init_sql = "SET ROLE keyholder";
    dew_pool *const pool = kit_open(&config);
    MYSQL *mysql = kit_borrow(pool, &conn);
    for (int loan = 0; loan < 20; loan++) {
        has_role(mysql, keyholder);
        may_look(mysql, true);
        mysql = kit_next(pool, &conn);
    }
    /* What init_sql began with is good, too: it has run again. */
    loan_do(mysql, "SET ROLE NONE");
    mysql = kit_next(pool, &conn);
    has_role(mysql, keyholder);
    opened(pool, 1);
    end(pool);
}

/* Sent ahead it has. Else it runs when the role is back. */
static void
session_whose_init_sql_ran_with_another_role_is_closed(void **state)
{
    static const char *const init_sql[] = {
        "SET ROLE keyholder", "SET @sees = (SELECT COUNT(*) FROM a)"};
    (void)state;
    for (size_t i = 0; i < sizeof init_sql / sizeof init_sql[0]; i++) {
        dew_config config;
        configure(&config, "app");
        config.init_sql = init_sql[i];
        dew_pool *const pool = kit_open(&config);
        MYSQL *mysql = kit_borrow(pool, &conn);
        const int64_t id = kit_server_id(mysql);
        loan_do(mysql, "SET ROLE porter");
        mysql = kit_next(pool, &conn);
        has_role(mysql, i == 0 ? keyholder : none);
        assert_int_equal(kit_server_id(mysql) == id, !SENT_AHEAD);
        opened(pool, SENT_AHEAD ? 2 : 1);
        end(pool);
    }
}

static int
take_keys(MYSQL *mysql, void *arg)
{
    (void)arg;
    return mysql_query(mysql, "SET ROLE keyholder");
}

static void
role_that_on_connect_chose_is_kept_and_comes_back(void **state)
{
    (void)state;
    dew_config config;
    configure(&config, "app");
    config.on_connect = take_keys;
    dew_pool *const pool = kit_open(&config);
    MYSQL *mysql = kit_borrow(pool, &conn);
    for (int loan = 0; loan < 6; loan++) {
        has_role(mysql, keyholder);
        if (loan % 2 == 1) {
            loan_do(mysql, "SET ROLE porter");
        }
        mysql = kit_next(pool, &conn);
    }
    has_role(mysql, keyholder);
    opened(pool, 1);
    end(pool);
}

/* MariaDB has no command that leads back to it without its name. */
static void
default_role_of_the_account_is_there_for_every_borrower(void **state)
{
    static const char *const left[] = {"SET ROLE NONE", "SET ROLE keyholder"};
    (void)state;
    const bool mariadb = test_server_is_mariadb(server);
    dew_config config;
    configure(&config, "born");
    dew_pool *const pool = kit_open(&config);
    MYSQL *mysql = kit_borrow(pool, &conn);
    for (int loan = 0; loan < 5; loan++) {
        has_role(mysql, porter);
        mysql = kit_next(pool, &conn);
    }
    opened(pool, 1);
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
        loan_do(mysql, left[i]);
        mysql = kit_next(pool, &conn);
        has_role(mysql, porter);
        may_look(mysql, true);
        opened(pool, mariadb ? 2 + i : 1);
    }
    end(pool);
}

/* It is its borrower's doing, and no reason to suspect the others. */
static void
session_that_is_closed_for_its_role_makes_nobody_suspect(void **state)
{
    enum { SIZE = 3 };
    (void)state;
    if (!SENT_AHEAD) {
        skip(); /* there is none */
    }
    dew_config config;
    dew_conn all[SIZE];
    configure(&config, "app");
    config.size = config.maxsize = config.pre_create = SIZE;
    config.init_sql = "SET @i = 1";
    dew_pool *const pool = kit_open(&config);
    for (size_t i = 0; i < SIZE; i++) {
        loan_do(kit_borrow(pool, &all[i]), i == 0 ? "SET ROLE porter" : "DO 1");
    }
    for (size_t i = 0; i < SIZE; i++) {
        kit_return(&all[i]);
    }
    for (size_t i = 0; i < SIZE; i++) {
        has_role(kit_borrow(pool, &all[i]), none);
    }
    const dew_stats stats = kit_stats(pool);
    assert_int_equal(stats.retired_broken, 1);
    assert_int_equal(stats.connects, SIZE + 1);
    assert_int_equal(stats.pings, 0);
    for (size_t i = 0; i < SIZE; i++) {
        kit_return(&all[i]);
    }
    kit_close(pool);
}

/* Where a role is as it may, whatever the charset of the session's answers. */
static void
charsets_of_the_borrower_do_not_hide_a_role_nor_show_one(void **state)
{
    static const char *const charsets[] = {
        "SET NAMES latin1", "SET character_set_results = ucs2",
        "SET character_set_results = NULL",
        "SET collation_connection = ucs2_general_ci", "SET NAMES binary"};
    (void)state;
    dew_config config;
    configure(&config, "app");
    dew_pool *const pool = kit_open(&config);
    MYSQL *mysql = kit_borrow(pool, &conn);
    for (size_t i = 0; i < sizeof charsets / sizeof charsets[0]; i++) {
        loan_do(mysql, charsets[i]);
        mysql = kit_next(pool, &conn);
        loan_do(mysql, "SET ROLE keyholder");
        loan_do(mysql, charsets[i]);
        mysql = kit_next(pool, &conn);
        has_role(mysql, none);
    }
    opened(pool, 1);
    end(pool);
}

/* The header says so. */
static void
cheaper_policies_leave_the_role(void **state)
{
    static const dew_reset policies[] = {DEW_RESET_ROLLBACK, DEW_RESET_NEVER};
    (void)state;
    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
        dew_config config;
        configure(&config, "app");
        config.reset = policies[i];
        dew_pool *const pool = kit_open(&config);
        loan_do(kit_borrow(pool, &conn), "SET ROLE keyholder");
        has_role(kit_next(pool, &conn), keyholder);
        opened(pool, 1);
        end(pool);
    }
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(next_borrower_has_no_role_of_another),
        cmocka_unit_test(role_is_gone_where_the_borrower_moved_to_its_database),
        cmocka_unit_test(role_that_was_given_up_again_costs_nothing),
        cmocka_unit_test(role_that_was_granted_after_connect_goes_too),
        cmocka_unit_test(role_that_init_sql_chose_is_kept_over_many_loans),
        cmocka_unit_test(
            session_whose_init_sql_ran_with_another_role_is_closed),
        cmocka_unit_test(role_that_on_connect_chose_is_kept_and_comes_back),
        cmocka_unit_test(
            default_role_of_the_account_is_there_for_every_borrower),
        cmocka_unit_test(
            session_that_is_closed_for_its_role_makes_nobody_suspect),
        cmocka_unit_test(
            charsets_of_the_borrower_do_not_hide_a_role_nor_show_one),
        cmocka_unit_test(cheaper_policies_leave_the_role),
    };
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, make_roles, NULL);
    test_server_stop(server);
    return failed;
}
