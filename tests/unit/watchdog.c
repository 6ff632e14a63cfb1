/* SPDX-License-Identifier: MIT */
/* Goal: a socket is cut when its time is up, and never after disarm. */
/* Method: socket pairs, whose far end reads end-of-file when cut. */
#define _GNU_SOURCE 1
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/fault.h"
#include "base/watchdog.h"
#include "unit/line.h"

static void
a_socket_is_cut_when_its_deadline_passes(void **state)
{
    const struct line line = open_line();
    struct watchdog_timer timer;
    const int64_t deadline = clock_deadline_after_ms(20);

    (void)state;
    watchdog_use();
    assert_true(watchdog_arm(&timer, line.ours, deadline));
    assert_true(is_cut_within(&line, LONG_MS));
    assert_true(clock_now_ns() >= deadline);
    assert_true(watchdog_disarm(&timer));
    watchdog_unuse();
    close_line(&line);
}

static void
a_deadline_in_the_past_cuts_at_once(void **state)
{
    const struct line line = open_line();
    struct watchdog_timer timer;

    (void)state;
    watchdog_use();
    assert_true(watchdog_arm(&timer, line.ours, clock_now_ns() - 1));
    assert_true(is_cut_within(&line, LONG_MS));
    assert_true(watchdog_disarm(&timer));
    watchdog_unuse();
    close_line(&line);
}

static void
a_disarmed_socket_is_left_alone(void **state)
{
    const struct line line = open_line();
    const struct line witness = open_line();
    struct watchdog_timer timer, later;

    (void)state;
    watchdog_use();
    /* Far enough that it is disarmed in time, on a crowded machine, too. */
    assert_true(watchdog_arm(&timer, line.ours, clock_deadline_after_ms(700)));
    assert_true(
        watchdog_arm(&later, witness.ours, clock_deadline_after_ms(720)));
    assert_false(watchdog_disarm(&timer));
    /* When the later one is cut, the earlier one's time has passed too. */
    assert_true(is_cut_within(&witness, LONG_MS));
    assert_false(is_cut_within(&line, 0));
    assert_true(watchdog_disarm(&later));
    watchdog_unuse();
    close_line(&line);
    close_line(&witness);
}

/* When the first is cut, the thread has the mutex and is on its way to sleep
 * for the late one: the next arm finds it asleep. */
static void
an_earlier_deadline_wakes_the_sleeping_thread(void **state)
{
    const struct line late = open_line();
    const struct line first = open_line();
    const struct line early = open_line();
    struct watchdog_timer late_timer, first_timer, early_timer;

    (void)state;
    watchdog_use();
    assert_true(watchdog_arm(&late_timer, late.ours,
                             clock_deadline_after_ms(10 * LONG_MS)));
    assert_true(watchdog_arm(&first_timer, first.ours, clock_now_ns()));
    assert_true(is_cut_within(&first, LONG_MS));
    assert_true(
        watchdog_arm(&early_timer, early.ours, clock_deadline_after_ms(5)));
    assert_true(is_cut_within(&early, LONG_MS));
    assert_false(is_cut_within(&late, 0));
    assert_true(watchdog_disarm(&first_timer));
    assert_true(watchdog_disarm(&early_timer));
    assert_false(watchdog_disarm(&late_timer));
    watchdog_unuse();
    close_line(&late);
    close_line(&first);
    close_line(&early);
}

static void
a_deadline_that_never_comes_arms_nothing(void **state)
{
    const struct line line = open_line();
    const int before = open_descriptors();
    struct watchdog_timer timer;

    (void)state;
    watchdog_use();
    assert_true(watchdog_arm(&timer, line.ours, CLOCK_NEVER));
    assert_int_equal(open_descriptors(), before);
    assert_false(watchdog_disarm(&timer));
    watchdog_unuse();
    close_line(&line);
}

/* The library closes its own number, somebody else gets it: not theirs. */
static void
it_cuts_the_socket_and_not_the_number(void **state)
{
    const struct line line = open_line();
    const struct line stranger = open_line();
    struct watchdog_timer timer;

    (void)state;
    watchdog_use();
    assert_true(watchdog_arm(&timer, line.ours, clock_deadline_after_ms(20)));
    assert_int_equal(dup2(stranger.ours, line.ours), line.ours);
    assert_true(is_cut_within(&line, LONG_MS));
    assert_false(is_cut_within(&stranger, 0));
    assert_true(watchdog_disarm(&timer));
    watchdog_unuse();
    close_line(&line);
    close_line(&stranger);
}

static void
a_socket_that_is_none_cannot_be_armed(void **state)
{
    struct watchdog_timer timer;

    (void)state;
    watchdog_use();
    assert_false(watchdog_arm(&timer, -1, clock_deadline_after_ms(LONG_MS)));
    assert_false(watchdog_disarm(&timer));
    watchdog_unuse();
}

static void
without_a_thread_nothing_is_armed_and_nothing_leaks(void **state)
{
    const struct line line = open_line();
    const int before = open_descriptors();
    struct watchdog_timer timer;

    (void)state;
    watchdog_use();
    fault_arm(FAULT_THREAD, 1, false);
    assert_false(
        watchdog_arm(&timer, line.ours, clock_deadline_after_ms(LONG_MS)));
    assert_false(watchdog_disarm(&timer));
    assert_int_equal(open_descriptors(), before);
    /* The fault is over: the next one tries again. */
    assert_true(watchdog_arm(&timer, line.ours, clock_now_ns()));
    fault_arm(FAULT_THREAD, 0, false);
    assert_true(is_cut_within(&line, LONG_MS));
    assert_true(watchdog_disarm(&timer));
    watchdog_unuse();
    close_line(&line);
}

static void
the_last_user_takes_thread_and_descriptors_along(void **state)
{
    const struct line line = open_line();
    const int descriptors_before = open_descriptors();
    const int threads_before = threads();
    struct watchdog_timer timer;

    (void)state;
    watchdog_use();
    watchdog_use();
    assert_int_equal(threads(), threads_before); /* lazily */
    assert_true(
        watchdog_arm(&timer, line.ours, clock_deadline_after_ms(LONG_MS)));
    assert_int_equal(threads(), threads_before + 1);
    assert_int_equal(open_descriptors(), descriptors_before + 1);
    assert_false(watchdog_disarm(&timer));
    assert_int_equal(open_descriptors(), descriptors_before);
    watchdog_unuse();
    assert_int_equal(threads(), threads_before + 1);
    watchdog_unuse();
    assert_true(threads_become(threads_before));
    close_line(&line);
}

static void
the_duplicate_does_not_survive_an_exec(void **state)
{
    const struct line line = open_line();
    struct watchdog_timer timer;

    (void)state;
    watchdog_use();
    assert_true(
        watchdog_arm(&timer, line.ours, clock_deadline_after_ms(LONG_MS)));
    assert_true((fcntl(timer.fd, F_GETFD) & FD_CLOEXEC) != 0);
    assert_false(watchdog_disarm(&timer));
    watchdog_unuse();
    close_line(&line);
}

#define RACERS 4
#define ROUNDS 400

/* Deadlines about as long as the rounds: fire and disarm meet often. The
 * timer is poisoned after each round: a late touch is a crash or a race. */
static void *
race_with_the_watchdog(void *arg)
{
    const struct line line = open_line();
    uint32_t *const fired = arg;

    for (int round = 0; round < ROUNDS; round++) {
        struct watchdog_timer timer;
        watchdog_use();
        if (!watchdog_arm(&timer, line.ours,
                          clock_now_ns() + (round % 50) * 1000)) {
            watchdog_unuse();
            continue;
        }
        race_point("watchdog.armed");
        *fired += watchdog_disarm(&timer) ? 1 : 0;
        timer.next = NULL;
        timer.previous = NULL;
        timer.deadline_ns = INT64_MIN;
        watchdog_unuse();
    }
    close_line(&line);
    return NULL;
}

static void
fire_disarm_and_the_last_unuse_may_meet(void **state)
{
    pthread_t racers[RACERS];
    uint32_t fired[RACERS] = {0};
    const int before = open_descriptors();

    (void)state;
    race_seed(1, 2);
    for (int i = 0; i < RACERS; i++) {
        assert_int_equal(
            pthread_create(&racers[i], NULL, race_with_the_watchdog, &fired[i]),
            0);
    }
    for (int i = 0; i < RACERS; i++) {
        assert_int_equal(pthread_join(racers[i], NULL), 0);
    }
    race_seed(0, 0);
    assert_int_equal(open_descriptors(), before);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_socket_is_cut_when_its_deadline_passes),
        cmocka_unit_test(a_deadline_in_the_past_cuts_at_once),
        cmocka_unit_test(a_disarmed_socket_is_left_alone),
        cmocka_unit_test(an_earlier_deadline_wakes_the_sleeping_thread),
        cmocka_unit_test(a_deadline_that_never_comes_arms_nothing),
        cmocka_unit_test(it_cuts_the_socket_and_not_the_number),
        cmocka_unit_test(a_socket_that_is_none_cannot_be_armed),
        cmocka_unit_test(without_a_thread_nothing_is_armed_and_nothing_leaks),
        cmocka_unit_test(the_last_user_takes_thread_and_descriptors_along),
        cmocka_unit_test(the_duplicate_does_not_survive_an_exec),
        cmocka_unit_test(fire_disarm_and_the_last_unuse_may_meet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
