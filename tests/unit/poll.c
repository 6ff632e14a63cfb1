/* SPDX-License-Identifier: MIT */
/* Goal: a wait for descriptors ends when one is ready or the deadline passes,
 * whatever signals and failing polls come in between.
 * Method: an eventfd, and fault points for what a kernel seldom does. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/poll.h"

#define LONG_MS 20000 /* reached only when something is broken */

static struct pollfd event;

static int
begin(void **state)
{
    (void)state;
    event = (struct pollfd){eventfd(0, EFD_CLOEXEC), POLLIN, 0};
    return event.fd < 0 ? -1 : 0;
}

static int
end(void **state)
{
    (void)state;
    fault_arm(FAULT_POLL, 0, false);
    fault_arm(FAULT_SIGNAL, 0, false);
    return close(event.fd);
}

static void
make_ready(void)
{
    const uint64_t one = 1;

    assert_int_equal(write(event.fd, &one, sizeof one), sizeof one);
}

static void
a_wait_ends_at_its_deadline_and_not_before(void **state)
{
    const int64_t deadline_ns = clock_deadline_after_ms(20);

    (void)state;
    assert_int_equal(poll_until(&event, 1, deadline_ns), 0);
    assert_true(clock_now_ns() >= deadline_ns);
}

static void
what_is_ready_is_told_even_after_the_deadline(void **state)
{
    (void)state;
    make_ready();
    assert_int_equal(poll_until(&event, 1, clock_now_ns() - 1), 1);
    assert_int_equal(event.revents, POLLIN);
    assert_int_equal(poll_now(&event, 1), 1);
}

static void
a_signal_does_not_end_a_wait(void **state)
{
    const int64_t deadline_ns = clock_deadline_after_ms(20);

    (void)state;
    fault_arm(FAULT_SIGNAL, 1, false);
    assert_int_equal(poll_until(&event, 1, deadline_ns), 0);
    assert_true(clock_now_ns() >= deadline_ns);
    assert_true(fault_passes(FAULT_SIGNAL) >= 2);
}

static void
a_storm_of_signals_hides_neither_descriptor_nor_deadline(void **state)
{
    (void)state;
    fault_arm(FAULT_SIGNAL, 1, true);
    assert_int_equal(poll_until(&event, 1, clock_deadline_after_ms(20)), 0);
    make_ready();
    assert_int_equal(poll_until(&event, 1, CLOCK_NEVER), 1);
}

static void
a_poll_that_cannot_be_made_says_so_and_is_no_busy_loop(void **state)
{
    const int64_t start_ns = clock_now_ns();

    (void)state;
    event.revents = POLLIN; /* of an earlier look */
    fault_arm(FAULT_POLL, 1, true);
    assert_int_equal(poll_until(&event, 1, clock_deadline_after_ms(LONG_MS)),
                     -1);
    assert_int_equal(errno, ENOMEM);
    assert_int_equal(event.revents, 0);
    assert_true(clock_now_ns() - start_ns >= 5 * CLOCK_NS_PER_MS);
    assert_true(clock_now_ns() - start_ns < LONG_MS / 2 * CLOCK_NS_PER_MS);
    event.revents = POLLIN;
    assert_int_equal(poll_now(&event, 1), -1);
    assert_int_equal(errno, ENOMEM);
    assert_int_equal(event.revents, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_wait_ends_at_its_deadline_and_not_before, begin, end),
        cmocka_unit_test_setup_teardown(
            what_is_ready_is_told_even_after_the_deadline, begin, end),
        cmocka_unit_test_setup_teardown(a_signal_does_not_end_a_wait, begin,
                                        end),
        cmocka_unit_test_setup_teardown(
            a_storm_of_signals_hides_neither_descriptor_nor_deadline, begin,
            end),
        cmocka_unit_test_setup_teardown(
            a_poll_that_cannot_be_made_says_so_and_is_no_busy_loop, begin,
            end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
