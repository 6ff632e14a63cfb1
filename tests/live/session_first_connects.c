/* SPDX-License-Identifier: MIT */
/* Goal: many threads may open the first sessions of a program at once. */
/* Method: this program again and again as a child that does only that. */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "fixture/server.h"
#include "session/session.h"

extern char **environ;

enum { THREADS = 32, RUNS = 8 };

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

/* ---- the child ---- */

struct first {
    const struct settings *settings;
    pthread_barrier_t *barrier;
    bool opened;
};

static void *
open_first(void *arg)
{
    struct first *const first = arg;
    const struct io_limit limit = {clock_deadline_after_ms(30000), -1};
    struct session *session = NULL;
    dew_error error = {0};

    (void)pthread_barrier_wait(first->barrier);
    first->opened =
        session_open(&session, first->settings, &limit, &error) == DEW_OK;
    if (first->opened) {
        (void)close(session_hang_up(session, SESSION_FAREWELL));
    } else {
        (void)fprintf(stderr, "%s\n", error.message);
    }
    return NULL;
}

static int
open_all(const struct settings *settings)
{
    pthread_barrier_t barrier;
    pthread_t threads[THREADS];
    struct first firsts[THREADS];
    int opened = 0;

    (void)pthread_barrier_init(&barrier, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) {
        firsts[i] = (struct first){settings, &barrier, false};
        if (pthread_create(&threads[i], NULL, open_first, &firsts[i]) != 0) {
            abort();
        }
    }
    for (int i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
        opened += firsts[i].opened ? 1 : 0;
    }
    (void)pthread_barrier_destroy(&barrier);
    return opened == THREADS ? 0 : 1;
}

static bool
sigpipe_is(void (*handler)(int))
{
    struct sigaction action;

    return sigaction(SIGPIPE, NULL, &action) == 0 &&
           action.sa_handler == handler;
}

static void
on_sigpipe(int number)
{
    (void)number;
}

/* What the first init makes of the disposition: "handler" or "default". */
static int
init_with(const char *disposition)
{
    const bool handled = strcmp(disposition, "handler") == 0;

    (void)signal(SIGPIPE, handled ? on_sigpipe : SIG_DFL);
    if (session_library_init(NULL) != DEW_OK) {
        return 1;
    }
    return sigpipe_is(handled ? on_sigpipe : SIG_IGN) ? 0 : 1;
}

static int
child(const char *task, char *argument)
{
    const struct settings settings = {
        .name = (char *)"first",
        .user = (char *)"app",
        .password = (char *)"app",
        .database = (char *)"t",
        .charset = (char *)"utf8mb4",
        .unix_socket = argument,
        .connect_timeout_ms = 30000,
        .read_timeout_ms = 30000,
        .write_timeout_ms = 30000,
        .autocommit = true,
    };

    return strcmp(task, "open") == 0 ? open_all(&settings)
                                     : init_with(argument);
}

/* ---- the tests ---- */

static void
assert_child_succeeds(const char *task, const char *argument)
{
    char *const args[] = {(char *)"child", (char *)(uintptr_t)task,
                          (char *)(uintptr_t)argument, NULL};
    pid_t pid;
    int status;

    assert_int_equal(
        posix_spawn(&pid, "/proc/self/exe", NULL, NULL, args, environ), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void
thirty_two_first_connects_at_once_all_succeed(void **state)
{
    for (int i = 0; i < RUNS; i++) {
        assert_child_succeeds("open", test_server_socket(*state));
    }
}

static void
a_sigpipe_handler_of_the_program_survives_the_init(void **state)
{
    (void)state;
    assert_child_succeeds("sigpipe", "handler");
}

static void
sigpipe_cannot_kill_the_program_after_the_init(void **state)
{
    (void)state;
    assert_child_succeeds("sigpipe", "default");
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thirty_two_first_connects_at_once_all_succeed),
        cmocka_unit_test(a_sigpipe_handler_of_the_program_survives_the_init),
        cmocka_unit_test(sigpipe_cannot_kill_the_program_after_the_init),
    };

    if (argc == 3) {
        return child(argv[1], argv[2]);
    }
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
