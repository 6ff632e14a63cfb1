/* SPDX-License-Identifier: MIT */
/* Goal: a child has a watchdog of its own, and the parent keeps its timers. */
/* Method: fork and bare clone with a timer armed, and beside busy threads. */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "base/fault.h"
#include "base/watchdog.h"
#include "fixture/fork_kit.h"
#include "unit/line.h"

/* Exit status of the child: 0, or the number of what went wrong. */
static int
child_of_a_fork(struct watchdog_timer *inherited, int descriptors_unarmed)
{
    const struct line line = open_line();
    struct watchdog_timer timer;

    watchdog_unuse(); /* the parent's count: must not matter here */
    watchdog_use();
    if (open_descriptors() != descriptors_unarmed + 2) {
        return 1; /* an inherited duplicate was left open */
    }
    if (watchdog_disarm(inherited)) {
        return 2;
    }
    if (!watchdog_arm(&timer, line.ours, clock_deadline_after_ms(5))) {
        return 3;
    }
    if (!is_cut_within(&line, LONG_MS)) {
        return 4;
    }
    if (!watchdog_disarm(&timer)) {
        return 5;
    }
    watchdog_unuse();
    return threads_become(1) ? 0 : 6;
}

static void
check_child(pid_t (*split)(void))
{
    const struct line line = open_line();
    const int unarmed = open_descriptors();
    struct watchdog_timer timer;
    int status = -1;

    watchdog_use();
    assert_true(
        watchdog_arm(&timer, line.ours, clock_deadline_after_ms(LONG_MS)));
    /* A thread that has just begun may be inside of malloc, or of the watchdog,
     * where nobody waits for it before a bare clone. */
    fork_kit_await_quiet();
    const pid_t child = split();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(child_of_a_fork(&timer, unarmed));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_false(is_cut_within(&line, 0));
    assert_false(watchdog_disarm(&timer));
    watchdog_unuse();
    close_line(&line);
}

static void
a_child_starts_afresh_and_leaves_the_parents_timer_alone(void **state)
{
    (void)state;
    check_child(fork);
}

static pid_t
bare_clone(void)
{
    return (pid_t)syscall(SYS_clone, (long)SIGCHLD, 0L, 0L, 0L, 0L);
}

/* It runs no atfork handlers: only its pid tells it from its parent. */
static void
a_child_of_a_bare_clone_starts_afresh_too(void **state)
{
    (void)state;
    check_child(bare_clone);
}

static void *
arm_and_disarm(void *arg)
{
    order_u32 *const stop = arg;
    const struct line line = open_line();
    struct watchdog_timer timer;

    while (order_load_seq_u32(stop) == 0) {
        if (watchdog_arm(&timer, line.ours, clock_now_ns() + LONG_MS)) {
            (void)watchdog_disarm(&timer);
        }
    }
    close_line(&line);
    return NULL;
}

#define CHILDREN 100

static int
child_beside_busy_threads(void)
{
    const struct line line = open_line();
    struct watchdog_timer timer;

    (void)alarm(LONG_MS / 1000); /* a mutex that nobody frees is a failure */
    watchdog_use();
    if (!watchdog_arm(&timer, line.ours, clock_now_ns())) {
        return 1;
    }
    const bool cut = is_cut_within(&line, LONG_MS);
    if (!watchdog_disarm(&timer) || !cut) {
        return 2;
    }
    watchdog_unuse();
    return 0;
}

static void
a_fork_beside_busy_threads_finds_a_watchdog_in_order(void **state)
{
    pthread_t busy;
    order_u32 stop;

    (void)state;
    if (fork_kit_not_beside_busy_threads()) {
        (void)fprintf(stderr, "watchdog_fork: beside busy threads SKIPPED under "
                              "AddressSanitizer\n");
        skip();
    }
    order_init_u32(&stop, 0);
    watchdog_use();
    assert_int_equal(pthread_create(&busy, NULL, arm_and_disarm, &stop), 0);
    for (int i = 0; i < CHILDREN; i++) {
        int status = -1;
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            _exit(child_beside_busy_threads());
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
    }
    order_store_seq_u32(&stop, 1);
    assert_int_equal(pthread_join(busy, NULL), 0);
    watchdog_unuse();
}

/* --- a fork between two steps of a timer ------------------------------------------ */

static void
check_fork_at(const char *where)
{
    const struct line line = open_line();
    struct watchdog_timer timer;

    watchdog_use();
    fork_kit_fork_at(where, open_descriptors);
    assert_true(
        watchdog_arm(&timer, line.ours, clock_deadline_after_ms(LONG_MS)));
    assert_false(watchdog_disarm(&timer));
    fork_kit_child_had_nothing_more();
    watchdog_unuse();
    close_line(&line);
}

/* Else the session lives on with the child when its parent has died. */
static void
a_child_that_is_forked_as_a_timer_is_armed_has_no_duplicate(void **state)
{
    (void)state;
    check_fork_at("watchdog.duplicated");
}

static void
a_child_that_is_forked_as_a_timer_is_disarmed_has_no_duplicate(void **state)
{
    (void)state;
    check_fork_at("watchdog.closing");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_child_starts_afresh_and_leaves_the_parents_timer_alone),
        cmocka_unit_test(a_child_of_a_bare_clone_starts_afresh_too),
        cmocka_unit_test(a_fork_beside_busy_threads_finds_a_watchdog_in_order),
        cmocka_unit_test(
            a_child_that_is_forked_as_a_timer_is_armed_has_no_duplicate),
        cmocka_unit_test(
            a_child_that_is_forked_as_a_timer_is_disarmed_has_no_duplicate),
    };

    if (fork_kit_not_here()) {
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
