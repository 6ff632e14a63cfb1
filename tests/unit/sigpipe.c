/* SPDX-License-Identifier: MIT */
/* Goal: a write to a dead socket inside a hold cannot end the program. */
/* Method: children with the default action, whose end tells what it did. */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "session/sigpipe.h"

enum { SURVIVED = 42 };

static void
write_to_a_dead_socket(void)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0) {
        (void)close(ends[1]);
        (void)!write(ends[0], "x", 1);
        (void)close(ends[0]);
    }
}

/* The status of a child that runs `body` with SIGPIPE's default action. */
static int
status_of(void (*body)(void))
{
    int status = 0;
    const pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        (void)signal(SIGPIPE, SIG_DFL);
        body();
        _exit(SURVIVED);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void
write_in_a_hold(void)
{
    struct sigpipe_hold hold = {0};

    sigpipe_hold(&hold);
    write_to_a_dead_socket();
    sigpipe_release(&hold);
}

static void
a_write_without_a_hold_ends_the_program(void **state)
{
    const int status = status_of(write_to_a_dead_socket);

    (void)state;
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGPIPE);
}

static void
a_write_in_a_hold_does_not(void **state)
{
    const int status = status_of(write_in_a_hold);

    (void)state;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), SURVIVED);
}

static void
write_in_nested_holds(void)
{
    struct sigpipe_hold outer = {0}, inner = {0};

    sigpipe_hold(&outer);
    sigpipe_hold(&inner);
    write_to_a_dead_socket();
    sigpipe_release(&inner);
    write_to_a_dead_socket();
    sigpipe_release(&outer);
}

static void
holds_may_nest(void **state)
{
    (void)state;
    assert_true(WIFEXITED(status_of(write_in_nested_holds)));
}

static void
a_signal_that_was_pending_before_is_not_eaten(void **state)
{
    sigset_t set, pending, before;
    struct sigpipe_hold hold = {0};

    (void)state;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &set, &before), 0);
    assert_int_equal(raise(SIGPIPE), 0);
    sigpipe_hold(&hold);
    sigpipe_release(&hold);
    assert_int_equal(sigpending(&pending), 0);
    assert_int_equal(sigismember(&pending, SIGPIPE), 1);
    assert_int_equal(sigwaitinfo(&set, NULL), SIGPIPE);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
}

static void
the_mask_is_put_back(void **state)
{
    sigset_t mask;
    struct sigpipe_hold hold = {0};

    (void)state;
    sigpipe_hold(&hold);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &mask), 0);
    assert_int_equal(sigismember(&mask, SIGPIPE), 1);
    sigpipe_release(&hold);
    sigpipe_release(&hold);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &mask), 0);
    assert_int_equal(sigismember(&mask, SIGPIPE), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_write_without_a_hold_ends_the_program),
        cmocka_unit_test(a_write_in_a_hold_does_not),
        cmocka_unit_test(holds_may_nest),
        cmocka_unit_test(a_signal_that_was_pending_before_is_not_eaten),
        cmocka_unit_test(the_mask_is_put_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
