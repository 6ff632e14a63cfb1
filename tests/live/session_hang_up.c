/* SPDX-License-Identifier: MIT */
/* Goal: a session ends politely or at once, and never waits for a server. */
/* Method: count what the server calls aborted; freeze it and fill sockets. */
#define _GNU_SOURCE 1
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "fixture/loan.h"
#include "fixture/prompt.h"
#include "session/inside.h"
#include "session/quick.h"

enum { WITHIN_MS = 10000, AT_ONCE_MS = 100 };

static int
set_up(void **state)
{
    *state = test_server_start(NULL);
    return 0;
}

static int
tear_down(void **state)
{
    test_server_stop(*state);
    return 0;
}

static struct session *
open_on(const struct test_server *server, bool tcp)
{
    struct settings settings;

    loan_settings(&settings, server);
    if (tcp) {
        settings.unix_socket = NULL;
        settings.host = (char *)"127.0.0.1";
        settings.port = test_server_port(server);
    }
    return loan_open(&settings);
}

static int64_t
aborted(struct test_server *server)
{
    return test_server_status(server, "Aborted_clients");
}

static void
assert_end_is_seen(int socket)
{
    struct pollfd end = {.fd = socket, .events = POLLIN};

    assert_true(socket >= 0);
    assert_int_equal(poll(&end, 1, WITHIN_MS), 1);
    assert_int_equal(close(socket), 0);
}

static void
a_farewell_is_not_an_aborted_client(void **state)
{
    for (int tcp = 0; tcp < 2; tcp++) {
        const int64_t before = aborted(*state);
        struct session *const session = open_on(*state, tcp == 1);

        assert_end_is_seen(session_hang_up(session, SESSION_FAREWELL));
        assert_true(test_server_await_count(*state, "app", 0, WITHIN_MS));
        assert_int_equal(aborted(*state), before);
    }
}

static void
a_cut_is_one(void **state)
{
    for (int tcp = 0; tcp < 2; tcp++) {
        const int64_t before = aborted(*state);
        struct session *const session = open_on(*state, tcp == 1);

        assert_end_is_seen(session_hang_up(session, SESSION_CUT));
        assert_true(test_server_await_count(*state, "app", 0, WITHIN_MS));
        assert_int_equal(aborted(*state), before + 1);
    }
}

/* Sends the beginning of a large query until no more goes in. */
static void
fill(const struct session *session)
{
    static const char packet[65536] = {(char)0xff, (char)0xff, (char)0xff, 0,
                                       3};
    const int fd = session_dup_socket(session);

    assert_true(fd >= 0);
    while (send(fd, packet, sizeof(packet), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
    }
    assert_int_equal(close(fd), 0);
}

static void
assert_ends_at_once(struct session *session, enum session_parting parting)
{
    const int64_t started_ns = clock_now_ns();
    const int socket = session_hang_up(session, parting);

    ASSERT_PROMPT(started_ns / CLOCK_NS_PER_MS, 0, AT_ONCE_MS);
    if (socket >= 0) {
        assert_int_equal(close(socket), 0);
    }
}

static void
a_frozen_server_is_not_waited_for(void **state)
{
    for (int tcp = 0; tcp < 2; tcp++) {
        struct session *const idle = open_on(*state, tcp == 1);
        struct session *const asking = open_on(*state, tcp == 1);
        struct session *const full = open_on(*state, tcp == 1);
        struct session *const cut = open_on(*state, tcp == 1);

        test_server_freeze(*state);
        loan_send(session_handle(asking), "SELECT 1");
        fill(full);
        fill(cut);
        assert_ends_at_once(idle, SESSION_FAREWELL);
        assert_ends_at_once(asking, SESSION_FAREWELL);
        assert_ends_at_once(full, SESSION_FAREWELL);
        assert_ends_at_once(cut, SESSION_CUT);
        test_server_thaw(*state);
        assert_true(test_server_await_count(*state, "app", 0, WITHIN_MS));
    }
}

static void
a_session_without_a_transport_can_be_hung_up(void **state)
{
    struct session *const session = open_on(*state, false);
    char kill[64];

    (void)snprintf(kill, sizeof(kill), "KILL %lu",
                   session_server_thread(session));
    assert_int_equal(test_server_exec(*state, kill), 0);
    assert_true(test_server_await_count(*state, "app", 0, WITHIN_MS));
    assert_int_not_equal(mysql_query(session_handle(session), "SELECT 1"), 0);
    assert_int_equal(session_dup_socket(session), -1);
    assert_int_equal(session_hang_up(session, SESSION_FAREWELL), -1);
}

static void
a_statement_may_be_closed_after_its_session(void **state)
{
    struct session *const session = open_on(*state, false);
    MYSQL_STMT *const statement = mysql_stmt_init(session_handle(session));
    static const char sql[] = "SELECT id FROM a";

    assert_int_equal(mysql_stmt_prepare(statement, sql, sizeof(sql) - 1), 0);
    assert_int_equal(mysql_stmt_execute(statement), 0);
    assert_end_is_seen(session_hang_up(session, SESSION_FAREWELL));
    assert_int_equal(mysql_stmt_close(statement), 0);
}

static void
a_detached_handle_lives_on(void **state)
{
    struct session *const session = open_on(*state, false);
    MYSQL *mysql;
    char text[LOAN_TEXT];

    session_lend(session);
    mysql = session_detach(session);
    assert_string_equal(
        loan_ask(mysql, "SELECT v FROM a WHERE id = 3", text), "row 3");
    mysql_close(mysql);
    assert_true(test_server_await_count(*state, "app", 0, WITHIN_MS));
}

static void
the_last_error_is_the_handles_own(void **state)
{
    struct session *const session = open_on(*state, false);
    dew_error error = {0};

    assert_int_not_equal(
        mysql_query(session_handle(session), "SELECT nothing"), 0);
    session_last_error(session, DEW_STAGE_QUERY, &error);
    assert_int_equal(error.code, DEW_EQUERY);
    assert_int_equal(error.stage, DEW_STAGE_QUERY);
    assert_int_equal(error.mysql_errno, 1054);
    assert_string_equal(error.sqlstate, "42S22");
    assert_non_null(strstr(error.message, "nothing"));
    session_last_error(session, DEW_STAGE_QUERY, NULL);
    loan_end(session);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_farewell_is_not_an_aborted_client),
        cmocka_unit_test(a_cut_is_one),
        cmocka_unit_test(a_frozen_server_is_not_waited_for),
        cmocka_unit_test(a_session_without_a_transport_can_be_hung_up),
        cmocka_unit_test(a_statement_may_be_closed_after_its_session),
        cmocka_unit_test(a_detached_handle_lives_on),
        cmocka_unit_test(the_last_error_is_the_handles_own),
    };
    prompt_watch();

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
