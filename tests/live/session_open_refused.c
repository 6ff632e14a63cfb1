/* SPDX-License-Identifier: MIT */
/* Goal: a session that cannot be opened as settings say is refused. */
/* Method: let each step of an opening fail; the reason must be its own. */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/fault.h"
#include "live/session_open.h"
#include "session/inside.h"

/* Opens what must be refused. */
static dew_error
refused(const struct settings *settings)
{
    const struct io_limit limit = {clock_deadline_after_ms(10000), -1};
    struct session *session = (struct session *)(uintptr_t)settings;
    dew_error error = {0};
    const dew_code code = session_open(&session, settings, &limit, &error);

    assert_int_not_equal(code, DEW_OK);
    assert_int_equal(error.code, code);
    assert_null(session);
    return error;
}

static void
a_refused_login_tells_the_servers_own_reason(void **state)
{
    struct settings settings = settings_for(*state);
    dew_error error;

    settings.password = (char *)"wrong";
    error = refused(&settings);
    assert_int_equal(error.code, DEW_ECONNECT);
    assert_int_equal(error.stage, DEW_STAGE_CONNECT);
    assert_int_equal(error.mysql_errno, 1045);
    assert_string_equal(error.sqlstate, "28000");
    assert_non_null(strstr(error.message, "Access denied"));
    assert_null(strstr(error.message, "wrong"));

    settings = settings_for(*state);
    settings.user = (char *)"root";
    settings.password = NULL;
    settings.database = (char *)"no_such_database";
    error = refused(&settings);
    assert_int_equal(error.mysql_errno, 1049);
    assert_string_equal(error.sqlstate, "42000");
}

static void
nobody_listening_is_told_as_such(void **state)
{
    struct settings settings = settings_for(*state);
    dew_error error;

    settings.unix_socket = (char *)"/nonexistent/server.sock";
    error = refused(&settings);
    assert_int_equal(error.mysql_errno, 2002);

    settings = tcp_settings_for(*state);
    settings.port = 1;
    error = refused(&settings);
    assert_true(error.mysql_errno == 2002 || error.mysql_errno == 2003);
}

static void
a_list_of_hosts_is_refused(void **state)
{
    struct settings settings = tcp_settings_for(*state);

    settings.host = (char *)"127.0.0.1,127.0.0.2";
    assert_non_null(strstr(refused(&settings).message, "list of hosts"));
}

static void
tls_that_is_required_is_not_done_without(void **state)
{
    struct settings settings = tcp_settings_for(*state);
    const uint32_t modes[] = {DEW_TLS_REQUIRED, DEW_TLS_VERIFY};

    /* MariaDB's has it from 11.4 on by itself; Oracle's always, and no longer
     * this variable. */
    if (test_server_scalar(*state, "SELECT @@have_ssl <> 'YES'") != 1) {
        print_message("this server has TLS: not tried\n");
        skip();
    }
    for (size_t i = 0; i < 2; i++) {
        settings.tls_mode = modes[i];
        assert_int_equal(refused(&settings).code, DEW_ECONNECT);
    }
    settings.tls_mode = DEW_TLS_OFF;
    loan_end(loan_open(&settings));
}

/* ---- callbacks and init_sql ---- */

static int
no(MYSQL *mysql, void *arg)
{
    bool *const had_transport = arg;

    *had_transport = flavour_has_transport(mysql);
    return 7;
}

static void
on_options_runs_before_the_connect_and_may_refuse(void **state)
{
    struct settings settings = settings_for(*state);
    bool had_transport = true;
    dew_error error;

    settings.on_options = no;
    settings.on_options_arg = &had_transport;
    error = refused(&settings);
    assert_int_equal(error.code, DEW_ECONNECT);
    assert_non_null(strstr(error.message, "on_options"));
    assert_false(had_transport);
}

static void
on_connect_runs_after_it_and_may_refuse(void **state)
{
    struct settings settings = settings_for(*state);
    bool had_transport = false;
    dew_error error;

    settings.on_connect = no;
    settings.on_connect_arg = &had_transport;
    error = refused(&settings);
    assert_int_equal(error.code, DEW_ECONNECT);
    assert_non_null(strstr(error.message, "on_connect"));
    assert_true(had_transport);
    assert_true(test_server_await_count(*state, "app", 0, 10000));
}

static int
leave_a_result(MYSQL *mysql, void *arg)
{
    (void)arg;
    return mysql_query(mysql, "SELECT 1");
}

static void
on_connect_may_not_leave_a_result_unread(void **state)
{
    struct settings settings = settings_for(*state);

    settings.on_connect = leave_a_result;
    assert_non_null(strstr(refused(&settings).message, "result unread"));
}

static int
leave_the_second_result(MYSQL *mysql, void *arg)
{
    (void)arg;
    if (mysql_query(mysql, "SELECT 1; SELECT 2") != 0) {
        return 1;
    }
    mysql_free_result(mysql_store_result(mysql));
    return 0;
}

static int
leave_it_dead(MYSQL *mysql, void *arg)
{
    (void)arg;
    (void)mysql_query(mysql, "KILL CONNECTION_ID()");
    return mysql_query(mysql, "SELECT 1") == 0;
}

static void
on_connect_may_not_leave_a_second_result_or_a_dead_session(void **state)
{
    struct settings settings = settings_for(*state);

    settings.client_flags = CLIENT_MULTI_STATEMENTS;
    settings.on_connect = leave_the_second_result;
    assert_non_null(strstr(refused(&settings).message, "result unread"));
    settings.on_connect = leave_it_dead;
    assert_non_null(strstr(refused(&settings).message, "dead"));
}

static void
init_sql_runs_and_its_results_are_dropped(void **state)
{
    struct settings settings = settings_for(*state);
    struct session *session;

    settings.client_flags = CLIENT_MULTI_STATEMENTS;
    settings.init_sql = (char *)"SET @duck = 3; SELECT * FROM a; SELECT 2";
    session = loan_open(&settings);
    assert_asked(session, "SELECT @duck", "3");
    loan_end(session);
}

static void
an_error_of_init_sql_is_the_servers_own(void **state)
{
    struct settings settings = settings_for(*state);
    dew_error error;

    settings.init_sql = (char *)"SELECT * FROM no_such_table";
    error = refused(&settings);
    assert_int_equal(error.mysql_errno, 1146);
    assert_string_equal(error.sqlstate, "42S02");
    settings.client_flags = CLIENT_MULTI_STATEMENTS;
    settings.init_sql = (char *)"SELECT 1; SELECT * FROM no_such_table";
    assert_int_equal(refused(&settings).mysql_errno, 1146);
}

/* ---- faults ---- */

static void
each_allocation_may_fail(void **state)
{
    const struct settings settings = settings_for(*state);
    const struct io_limit limit = {clock_deadline_after_ms(30000), -1};
    uint32_t nth = 0;
    dew_code code = DEW_ENOMEM;

    while (code != DEW_OK && nth < 20) {
        struct session *session = NULL;
        dew_error error = {0};

        fault_arm(FAULT_ALLOC, ++nth, false);
        code = session_open(&session, &settings, &limit, &error);
        fault_arm(FAULT_ALLOC, 0, false);
        assert_int_equal(error.code, code);
        assert_int_equal(session == NULL, code != DEW_OK);
        if (session != NULL) {
            loan_end(session);
        } else {
            assert_int_equal(code, DEW_ENOMEM);
        }
    }
    assert_int_equal(code, DEW_OK);
    assert_true(nth > 3); /* session, database, scratch */
    assert_true(test_server_await_count(*state, "app", 0, 10000));
}

static void
a_connect_or_a_reset_that_fails_is_an_error(void **state)
{
    const struct settings settings = settings_for(*state);

    fault_arm(FAULT_CONNECT, 1, false);
    assert_int_equal(refused(&settings).code, DEW_ECONNECT);
    fault_arm(FAULT_RESET, 1, false);
    assert_int_equal(refused(&settings).code, DEW_ECONNECT);
    fault_arm(FAULT_RESET, 0, false);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_login_tells_the_servers_own_reason),
        cmocka_unit_test(nobody_listening_is_told_as_such),
        cmocka_unit_test(a_list_of_hosts_is_refused),
        cmocka_unit_test(tls_that_is_required_is_not_done_without),
        cmocka_unit_test(on_options_runs_before_the_connect_and_may_refuse),
        cmocka_unit_test(on_connect_runs_after_it_and_may_refuse),
        cmocka_unit_test(on_connect_may_not_leave_a_result_unread),
        cmocka_unit_test(
            on_connect_may_not_leave_a_second_result_or_a_dead_session),
        cmocka_unit_test(init_sql_runs_and_its_results_are_dropped),
        cmocka_unit_test(an_error_of_init_sql_is_the_servers_own),
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(a_connect_or_a_reset_that_fails_is_an_error),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
