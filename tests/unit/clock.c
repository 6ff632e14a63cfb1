/* SPDX-License-Identifier: MIT */
/* Goal: deadlines saturate, round up for poll and never run backwards. */
/* Method: the functions against each other and against poll(2)'s limits. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/park.h"

static void
the_exact_clock_never_runs_backwards(void **state)
{
    int64_t last = clock_now_ns();

    (void)state;
    for (int i = 0; i < 1000; i++) {
        const int64_t now = clock_now_ns();
        assert_true(now >= last);
        last = now;
    }
}

static void
the_coarse_clock_lags_the_exact_one_by_little(void **state)
{
    const int64_t coarse = clock_coarse_ms();
    const int64_t exact = clock_now_ns() / CLOCK_NS_PER_MS;

    (void)state;
    assert_true(coarse <= exact);
    /* Generous: a machine that is busy may pause us between the two. */
    assert_true(exact - coarse < 5000);
}

static void
a_negative_time_is_a_deadline_that_never_comes(void **state)
{
    (void)state;
    assert_true(clock_deadline_after_ms(-1) == CLOCK_NEVER);
    assert_true(clock_deadline_after_ms(INT64_MIN) == CLOCK_NEVER);
}

static void
a_time_beyond_the_clock_saturates_to_never(void **state)
{
    (void)state;
    assert_true(clock_deadline_after_ms(INT64_MAX) == CLOCK_NEVER);
    assert_true(clock_deadline_after_ms(INT64_MAX / CLOCK_NS_PER_MS) ==
                CLOCK_NEVER);
}

static void
a_deadline_lies_its_milliseconds_after_now(void **state)
{
    const int64_t before = clock_now_ns();
    const int64_t deadline = clock_deadline_after_ms(1500);
    const int64_t after = clock_now_ns();

    (void)state;
    assert_true(deadline >= before + 1500 * CLOCK_NS_PER_MS);
    assert_true(deadline <= after + 1500 * CLOCK_NS_PER_MS);
}

static void
poll_gets_minus_one_for_never_and_zero_for_the_past(void **state)
{
    (void)state;
    assert_int_equal(clock_poll_ms(CLOCK_NEVER), -1);
    assert_int_equal(clock_poll_ms(clock_now_ns()), 0);
    assert_int_equal(clock_poll_ms(0), 0);
    assert_int_equal(clock_poll_ms(INT64_MIN), 0);
}

static void
poll_gets_a_started_millisecond_as_a_whole_one(void **state)
{
    (void)state;
    /* One hour and one ns ahead: at least 3 600 000 ms remain unless the test
     * stands still for a whole millisecond, hence the tries. */
    int best = 0;
    for (int i = 0; i < 1000 && best != 3600001; i++) {
        const int64_t hour = INT64_C(3600) * 1000 * CLOCK_NS_PER_MS;
        const int left =
            clock_poll_ms(clock_now_ns() + hour + CLOCK_NS_PER_MS / 2);
        best = left > best ? left : best;
    }
    assert_int_equal(best, 3600001);
}

static void
poll_gets_at_most_the_largest_int(void **state)
{
    (void)state;
    assert_int_equal(clock_poll_ms(CLOCK_NEVER - 1), INT_MAX);
}

#define HOUR_NS (INT64_C(3600) * 1000 * CLOCK_NS_PER_MS)

static void
a_clock_that_is_told_to_jump_is_an_hour_ahead_from_then_on(void **state)
{
    const int64_t before_ms = clock_coarse_ms();
    const int64_t before_ns = clock_now_ns();

    (void)state;
    fault_arm(FAULT_CLOCK_JUMP, 2, false);
    assert_true(clock_now_ns() - before_ns < HOUR_NS);
    assert_true(clock_now_ns() - before_ns >= HOUR_NS);
    assert_true(clock_coarse_ms() - before_ms >= HOUR_NS / CLOCK_NS_PER_MS);
    fault_arm(FAULT_CLOCK_JUMP, 0, false);
    assert_true(clock_now_ns() - before_ns >= HOUR_NS);
    assert_true(clock_now_ns() - before_ns < 2 * HOUR_NS);
}

static void
a_clock_that_jumped_still_ends_sleeps_in_time(void **state)
{
    order_u32 word;

    (void)state;
    fault_arm(FAULT_CLOCK_JUMP, 1, false);
    const int64_t deadline_ns = clock_deadline_after_ms(20);
    fault_arm(FAULT_CLOCK_JUMP, 0, false);
    order_init_u32(&word, 0);
    /* By the kernel's clock the deadline is an hour from now. */
    while (clock_now_ns() < deadline_ns) {
        park_futex.wait(park_futex.arg, &word, 0, deadline_ns);
    }
    assert_true(clock_now_ns() - deadline_ns < HOUR_NS / 2);
}

static void
a_clock_that_is_told_to_stand_says_what_it_said(void **state)
{
    const int64_t deadline_ns = clock_deadline_after_ms(5);

    (void)state;
    fault_arm(FAULT_CLOCK_STILL, 2, true);
    const int64_t told_ns = clock_now_ns();
    const int64_t told_ms = clock_coarse_ms();
    for (int i = 0; i < 1000; i++) {
        assert_true(clock_now_ns() == told_ns);
        assert_true(clock_coarse_ms() == told_ms);
    }
    fault_arm(FAULT_CLOCK_STILL, 0, false);
    while (clock_now_ns() < deadline_ns) {
    }
    assert_true(clock_now_ns() > told_ns);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_exact_clock_never_runs_backwards),
        cmocka_unit_test(the_coarse_clock_lags_the_exact_one_by_little),
        cmocka_unit_test(a_negative_time_is_a_deadline_that_never_comes),
        cmocka_unit_test(a_time_beyond_the_clock_saturates_to_never),
        cmocka_unit_test(a_deadline_lies_its_milliseconds_after_now),
        cmocka_unit_test(poll_gets_minus_one_for_never_and_zero_for_the_past),
        cmocka_unit_test(poll_gets_a_started_millisecond_as_a_whole_one),
        cmocka_unit_test(poll_gets_at_most_the_largest_int),
        cmocka_unit_test(
            a_clock_that_is_told_to_jump_is_an_hour_ahead_from_then_on),
        cmocka_unit_test(a_clock_that_jumped_still_ends_sleeps_in_time),
        cmocka_unit_test(a_clock_that_is_told_to_stand_says_what_it_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
