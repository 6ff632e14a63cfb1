/* SPDX-License-Identifier: MIT */
/* Goal: a clean-up leaves in one send that never waits, and one that does not
 * leave as a whole ends the session. Method: stand in the way of send(2), count
 * its calls, cut one short or refuse it, and look at what becomes of the
 * session. */
/* ctest: timeout=60 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "fixture/loan.h"
#include "session/flavour.h"

#define EVERYTHING SIZE_MAX
#define SAFE (MSG_DONTWAIT | MSG_NOSIGNAL)

static struct test_server *server;

/* What the next sends do. */
static struct {
    unsigned calls;
    size_t most;       /* bytes that one takes */
    int refuse;        /* errno of one that takes none; 0: it does */
    unsigned refusals; /* so many, and then they go out */
    bool may_hurt;     /* one might have waited for room, or raised SIGPIPE */
} sends = {.most = EVERYTHING};

/* In place of the C library's, for the client library, too. */
ssize_t
send(int fd, const void *bytes, size_t length, int flags)
{
    sends.calls++;
    sends.may_hurt = sends.may_hurt || (flags & SAFE) != SAFE;
    if (sends.refuse != 0 && sends.refusals > 0) {
        sends.refusals--;
        errno = sends.refuse;
        return -1;
    }
    return sendto(fd, bytes, length < sends.most ? length : sends.most, flags,
                  NULL, 0);
}

static void
watch_sends(size_t most, int refuse)
{
    sends.calls = 0;
    sends.may_hurt = false;
    sends.most = most;
    sends.refuse = refuse;
    sends.refusals = UINT_MAX;
}

static struct session *
lent(struct settings *settings)
{
    struct session *const session = loan_open(settings);
    loan_lend(session);
    loan_do(session_handle(session), "SET @dirt = 1");
    return session;
}

static enum session_state
give_back(struct session *session, const struct settings *settings,
          enum session_flaw *flaw)
{
    const struct io_limit limit = {.deadline_ns = 0, .cancel_fd = -1};
    return session_give_back(session, settings, &limit, flaw);
}

/* Returns it, counts, and has the next borrower look. */
static void
leaves_in(unsigned calls, struct session *session,
          const struct settings *settings, bool all_ours)
{
    const struct io_limit limit = {.deadline_ns = INT64_MAX, .cancel_fd = -1};
    enum session_flaw flaw;
    char text[LOAN_TEXT];
    watch_sends(EVERYTHING, 0);
    assert_int_equal(give_back(session, settings, &flaw), SESSION_PENDING);
    /* What the library sends by itself is its own affair, of each version. */
    assert_true(all_ours ? sends.calls == calls : sends.calls >= calls);
    assert_true(!all_ours || !sends.may_hurt);
    assert_true(session_wait_answer(session, &limit));
    assert_int_equal(session_settle(session, settings, &limit, &flaw, NULL),
                     SESSION_AT_REST);
    assert_string_equal(loan_ask(loan_lend(session), "SELECT 42", text), "42");
    if (settings->reset == DEW_RESET_AUTO) {
        assert_string_equal(
            loan_ask(session_handle(session), "SELECT @dirt", text), "NULL");
    }
}

static void
clean_up_leaves_in_one_send(void **state)
{
    (void)state;
    for (int policy = DEW_RESET_AUTO; policy < DEW_RESET_NEVER; policy++) {
        struct settings settings;
        loan_settings(&settings, server);
        settings.reset = (dew_reset)policy;
        struct session *const session = lent(&settings);
        leaves_in(1, session, &settings, true);
        loan_end(session);
    }
}

static void
all_that_a_return_sends_leaves_together(void **state)
{
    (void)state;
    struct settings settings;
    char text[LOAN_TEXT];
    loan_settings(&settings, server);
    settings.init_sql = (char *)"SET @greeting = 'hello'";
    struct session *const session = lent(&settings);
    leaves_in(1, session, &settings, true);
    assert_string_equal(
        loan_ask(session_handle(session), "SELECT @greeting", text), "hello");
    loan_end(session);
}

/* An init_sql longer than what is kept. */
static char *
long_greeting(void)
{
    static char long_sql[5000];
    memset(long_sql, ' ', sizeof long_sql - 1);
    memcpy(long_sql, "SET @greeting =", sizeof "SET @greeting =" - 1);
    memcpy(long_sql + sizeof long_sql - sizeof "'hello'", "'hello'",
           sizeof "'hello'");
    return long_sql;
}

/* Each takes what fits before it along; none may come before another. */
static void
what_is_too_long_leaves_behind_what_was_kept(void **state)
{
    (void)state;
    struct settings settings;
    char text[LOAN_TEXT];
    loan_settings(&settings, server);
    settings.init_sql = long_greeting();
    struct session *const session = lent(&settings);
    leaves_in(2, session, &settings, false);
    assert_string_equal(
        loan_ask(session_handle(session), "SELECT @greeting", text), "hello");
    loan_end(session);
}

/* What is no packet on the wire is the library's to write. */
static void
compressed_session_is_cleaned_as_well(void **state)
{
    (void)state;
    struct settings settings;
    loan_settings(&settings, server);
    settings.client_flags = CLIENT_COMPRESS;
    struct session *const session = lent(&settings);
    leaves_in(2, session, &settings, false);
    loan_end(session);
}

static void
is_dead_after(char *init_sql, size_t most, int refuse)
{
    struct settings settings;
    enum session_flaw flaw;
    loan_settings(&settings, server);
    settings.init_sql = init_sql;
    struct session *const session = lent(&settings);
    watch_sends(most, refuse);
    const enum session_state back = give_back(session, &settings, &flaw);
    const unsigned calls = sends.calls;
    watch_sends(EVERYTHING, 0);
    assert_int_equal(back, SESSION_BROKEN);
    assert_string_equal(session_flaw_name(flaw),
                        session_flaw_name(SESSION_DEAD));
    /* Nothing follows half a command. */
    assert_int_equal(calls, 1);
    (void)close(session_hang_up(session, SESSION_CUT));
}

static void
half_a_clean_up_ends_the_session(void **state)
{
    (void)state;
    is_dead_after(NULL, 7, 0);
    is_dead_after(NULL, 1, 0);
}

static void
no_room_ends_the_session_at_once(void **state)
{
    (void)state;
    is_dead_after(NULL, EVERYTHING, EAGAIN);
}

static void
socket_that_is_gone_ends_the_session(void **state)
{
    (void)state;
    is_dead_after(NULL, EVERYTHING, EPIPE);
    is_dead_after(NULL, EVERYTHING, ECONNRESET);
}

/* What goes before the long one does not leave, so neither does that one. */
static void
half_of_what_goes_before_a_long_one_ends_the_session(void **state)
{
    (void)state;
    is_dead_after(long_greeting(), 7, 0);
    is_dead_after(long_greeting(), EVERYTHING, EAGAIN);
}

static void
send_that_a_signal_interrupts_is_made_again(void **state)
{
    (void)state;
    const struct io_limit limit = {.deadline_ns = INT64_MAX, .cancel_fd = -1};
    struct settings settings;
    enum session_flaw flaw;
    loan_settings(&settings, server);
    struct session *const session = lent(&settings);
    watch_sends(EVERYTHING, EINTR);
    sends.refusals = 1;
    assert_int_equal(give_back(session, &settings, &flaw), SESSION_PENDING);
    assert_int_equal(sends.calls, 2);
    watch_sends(EVERYTHING, 0);
    assert_true(session_wait_answer(session, &limit));
    assert_int_equal(session_settle(session, &settings, &limit, &flaw, NULL),
                     SESSION_AT_REST);
    loan_end(session);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(clean_up_leaves_in_one_send),
        cmocka_unit_test(all_that_a_return_sends_leaves_together),
        cmocka_unit_test(what_is_too_long_leaves_behind_what_was_kept),
        cmocka_unit_test(compressed_session_is_cleaned_as_well),
        cmocka_unit_test(half_a_clean_up_ends_the_session),
        cmocka_unit_test(no_room_ends_the_session_at_once),
        cmocka_unit_test(socket_that_is_gone_ends_the_session),
        cmocka_unit_test(half_of_what_goes_before_a_long_one_ends_the_session),
        cmocka_unit_test(send_that_a_signal_interrupts_is_made_again),
    };
    if (!FLAVOUR_MARIADB) {
        (void)printf("skipped: this client library sends one by one\n");
        return 77;
    }
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
