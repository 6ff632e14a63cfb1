/* SPDX-License-Identifier: MIT */
/* Goal: a dead, silent or out-of-step session is noticed before it is lent,
 * within milliseconds, and a sound one is not thrown away. Method: kill, freeze
 * and confuse a session at rest; look at poll's and at the probe's verdict. */
/* ctest: timeout=120 */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/fault.h"
#include "fixture/loan.h"
#include "fixture/prompt.h"

/* What a busy machine may add. Who does not keep a limit takes 2 s. */
#define SLACK_MS 300

static struct test_server *server;

struct verdict {
    enum session_state state;
    enum session_flaw flaw;
    int64_t since_ms, took_ms;
    dew_error error;
};

static struct verdict
probe(struct session *session, const struct settings *settings, int64_t ms,
      int cancel_fd)
{
    struct verdict verdict = {.flaw = SESSION_SOUND};
    const struct io_limit limit = {
        .deadline_ns = clock_deadline_after_ms(ms),
        .cancel_fd = cancel_fd,
    };
    const int64_t start_ns = clock_now_ns();
    verdict.state = session_probe(session, settings, &limit, &verdict.flaw,
                                  &verdict.error);
    verdict.since_ms = start_ns / CLOCK_NS_PER_MS;
    verdict.took_ms = (clock_now_ns() - start_ns) / CLOCK_NS_PER_MS;
    return verdict;
}

static void
kill_session(const struct session *session)
{
    char kill[64];
    (void)snprintf(kill, sizeof kill, "KILL %lu",
                   session_server_thread(session));
    assert_int_equal(test_server_exec(server, kill), 0);
    loan_await_reply(session_handle(session)); /* the end of file */
}

static void
took_within(const struct verdict *verdict, int64_t least_ms, int64_t most_ms)
{
    assert_in_range(prompt_ms(verdict->since_ms, verdict->took_ms, most_ms),
                    least_ms, most_ms);
}

static void
expect_broken(const struct verdict *verdict, enum session_flaw why)
{
    assert_int_equal(verdict->state, SESSION_BROKEN);
    assert_string_equal(session_flaw_name(verdict->flaw),
                        session_flaw_name(why));
    assert_int_equal(verdict->error.stage, DEW_STAGE_VALIDATE);
    assert_int_equal(verdict->error.code, DEW_ECONNECT);
}

static void
sound_session_is_quiet_and_stands_the_probe(void **state)
{
    (void)state;
    struct settings settings;
    loan_settings(&settings, server);
    struct session *const session = loan_open(&settings);
    for (int i = 0; i < 3; i++) {
        assert_true(session_is_quiet(session));
        assert_int_equal(probe(session, &settings, 2000, -1).state,
                         SESSION_AT_REST);
        loan_do(loan_lend(session), "SELECT 1");
        loan_return_and_lend(session, &settings);
    }
    assert_true(session_is_quiet(session));
    loan_end(session);
}

static void
session_with_several_statements_allowed_stands_the_probe(void **state)
{
    (void)state;
    struct settings settings;
    loan_settings(&settings, server);
    settings.client_flags = CLIENT_MULTI_STATEMENTS;
    struct session *const session = loan_open(&settings);
    assert_int_equal(probe(session, &settings, 2000, -1).state,
                     SESSION_AT_REST);
    assert_int_equal(probe(session, &settings, 2000, -1).state,
                     SESSION_AT_REST);
    assert_true(session_is_quiet(session));
    loan_end(session);
}

static void
killed_while_idle_is_not_quiet_and_dead(void **state)
{
    (void)state;
    struct settings settings;
    loan_settings(&settings, server);
    struct session *const session = loan_open(&settings);
    kill_session(session);
    assert_false(session_is_quiet(session));
    const struct verdict verdict = probe(session, &settings, 2000, -1);
    expect_broken(&verdict, SESSION_DEAD);
    assert_int_not_equal(verdict.error.mysql_errno, 0);
    (void)close(session_hang_up(session, SESSION_CUT));
}

static void
session_of_a_server_that_was_killed_is_dead(void **state)
{
    (void)state;
    struct settings settings;
    loan_settings(&settings, server);
    struct session *const session = loan_open(&settings);
    test_server_kill(server);
    assert_false(session_is_quiet(session));
    const struct verdict verdict = probe(session, &settings, 2000, -1);
    expect_broken(&verdict, SESSION_DEAD);
    (void)close(session_hang_up(session, SESSION_CUT));
    test_server_restart(server);
}

static void
session_that_timed_out_on_the_server_is_noticed(void **state)
{
    (void)state;
    struct settings settings;
    loan_settings(&settings, server);
    struct session *const session = loan_open(&settings);
    loan_do(session_handle(session), "SET wait_timeout = 1");
    loan_await_reply(session_handle(session));
    assert_false(session_is_quiet(session));
    const struct verdict verdict = probe(session, &settings, 2000, -1);
    expect_broken(&verdict, SESSION_DEAD);
    (void)close(session_hang_up(session, SESSION_CUT));
}

static void
frozen_server_looks_quiet_but_fails_the_probe_in_time(void **state)
{
    (void)state;
    struct settings settings;
    loan_settings(&settings, server);
    struct session *const session = loan_open(&settings);
    test_server_freeze(server);
    const bool quiet = session_is_quiet(session);
    const struct verdict verdict = probe(session, &settings, 120, -1);
    test_server_thaw(server);
    assert_true(quiet);
    expect_broken(&verdict, SESSION_SILENT);
    took_within(&verdict, 119, 120 + SLACK_MS);
    (void)close(session_hang_up(session, SESSION_CUT));
}

static void
cancelled_probe_ends_at_once(void **state)
{
    (void)state;
    int cancel[2];
    struct settings settings;
    loan_settings(&settings, server);
    struct session *const session = loan_open(&settings);
    assert_int_equal(pipe(cancel), 0);
    assert_int_equal(write(cancel[1], "x", 1), 1);
    test_server_freeze(server);
    const struct verdict verdict = probe(session, &settings, 2000, cancel[0]);
    test_server_thaw(server);
    expect_broken(&verdict, SESSION_SILENT);
    took_within(&verdict, 0, SLACK_MS);
    (void)close(cancel[0]);
    (void)close(cancel[1]);
    (void)close(session_hang_up(session, SESSION_CUT));
}

static void
stray_reply_is_not_taken_for_an_answer(void **state)
{
    (void)state;
    static const char *const strays[] = {"SELECT 7", "DO 0", "SELECT 7, 't'",
                                         "SELEC"};
    for (size_t i = 0; i < sizeof strays / sizeof strays[0]; i++) {
        struct settings settings;
        loan_settings(&settings, server);
        struct session *const session = loan_open(&settings);
        MYSQL *const mysql = session_handle(session);
        loan_send(mysql, strays[i]);
        loan_await_reply(mysql);
        assert_false(session_is_quiet(session));
        mysql->net.pkt_nr = 0; /* as if nothing had been sent */
        const struct verdict verdict = probe(session, &settings, 2000, -1);
        expect_broken(&verdict, SESSION_STRAY);
        (void)close(session_hang_up(session, SESSION_CUT));
    }
}

static void
unread_reply_that_the_handle_shows_is_not_probed(void **state)
{
    (void)state;
    struct settings settings;
    loan_settings(&settings, server);
    struct session *const session = loan_open(&settings);
    loan_send(session_handle(session), "DO SLEEP(5)");
    const struct verdict verdict = probe(session, &settings, 2000, -1);
    expect_broken(&verdict, SESSION_UNREAD);
    took_within(&verdict, 0, SLACK_MS);
    (void)close(session_hang_up(session, SESSION_CUT));
}

static void
failing_probe_ends_the_session(void **state)
{
    (void)state;
    struct settings settings;
    loan_settings(&settings, server);
    struct session *const session = loan_open(&settings);
    fault_arm(FAULT_PING, 1, false);
    const struct verdict verdict = probe(session, &settings, 2000, -1);
    fault_arm(FAULT_PING, 0, false);
    expect_broken(&verdict, SESSION_SILENT);
    loan_end(session);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_session_is_quiet_and_stands_the_probe),
        cmocka_unit_test(
            session_with_several_statements_allowed_stands_the_probe),
        cmocka_unit_test(killed_while_idle_is_not_quiet_and_dead),
        cmocka_unit_test(session_of_a_server_that_was_killed_is_dead),
        cmocka_unit_test(session_that_timed_out_on_the_server_is_noticed),
        cmocka_unit_test(frozen_server_looks_quiet_but_fails_the_probe_in_time),
        cmocka_unit_test(cancelled_probe_ends_at_once),
        cmocka_unit_test(stray_reply_is_not_taken_for_an_answer),
        cmocka_unit_test(unread_reply_that_the_handle_shows_is_not_probed),
        cmocka_unit_test(failing_probe_ends_the_session),
    };
    prompt_watch();
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
