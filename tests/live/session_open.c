/* SPDX-License-Identifier: MIT */
/* Goal: a session is opened as settings say. */
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

#include "base/fault.h"
#include "live/session_open.h"
#include "session/inside.h"

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
    assert_int_not_equal(server->identity, 0);
    loan_ask(session_handle(session), "SELECT VERSION()", text);
    assert_int_equal(server->is_mariadb, strstr(text, "MariaDB") != NULL);
    assert_int_equal(server->version / 10000, strtoul(text, NULL, 10));
    loan_end(session);
}

/* The file status flags of a socket that the client library has opened alone. */
static int
flags_without_us(const struct settings *settings)
{
    MYSQL *const mysql = mysql_init(NULL);

    assert_non_null(mysql_real_connect(
        mysql, settings->host, settings->user, settings->password, NULL,
        settings->port, settings->unix_socket, 0));
    const int flags = fcntl(flavour_socket(mysql), F_GETFL);
    mysql_close(mysql);
    return flags;
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
        assert_int_equal(status.st_ino, session->shared.identity);
        /* What opening set for its own bound is gone again: the library alone
         * leaves its sockets so, too (Connector/C 3.4: non-blocking). */
        assert_int_equal(fcntl(fd, F_GETFL), flags_without_us(&both[i]));
        assert_int_equal(close(duplicate), 0);
        loan_end(session);
    }
}

static int
change_nothing(MYSQL *mysql, void *arg)
{
    (void)mysql;
    (void)arg;
    return 0;
}

/* How many descriptors of our own an opening asks for. */
static uint64_t
count_descriptors(const struct settings *settings)
{
    fault_arm(FAULT_DESCRIPTOR, 1000, false);
    struct session *const session = loan_open(settings);
    const uint64_t count = fault_passes(FAULT_DESCRIPTOR);

    fault_arm(FAULT_DESCRIPTOR, 0, false);
    loan_end(session);
    return count;
}

/* A timer guards a duplicate of the socket; the wait for a TCP connect arms it.
 * (From 3.4 on Connector/C asks for TLS by itself.) */
static void
a_timer_guards_only_what_may_become_tls(void **state)
{
    struct settings settings = tcp_settings_for(*state);
    MYSQL *const mysql = mysql_init(NULL);
    const bool plain = FLAVOUR_MARIADB && !flavour_verifies_server(mysql);

    mysql_close(mysql);
    if (!plain) {
        skip();
    }
    assert_int_equal(count_descriptors(&settings), 1);
    settings.on_options = change_nothing;
    assert_int_equal(count_descriptors(&settings), 2);
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_answers_over_a_unix_socket_and_over_tcp),
        cmocka_unit_test(what_the_server_is_was_learnt),
        cmocka_unit_test(the_socket_is_close_on_exec_and_known),
        cmocka_unit_test(a_timer_guards_only_what_may_become_tls),
        cmocka_unit_test(charset_and_autocommit_are_what_settings_say),
        cmocka_unit_test(
            the_server_knows_the_pool_by_its_connection_attributes),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
