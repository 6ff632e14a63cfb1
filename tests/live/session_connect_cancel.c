/* SPDX-License-Identifier: MIT */
/* Goal: a connect is cancelled at once, wherever it waits. */
/* Method: the canceller acts when the connect has reached its stall. */
#define _GNU_SOURCE 1
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "fixture/prompt.h"
#include "live/session_connect.h"
#include "session/flavour.h"

struct canceller {
    int reached_fd, cancel_fd;
    int64_t cancelled_ns;
};

/* Cancels as soon as the connect has reached its stall. */
static void *
cancel(void *arg)
{
    struct canceller *const canceller = arg;
    struct pollfd reached = {.fd = canceller->reached_fd, .events = POLLIN};
    const uint64_t one = 1;

    if (poll(&reached, 1, LONG_MS) == 1) {
        canceller->cancelled_ns = clock_now_ns();
        (void)!write(canceller->cancel_fd, &one, sizeof(one));
    }
    return NULL;
}

static int64_t
late_after_cancel_ms(const struct settings *settings, int reached_fd)
{
    struct canceller canceller = {.reached_fd = reached_fd};
    const struct io_limit limit = {clock_deadline_after_ms(LONG_MS),
                                   eventfd(0, EFD_CLOEXEC)};
    struct session *session = NULL;
    dew_error error = {0};
    pthread_t thread;
    int64_t ended_ns;

    canceller.cancel_fd = limit.cancel_fd;
    assert_int_equal(pthread_create(&thread, NULL, cancel, &canceller), 0);
    assert_int_equal(session_open(&session, settings, &limit, &error),
                     DEW_ECONNECT);
    ended_ns = clock_now_ns();
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(close(limit.cancel_fd), 0);
    if (strstr(error.message, "cancelled") == NULL) {
        fail_msg("%s", error.message);
    }
    return prompt_ms(canceller.cancelled_ns / CLOCK_NS_PER_MS,
                     (ended_ns - canceller.cancelled_ns) / CLOCK_NS_PER_MS,
                     LATE_MS);
}

static void
assert_cancel_works(void **state, enum stall_script script, bool tcp,
                    uint32_t tls_mode)
{
    int64_t late = LONG_MS;

    for (int i = 0; i < ATTEMPTS && late > LATE_MS; i++) {
        struct stall *const stall = stall_start(script, tcp, 0);
        struct settings settings = settings_for_stall(*state, stall);

        settings.tls_mode = tls_mode;
        late = late_after_cancel_ms(&settings, stall_reached_fd(stall));
        stall_stop(stall);
    }
    if (late > LATE_MS) {
        fail_msg("%lld ms late", (long long)late);
    }
}

static void
a_connect_is_cancelled_at_once(void **state)
{
    assert_cancel_works(state, STALL_SILENT, false, DEW_TLS_DEFAULT);
    assert_cancel_works(state, STALL_SILENT, true, DEW_TLS_DEFAULT);
    assert_cancel_works(state, STALL_DRIBBLE, true, DEW_TLS_DEFAULT);
    assert_cancel_works(state, STALL_GREETED, false, DEW_TLS_DEFAULT);
    assert_cancel_works(state, STALL_DEAF, true, DEW_TLS_DEFAULT);
}

/* Connector/C may read a TLS handshake from a blocking socket, with one
 * second for each silent read. */
static void
a_silent_tls_handshake_is_cancelled_within_a_second(void **state)
{
    struct stall *const stall = stall_start(STALL_TLS_GREETED, true, 0);
    struct settings settings = settings_for_stall(*state, stall);

    settings.tls_mode = DEW_TLS_REQUIRED;
    assert_true(late_after_cancel_ms(&settings, stall_reached_fd(stall)) <
                2000);
    stall_stop(stall);
}

struct reached_by_query {
    int fd;
};

static int
tell_and_sleep(MYSQL *mysql, void *arg)
{
    const struct reached_by_query *const reached = arg;
    const uint64_t one = 1;

    (void)!write(reached->fd, &one, sizeof(one));
    return mysql_query(mysql, "DO SLEEP(30)");
}

static void
on_connect_is_cancelled_at_once(void **state)
{
    struct reached_by_query reached;
    struct settings settings = settings_for(*state);
    int64_t late = LONG_MS;

    if (!FLAVOUR_MARIADB) {
        print_message("a callback's own calls cannot be cancelled here\n");
        skip();
    }
    settings.on_connect = tell_and_sleep;
    settings.on_connect_arg = &reached;
    for (int i = 0; i < ATTEMPTS && late > LATE_MS; i++) {
        reached.fd = eventfd(0, EFD_CLOEXEC);
        late = late_after_cancel_ms(&settings, reached.fd);
        assert_int_equal(close(reached.fd), 0);
    }
    assert_true(late <= LATE_MS);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connect_is_cancelled_at_once),
        cmocka_unit_test(a_silent_tls_handshake_is_cancelled_within_a_second),
        cmocka_unit_test(on_connect_is_cancelled_at_once),
    };
    prompt_watch();

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
