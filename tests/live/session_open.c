/* SPDX-License-Identifier: MIT */
/* Goal: a session is opened as settings say, or refused with the reason. */
/* Method: open real ones, over both transports, and ask both sides. */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/fault.h"
#include "fixture/loan.h"
#include "session/inside.h"

static int
set_up(void **state)
{
    static const char *const args[] = {"--performance-schema=ON",
                                       "--local-infile=1", NULL};

    *state = test_server_start(args);
    return 0;
}

static int
tear_down(void **state)
{
    test_server_stop(*state);
    return 0;
}

static struct settings
settings_for(const struct test_server *server)
{
    struct settings settings;

    loan_settings(&settings, server);
    return settings;
}

static struct settings
tcp_settings_for(const struct test_server *server)
{
    struct settings settings = settings_for(server);

    settings.unix_socket = NULL;
    settings.host = (char *)"127.0.0.1";
    settings.port = test_server_port(server);
    return settings;
}

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
assert_asked(struct session *session, const char *sql, const char *expected)
{
    char text[LOAN_TEXT];

    assert_string_equal(loan_ask(session_handle(session), sql, text),
                        expected);
}

static void
a_session_answers_over_a_unix_socket_and_over_tcp(void **state)
{
    struct settings both[] = {settings_for(*state), tcp_settings_for(*state)};

    for (size_t i = 0; i < 2; i++) {
        struct session *const session = loan_open(&both[i]);
        char id[32];

        (void)snprintf(id, sizeof(id), "%lu", session_server_thread(session));
        assert_asked(session, "SELECT CONNECTION_ID()", id);
        assert_asked(session, "SELECT DATABASE()", "t");
        assert_asked(session, "SELECT v FROM a WHERE id = 7", "row 7");
        loan_end(session);
    }
}

static void
what_the_server_is_was_learnt(void **state)
{
    const struct settings settings = settings_for(*state);
    struct session *const session = loan_open(&settings);
    const struct session_server *const server = session_server(session);
    char text[LOAN_TEXT];

    assert_int_equal(server->wait_timeout_s,
                     test_server_scalar(*state, "SELECT @@wait_timeout"));
    assert_int_equal(server->max_connections,
                     test_server_scalar(*state, "SELECT @@max_connections"));
    assert_int_equal(server->read_only, false);
    loan_ask(session_handle(session), "SELECT VERSION()", text);
    assert_int_equal(server->is_mariadb, strstr(text, "MariaDB") != NULL);
    assert_int_equal(server->version / 10000, strtoul(text, NULL, 10));
    loan_end(session);
}

static void
the_socket_is_close_on_exec_and_known(void **state)
{
    struct settings both[] = {settings_for(*state), tcp_settings_for(*state)};

    for (size_t i = 0; i < 2; i++) {
        struct session *const session = loan_open(&both[i]);
        const int fd = flavour_socket(session_handle(session));
        const int duplicate = session_dup_socket(session);
        struct stat status;

        assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
        assert_int_equal(fcntl(duplicate, F_GETFD), FD_CLOEXEC);
        assert_int_equal(fstat(fd, &status), 0);
        assert_int_equal(status.st_ino, session->socket_ino);
        assert_int_equal(status.st_dev, session->socket_dev);
        /* What opening set for its own bound is gone again. */
        assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
        assert_int_equal(close(duplicate), 0);
        loan_end(session);
    }
}

static void
charset_and_autocommit_are_what_settings_say(void **state)
{
    struct settings settings = settings_for(*state);
    struct session *session = loan_open(&settings);

    assert_asked(session, "SELECT @@character_set_client", "utf8mb4");
    assert_asked(session, "SELECT @@character_set_results", "utf8mb4");
    assert_asked(session, "SELECT @@character_set_connection", "utf8mb4");
    assert_asked(session, "SELECT @@autocommit", "1");
    assert_string_equal(mysql_character_set_name(session_handle(session)),
                        "utf8mb4");
    loan_end(session);
    settings.autocommit = false;
    settings.charset = (char *)"latin1";
    session = loan_open(&settings);
    assert_asked(session, "SELECT @@autocommit", "0");
    assert_asked(session, "SELECT @@character_set_results", "latin1");
    assert_string_equal(mysql_character_set_name(session_handle(session)),
                        "latin1");
    loan_end(session);
}

static void
the_server_knows_the_pool_by_its_connection_attributes(void **state)
{
    static const char ask[] =
        "SELECT COUNT(*) FROM performance_schema.session_connect_attrs"
        " WHERE (ATTR_NAME = 'program_name' AND ATTR_VALUE = 'dewpond')"
        " OR (ATTR_NAME = 'dewpond_pool' AND ATTR_VALUE = 'ducks')";
    struct settings settings = settings_for(*state);
    struct session *session;

    settings.name = (char *)"ducks";
    session = loan_open(&settings);
    assert_int_equal(test_server_scalar(*state, ask), 2);
    loan_end(session);
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

    if (test_server_scalar(*state, "SELECT @@version LIKE '%MariaDB%'") != 1) {
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
        cmocka_unit_test(a_session_answers_over_a_unix_socket_and_over_tcp),
        cmocka_unit_test(what_the_server_is_was_learnt),
        cmocka_unit_test(the_socket_is_close_on_exec_and_known),
        cmocka_unit_test(charset_and_autocommit_are_what_settings_say),
        cmocka_unit_test(
            the_server_knows_the_pool_by_its_connection_attributes),
        cmocka_unit_test(a_refused_login_tells_the_servers_own_reason),
        cmocka_unit_test(nobody_listening_is_told_as_such),
        cmocka_unit_test(a_list_of_hosts_is_refused),
        cmocka_unit_test(tls_that_is_required_is_not_done_without),
        cmocka_unit_test(on_options_runs_before_the_connect_and_may_refuse),
        cmocka_unit_test(on_connect_runs_after_it_and_may_refuse),
        cmocka_unit_test(on_connect_may_not_leave_a_result_unread),
        cmocka_unit_test(init_sql_runs_and_its_results_are_dropped),
        cmocka_unit_test(an_error_of_init_sql_is_the_servers_own),
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(a_connect_or_a_reset_that_fails_is_an_error),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
