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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
