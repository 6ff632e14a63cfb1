/* SPDX-License-Identifier: MIT */
/* Goal: a session is handed on only when the proof's answer was the last thing
 * that its server said. Method: return it, let all answers arrive and something
 * behind them, a reply or the end of the session, and settle it as a pool does:
 * one look, then what there is to read. */
/* ctest: timeout=60 */
#define _GNU_SOURCE 1
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "fixture/loan.h"
#include "session/flavour.h"

#define PATIENCE_MS 5000
#define HEADER 4

/* At least. One OK, and the proof's: two columns, a row, and what stands around
 * them; where a reset takes the character set along, an OK more. */
#define PACKETS_OF_A_CLEAN_UP 7

static struct test_server *server;

static struct session *
returned(struct settings *settings, dew_reset policy)
{
    const struct io_limit limit = {.deadline_ns = 0, .cancel_fd = -1};
    enum session_flaw flaw;
    loan_settings(settings, server);
    settings->reset = policy;
    struct session *const session = loan_open(settings);
    loan_lend(session);
    loan_do(session_handle(session), "DO 0");
    assert_int_equal(session_give_back(session, settings, &limit, &flaw),
                     SESSION_PENDING);
    return session;
}

/* Whole packets that lie on the socket. */
static unsigned
packets_on(int fd)
{
    unsigned char bytes[2048];
    const ssize_t length =
        recv(fd, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
    unsigned packets = 0;
    for (ssize_t at = 0; at + HEADER <= length;) {
        at += HEADER + (bytes[at] | bytes[at + 1] << 8);
        packets += at <= length ? 1 : 0;
    }
    return packets;
}

static void
await_packets(const struct session *session, unsigned count)
{
    const int64_t deadline_ns = clock_deadline_after_ms(PATIENCE_MS);
    while (packets_on(session_socket(session)) < count) {
        assert_true(clock_now_ns() < deadline_ns);
        (void)sched_yield();
    }
}

/* What no other reply holds, the last thing on the socket. */
static void
await_text(const struct session *session, const char *text)
{
    const int64_t deadline_ns = clock_deadline_after_ms(PATIENCE_MS);
    char bytes[2048];
    ssize_t length;
    do {
        assert_true(clock_now_ns() < deadline_ns);
        length = recv(session_socket(session), bytes, sizeof bytes,
                      MSG_PEEK | MSG_DONTWAIT);
    } while (length <= 0 ||
             memmem(bytes, (size_t)length, text, strlen(text)) == NULL);
}

static void
await_hang_up(const struct session *session)
{
    const int64_t deadline_ns = clock_deadline_after_ms(PATIENCE_MS);
    while (!session_is_gone(session)) {
        assert_true(clock_now_ns() < deadline_ns);
        (void)sched_yield();
    }
}

static enum session_state
settle(struct session *session, const struct settings *settings)
{
    const struct io_limit limit = {clock_deadline_after_ms(PATIENCE_MS), -1};
    enum session_flaw flaw;
    assert_true(session_wait_answer(session, &limit));
    return session_settle(session, settings, &limit, &flaw, NULL);
}

/* One policy with a reset and one without. */
static const dew_reset policies[] = {DEW_RESET_AUTO, DEW_RESET_ROLLBACK};

static void
answer_that_is_the_last_word_is_enough(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct settings settings;
        char text[LOAN_TEXT];
        struct session *const session = returned(&settings, policies[i]);
        await_packets(session, PACKETS_OF_A_CLEAN_UP);
        assert_int_equal(settle(session, &settings), SESSION_AT_REST);
        assert_string_equal(loan_ask(loan_lend(session), "SELECT 42", text),
                            "42");
        loan_end(session);
    }
}

static void
reply_behind_the_answer_ends_the_session(void **state)
{
    static const char stray[] = "\x0f\0\0\0\x03"
                                "SELECT 'stray'";
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct settings settings;
        struct session *const session = returned(&settings, policies[i]);
        assert_int_equal(send(session_socket(session), stray, sizeof stray - 1,
                              MSG_NOSIGNAL),
                         sizeof stray - 1);
        await_text(session, "stray");
        assert_int_equal(settle(session, &settings), SESSION_BROKEN);
        (void)close(session_hang_up(session, SESSION_CUT));
    }
}

static void
end_behind_the_answer_ends_the_session(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct settings settings;
        char kill[64];
        struct session *const session = returned(&settings, policies[i]);
        await_packets(session, PACKETS_OF_A_CLEAN_UP);
        (void)snprintf(kill, sizeof kill, "KILL %lu",
                       session_server_thread(session));
        assert_int_equal(test_server_exec(server, kill), 0);
        await_hang_up(session);
        assert_int_equal(settle(session, &settings), SESSION_BROKEN);
        (void)close(session_hang_up(session, SESSION_CUT));
    }
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(answer_that_is_the_last_word_is_enough),
        cmocka_unit_test(reply_behind_the_answer_ends_the_session),
        cmocka_unit_test(end_behind_the_answer_ends_the_session),
    };
    if (!FLAVOUR_MARIADB) {
        (void)printf("skipped: this client library asks for proof later\n");
        return 77;
    }
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
