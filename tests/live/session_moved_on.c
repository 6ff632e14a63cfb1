/* SPDX-License-Identifier: MIT */
/* Goal: who asks whether a query that was killed has ended is told the truth.
 * Method: a session on a real server that rests, was killed at rest, or runs a
 * query that began before or after a moment. */
/* ctest: timeout=60 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "fixture/pool_kit.h"

/* Longer than this test may take: the query has begun later in any case. */
#define LONG_AGO_MS 60000

static struct test_server *server;

static struct io_limit
soon(void)
{
    return (struct io_limit){clock_deadline_after_ms(KIT_PATIENCE_MS), -1};
}

static bool
has_moved_on(const struct session *session, const struct settings *settings,
             int64_t since_ns)
{
    const struct io_limit limit = soon();
    return session_progress(settings, session_server_thread(session), since_ns,
                            &limit) == SESSION_MOVED_ON;
}

/* A server tells the last answer before it takes the statement off its list. */
static void
session_at_rest_has_moved_on(void **state)
{
    (void)state;
    const struct io_limit limit = soon();
    struct settings settings;
    loan_settings(&settings, server);
    struct session *const session = loan_open(&settings);
    KIT_AWAIT(has_moved_on(session, &settings, clock_now_ns()));
    assert_true(session_kill_query(&settings, session_server_thread(session),
                                   &limit, NULL));
    KIT_AWAIT(has_moved_on(session, &settings, clock_now_ns()));
    loan_end(session);
}

static void
query_that_began_before_goes_on(void **state)
{
    (void)state;
    struct settings settings;
    loan_settings(&settings, server);
    struct session *const session = loan_open(&settings);
    loan_lend(session);
    loan_send(session_handle(session), KIT_LONG_QUERY);
    /* Nothing begins in the future: so it rests no more. */
    KIT_AWAIT(!has_moved_on(session, &settings, INT64_MAX / 2));
    const int64_t now_ns = clock_now_ns();
    assert_false(has_moved_on(session, &settings, now_ns));
    assert_true(has_moved_on(session, &settings,
                             now_ns - LONG_AGO_MS * CLOCK_NS_PER_MS));
    (void)close(session_hang_up(session, SESSION_CUT));
}

static void
session_that_the_server_does_not_know_has_not_moved_on(void **state)
{
    (void)state;
    struct settings settings;
    loan_settings(&settings, server);
    const struct io_limit limit = soon();
    assert_int_equal(session_progress(&settings, 4000000000UL, clock_now_ns(),
                                      &limit), SESSION_GOES_ON);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(session_at_rest_has_moved_on),
        cmocka_unit_test(query_that_began_before_goes_on),
        cmocka_unit_test(
            session_that_the_server_does_not_know_has_not_moved_on),
    };
    server = test_server_start(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    test_server_stop(server);
    return failed;
}
