/* SPDX-License-Identifier: MIT */
/* Goal: a condition's wait ends by a signal, by the deadline on the monotonic
 * clock, or for nothing, and always with the mutex held.
 * Method: one or two threads on a condition, each wait bounded by a deadline. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/cond.h"
#include "base/fault.h"

#define LONG_MS 20000 /* reached only when something is broken */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond;
static bool said; /* guarded by the mutex */

static int
begin(void **state)
{
    (void)state;
    cond_init(&cond);
    said = false;
    return pthread_mutex_lock(&mutex);
}

static int
end(void **state)
{
    (void)state;
    fault_arm(FAULT_FUTEX, 0, false);
    (void)pthread_mutex_unlock(&mutex);
    return pthread_cond_destroy(&cond);
}

static void
a_wait_ends_at_its_deadline_and_not_before(void **state)
{
    const int64_t deadline_ns = clock_deadline_after_ms(20);

    (void)state;
    while (clock_now_ns() < deadline_ns) {
        cond_wait_until(&cond, &mutex, deadline_ns);
    }
    assert_int_not_equal(pthread_mutex_trylock(&mutex), 0);
    assert_true(clock_now_ns() < deadline_ns + LONG_MS * CLOCK_NS_PER_MS);
}

static void *
say(void *arg)
{
    (void)arg;
    (void)pthread_mutex_lock(&mutex);
    said = true;
    (void)pthread_cond_broadcast(&cond);
    (void)pthread_mutex_unlock(&mutex);
    return NULL;
}

static void
wait_for_what_is_said(int64_t deadline_ns)
{
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, say, NULL), 0);
    while (!said) {
        cond_wait_until(&cond, &mutex, deadline_ns);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void
a_signal_ends_a_wait_with_or_without_a_deadline(void **state)
{
    const int64_t start_ns = clock_now_ns();

    (void)state;
    wait_for_what_is_said(CLOCK_NEVER);
    said = false;
    wait_for_what_is_said(clock_deadline_after_ms(LONG_MS));
    assert_true(clock_now_ns() - start_ns < LONG_MS / 2 * CLOCK_NS_PER_MS);
}

static void
waits_that_always_end_for_nothing_let_others_have_the_mutex(void **state)
{
    (void)state;
    fault_arm(FAULT_FUTEX, 1, true);
    wait_for_what_is_said(CLOCK_NEVER);
    assert_true(fault_passes(FAULT_FUTEX) >= 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_wait_ends_at_its_deadline_and_not_before, begin, end),
        cmocka_unit_test_setup_teardown(
            a_signal_ends_a_wait_with_or_without_a_deadline, begin, end),
        cmocka_unit_test_setup_teardown(
            waits_that_always_end_for_nothing_let_others_have_the_mutex, begin,
            end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
