/* SPDX-License-Identifier: MIT */
/* Goal: a connect keeps its deadline, whatever is done. */
/* Method: listeners that let a handshake down, and a frozen real server. */
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
#include "fixture/prompt.h"
#include "live/session_connect.h"

enum { DEADLINE_MS = 400 };

/* Returns by how much it was late; it is never early. */
static int64_t
late_ms(const struct settings *settings, dew_error *error)
{
    const int64_t started_ns = clock_now_ns();
    const struct io_limit limit = {started_ns + DEADLINE_MS * CLOCK_NS_PER_MS,
                                   -1};
    struct session *session = NULL;
    int64_t late_ns;

    assert_int_equal(session_open(&session, settings, &limit, error),
                     DEW_ECONNECT);
    late_ns = clock_now_ns() - limit.deadline_ns;
    assert_null(session);
    if (late_ns < 0) {
        fail_msg("early: %s", error->message);
    }
    return prompt_ms(limit.deadline_ns / CLOCK_NS_PER_MS,
                     late_ns / CLOCK_NS_PER_MS, LATE_MS);
}

static void
assert_deadline_holds(const struct settings *settings, const char *phase)
{
    dew_error error = {0};
    int64_t late = LONG_MS;

    /* On a crowded machine it may not come so far in time, either. */
    for (int i = 0; i < ATTEMPTS && (late > LATE_MS ||
                                     strstr(error.message, phase) == NULL);
         i++) {
        late = late_ms(settings, &error);
    }
    if (late > LATE_MS) {
        fail_msg("%lld ms late", (long long)late);
    }
    assert_non_null(strstr(error.message, "connect timed out after 400 ms"));
    assert_non_null(strstr(error.message, phase));
    assert_true(error.mysql_errno == 2013 || error.mysql_errno == 2003 ||
                error.mysql_errno == 2002 || error.mysql_errno == 2026 ||
                error.mysql_errno == 2012);
}

static void
assert_stall_is_left_in_time(void **state, enum stall_script script, bool tcp,
                             uint32_t tls_mode)
{
    struct stall *const stall = stall_start(script, tcp, 0);
    struct settings settings = settings_for_stall(*state, stall);

    settings.tls_mode = tls_mode;
    assert_deadline_holds(&settings, "handshake");
    stall_stop(stall);
}

static void
a_server_that_accepts_and_is_silent(void **state)
{
    assert_stall_is_left_in_time(state, STALL_SILENT, false, DEW_TLS_DEFAULT);
    assert_stall_is_left_in_time(state, STALL_SILENT, true, DEW_TLS_DEFAULT);
}

static void
a_server_that_dribbles_its_greeting(void **state)
{
    assert_stall_is_left_in_time(state, STALL_DRIBBLE, false, DEW_TLS_DEFAULT);
    assert_stall_is_left_in_time(state, STALL_DRIBBLE, true, DEW_TLS_DEFAULT);
}

static void
a_server_that_greets_and_does_not_answer_the_login(void **state)
{
    assert_stall_is_left_in_time(state, STALL_GREETED, false, DEW_TLS_DEFAULT);
    assert_stall_is_left_in_time(state, STALL_GREETED, true, DEW_TLS_DEFAULT);
}

static void
a_server_that_stalls_its_tls_handshake(void **state)
{
    assert_stall_is_left_in_time(state, STALL_TLS_GREETED, true,
                                 DEW_TLS_REQUIRED);
}

static void
a_server_that_dribbles_its_tls_handshake(void **state)
{
    assert_stall_is_left_in_time(state, STALL_TLS_DRIBBLE, true,
                                 DEW_TLS_REQUIRED);
}

/* What would end the handshake cannot be started: it does not begin. */
static void
a_tls_handshake_that_nothing_could_end_is_not_begun(void **state)
{
    struct stall *const stall = stall_start(STALL_TLS_GREETED, true, 0);
    struct settings settings = settings_for_stall(*state, stall);
    const struct io_limit limit = {clock_deadline_after_ms(LONG_MS), -1};
    const int64_t started_ns = clock_now_ns();
    struct session *session = NULL;
    dew_error error = {0};

    settings.tls_mode = DEW_TLS_REQUIRED;
    fault_arm(FAULT_DESCRIPTOR, 1, false);
    assert_int_equal(session_open(&session, &settings, &limit, &error),
                     DEW_ESYSTEM);
    fault_arm(FAULT_DESCRIPTOR, 0, false);
    assert_null(session);
    if (strstr(error.message, "no timer for the connect") == NULL) {
        fail_msg("%s", error.message);
    }
    assert_true(clock_now_ns() - started_ns < 5000 * CLOCK_NS_PER_MS);
    stall_stop(stall);
}

static void
a_listener_without_room_over_tcp(void **state)
{
    assert_stall_is_left_in_time(state, STALL_DEAF, true, DEW_TLS_DEFAULT);
}

/* Connector/C retries that by itself, deaf to everybody, for its own timeout
 * of one second and the rest of a pause: the one deadline that is late. */
static void
a_unix_listener_without_room_is_left_within_three_seconds(void **state)
{
    struct stall *const stall = stall_start(STALL_DEAF, false, 0);
    const struct settings settings = settings_for_stall(*state, stall);
    const int64_t started_ns = clock_now_ns();
    const struct io_limit limit = {started_ns + DEADLINE_MS * CLOCK_NS_PER_MS,
                                   -1};
    struct session *session = NULL;
    dew_error error = {0};

    assert_int_equal(session_open(&session, &settings, &limit, &error),
                     DEW_ECONNECT);
    assert_true(clock_now_ns() - started_ns <
                (DEADLINE_MS + 3000) * CLOCK_NS_PER_MS);
    stall_stop(stall);
}

static void
a_server_that_is_frozen(void **state)
{
    const struct settings settings = settings_for(*state);

    test_server_freeze(*state);
    assert_deadline_holds(&settings, "handshake");
    test_server_thaw(*state);
}

static void
init_sql_that_takes_too_long(void **state)
{
    struct settings settings = settings_for(*state);

    settings.init_sql = (char *)"SELECT SLEEP(30)";
    assert_deadline_holds(&settings, "first queries");
}

static int
freeze_and_ask(MYSQL *mysql, void *server)
{
    int result;

    test_server_freeze(server);
    /* Slower than the deadline, should a thread of it stop a moment late. */
    result = mysql_query(mysql, "DO SLEEP(2)");
    test_server_thaw(server);
    return result;
}

static void
a_server_that_freezes_in_on_connect(void **state)
{
    struct settings settings = settings_for(*state);

    settings.on_connect = freeze_and_ask;
    settings.on_connect_arg = *state;
    assert_deadline_holds(&settings, "first queries");
}

static void
the_settings_own_timeout_holds_without_another(void **state)
{
    struct stall *const stall = stall_start(STALL_SILENT, false, 0);
    struct settings settings = settings_for_stall(*state, stall);
    const struct io_limit limit = {CLOCK_NEVER, -1};
    const int64_t started_ns = clock_now_ns();
    struct session *session = NULL;
    dew_error error = {0};

    settings.connect_timeout_ms = DEADLINE_MS;
    assert_int_equal(session_open(&session, &settings, &limit, &error),
                     DEW_ECONNECT);
    assert_true(clock_now_ns() - started_ns >= DEADLINE_MS * CLOCK_NS_PER_MS);
    assert_true(clock_now_ns() - started_ns < LONG_MS * CLOCK_NS_PER_MS);
    assert_string_equal(error.message,
                        "connect timed out after 400 ms (handshake)");
    stall_stop(stall);
}

static void
a_deadline_that_is_past_is_not_waited_for(void **state)
{
    struct stall *const stall = stall_start(STALL_SILENT, false, 0);
    const struct settings settings = settings_for_stall(*state, stall);
    const struct io_limit limit = {clock_now_ns() - 1, -1};
    struct session *session = NULL;
    dew_error error = {0};

    assert_int_equal(session_open(&session, &settings, &limit, &error),
                     DEW_ECONNECT);
    assert_non_null(strstr(error.message, "timed out after 0 ms"));
    stall_stop(stall);
}

/* ---- servers that hang up ---- */

static void
a_server_that_closes_at_any_byte_is_told_at_once(void **state)
{
    for (size_t bytes = 0; bytes <= 100; bytes += 7) {
        struct stall *const stall =
            stall_start(STALL_CLOSE, bytes % 2 == 1, bytes);
        const struct settings settings = settings_for_stall(*state, stall);
        const int64_t started_ns = clock_now_ns();
        const struct io_limit limit = {clock_deadline_after_ms(LONG_MS), -1};
        struct session *session = NULL;
        dew_error error = {0};

        assert_int_equal(session_open(&session, &settings, &limit, &error),
                         DEW_ECONNECT);
        assert_true(error.mysql_errno >= 2000);
        assert_null(strstr(error.message, "timed out"));
        assert_true(clock_now_ns() - started_ns < 5000 * CLOCK_NS_PER_MS);
        stall_stop(stall);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_that_accepts_and_is_silent),
        cmocka_unit_test(a_server_that_dribbles_its_greeting),
        cmocka_unit_test(a_server_that_greets_and_does_not_answer_the_login),
        cmocka_unit_test(a_server_that_stalls_its_tls_handshake),
        cmocka_unit_test(a_server_that_dribbles_its_tls_handshake),
        cmocka_unit_test(a_tls_handshake_that_nothing_could_end_is_not_begun),
        cmocka_unit_test(a_listener_without_room_over_tcp),
        cmocka_unit_test(
            a_unix_listener_without_room_is_left_within_three_seconds),
        cmocka_unit_test(a_server_that_is_frozen),
        cmocka_unit_test(init_sql_that_takes_too_long),
        cmocka_unit_test(a_server_that_freezes_in_on_connect),
        cmocka_unit_test(the_settings_own_timeout_holds_without_another),
        cmocka_unit_test(a_deadline_that_is_past_is_not_waited_for),
        cmocka_unit_test(a_server_that_closes_at_any_byte_is_told_at_once),
    };
    prompt_watch();

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
