/* SPDX-License-Identifier: MIT */
/* Goal: a session that had a long row may die while its reset's answer is due.
 * Method: a long row, a return to a server that is stopped and then killed; the
 * session is settled, or hung up. (libmysqlclient 9.7 reads what it has freed
 * there: tests/oracle/freed_buffer.c.) */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "fixture/loan.h"
#include "session/session.h"
#include "session/quick.h"

enum { WITHIN_MS = 5000 };

static struct test_server *server;

/* malloc takes a buffer of this size from the system, and gives it back. Each
 * time: by itself it would keep the second one, where freed bytes can be read. */
#define FROM_SYSTEM 131072
#define LONG_ROW "SELECT REPEAT('x', 600000)"

static struct session *
return_after_a_long_row(struct settings *settings)
{
    const struct io_limit limit = {clock_deadline_after_ms(WITHIN_MS), -1};
    enum session_flaw flaw = SESSION_SOUND;

    loan_settings(settings, server);
    struct session *const session = loan_open(settings);
    session_lend(session);
    loan_do(session_handle(session), LONG_ROW);
    test_server_freeze(server);
    assert_int_equal(session_give_back(session, settings, &limit, &flaw),
                     SESSION_PENDING);
    test_server_kill(server);
    return session;
}

static void
hang_up(struct session *session, enum session_parting parting)
{
    const int fd = session_hang_up(session, parting);

    if (fd >= 0) {
        (void)close(fd);
    }
}

static void
its_death_is_noticed_when_it_is_settled(void **state)
{
    struct settings settings;
    enum session_flaw flaw = SESSION_SOUND;
    dew_error error = {.message = ""};

    (void)state;
    struct session *const session = return_after_a_long_row(&settings);
    const struct io_limit limit = {clock_deadline_after_ms(WITHIN_MS), -1};
    assert_int_equal(session_settle(session, &settings, &limit, &flaw, &error),
                     SESSION_BROKEN);
    assert_int_equal(flaw, SESSION_DEAD);
    assert_string_not_equal(error.message, "");
    hang_up(session, SESSION_CUT);
    test_server_restart(server);
}

static void
it_may_be_hung_up_before_anybody_has_noticed(void **state)
{
    const enum session_parting ways[] = {SESSION_FAREWELL, SESSION_CUT};

    (void)state;
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        struct settings settings;

        hang_up(return_after_a_long_row(&settings), ways[i]);
        test_server_restart(server);
    }
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_death_is_noticed_when_it_is_settled),
        cmocka_unit_test(it_may_be_hung_up_before_anybody_has_noticed),
    };

    /* A sanitizer's allocator knows no such option, and needs none: it keeps
     * what was freed out of reach. */
    (void)mallopt(M_MMAP_THRESHOLD, FROM_SYSTEM);
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
