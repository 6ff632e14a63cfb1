/* SPDX-License-Identifier: MIT */
/* Goal: a failing server is tried again, and whoever is told so is told once.
 * Method: the breaker's events at times of our own choice, no server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "keeper/breaker.h"

#define MS CLOCK_NS_PER_MS
#define FAIL_FAST_NS (1000 * MS)
#define FORGET_NS (5000 * MS) /* how long a failure is news */

static struct breaker breaker;

static int
begin(void **state)
{
    (void)state;
    breaker_init(&breaker, 4, FAIL_FAST_NS);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    breaker_destroy(&breaker);
    return 0;
}

static struct breaker_verdict
told(int64_t now_ns)
{
    const struct breaker_verdict verdict = breaker_tell_begin(&breaker, now_ns);

    breaker_tell_end(&breaker);
    return verdict;
}

static void
fail_at(int64_t now_ns, uint32_t number)
{
    const dew_error error = {.code = DEW_ECONNECT, .mysql_errno = number};

    breaker_failed(&breaker, BREAKER_NO_TRY, &error, now_ns);
}

static void
failure_closes_the_window_until_a_try_is_due(void **state)
{
    (void)state;
    fail_at(0, 2002);
    assert_int_equal(told(0).window, 0);
    assert_false(told(0).broken);
    const int64_t due_ns = breaker_due_ns(&breaker);
    assert_in_range(due_ns, 1, FAIL_FAST_NS - 1);
    breaker_due(&breaker, due_ns);
    assert_int_equal(told(due_ns).window, 1);
}

/* Otherwise the keeper finds it due in every pass, and spins. */
static void
moment_of_failing_fast_is_due_once(void **state)
{
    (void)state;
    fail_at(0, 2002);
    breaker_due(&breaker, breaker_due_ns(&breaker));
    (void)told(1);
    assert_int_equal(breaker_due_ns(&breaker), FAIL_FAST_NS);
    breaker_due(&breaker, FAIL_FAST_NS);
    assert_true(told(FAIL_FAST_NS).broken);
    assert_int_equal(breaker_due_ns(&breaker), FORGET_NS);
}

static void
failure_after_that_is_tried_again_and_nothing_else_is_due(void **state)
{
    (void)state;
    fail_at(0, 2002);
    breaker_due(&breaker, FAIL_FAST_NS);
    (void)told(FAIL_FAST_NS);
    fail_at(FAIL_FAST_NS, 2002);
    assert_true(told(FAIL_FAST_NS).broken);
    assert_true(breaker_due_ns(&breaker) > FAIL_FAST_NS);
}

static void
wrong_password_fails_fast_at_once(void **state)
{
    (void)state;
    fail_at(0, 1045);
    assert_true(told(0).broken);
    assert_true(breaker_due_ns(&breaker) > 0);
}

static void
success_ends_it_and_opens_the_window_step_by_step(void **state)
{
    dew_error error;
    int64_t age_ms;

    (void)state;
    fail_at(0, 2002);
    breaker_due(&breaker, FAIL_FAST_NS);
    (void)told(FAIL_FAST_NS);
    for (uint32_t i = 2; i <= 4; i++) {
        assert_true(breaker_succeeded(&breaker));
        assert_int_equal(told(FAIL_FAST_NS).window, i);
        assert_false(told(FAIL_FAST_NS).broken);
    }
    assert_int_equal(breaker_due_ns(&breaker), INT64_MAX);
    assert_false(breaker_error(&breaker, 0, &error, &age_ms));
}

static void
success_is_news_only_where_it_changes_something(void **state)
{
    (void)state;
    assert_false(breaker_succeeded(&breaker));
    fail_at(0, 2002);
    assert_true(told(FAIL_FAST_NS).broken);
    /* Cleared behind the last word, and the window is whole again. */
    for (uint32_t i = 1; i <= 4; i++) {
        assert_true(breaker_succeeded(&breaker));
    }
    assert_true(breaker_succeeded(&breaker));
    assert_false(told(FAIL_FAST_NS).broken);
    assert_false(breaker_succeeded(&breaker));
}

static bool
is_failing(void)
{
    dew_error error;
    int64_t age_ms;

    return breaker_error(&breaker, 0, &error, &age_ms);
}

/* Who comes next waits for a new try, and is not told of this one. */
static void
failure_is_forgotten_when_nobody_wanted_the_try_that_was_due(void **state)
{
    (void)state;
    fail_at(0, 2002);
    breaker_due(&breaker, breaker_due_ns(&breaker));
    assert_true(told(FAIL_FAST_NS).broken);
    breaker_due(&breaker, FORGET_NS - 1);
    assert_true(told(FORGET_NS - 1).broken);
    breaker_due(&breaker, breaker_due_ns(&breaker));
    assert_false(told(FORGET_NS).broken);
    assert_int_equal(told(FORGET_NS).window, 1);
    assert_false(is_failing());
    assert_int_equal(breaker_due_ns(&breaker), INT64_MAX);
    /* As at the beginning: short pauses, and time for those who wait. */
    fail_at(2 * FORGET_NS, 2002);
    assert_false(told(2 * FORGET_NS).broken);
    assert_in_range(breaker_due_ns(&breaker) - 2 * FORGET_NS, 1, 11 * MS);
}

/* A silent server: the connect takes longer than the failure is news. */
static void
failure_is_not_forgotten_while_a_connect_is_under_way(void **state)
{
    (void)state;
    fail_at(0, 2002);
    breaker_due(&breaker, breaker_due_ns(&breaker));
    (void)told(FAIL_FAST_NS);
    (void)breaker_try_begins(&breaker);
    assert_int_equal(breaker_due_ns(&breaker), INT64_MAX);
    breaker_due(&breaker, 2 * FORGET_NS);
    assert_true(told(2 * FORGET_NS).broken);
    fail_at(2 * FORGET_NS, 2013);
    breaker_try_ends(&breaker);
    breaker_due(&breaker, breaker_due_ns(&breaker));
    assert_true(told(2 * FORGET_NS).broken);
    assert_int_equal(breaker_due_ns(&breaker), 3 * FORGET_NS);
}

static void
pause_before_a_try_is_never_cut_short_by_forgetting(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        fail_at(0, 2002);
    }
    const int64_t due_ns = breaker_due_ns(&breaker);
    breaker_due(&breaker, due_ns - 1);
    assert_int_equal(told(due_ns - 1).window, 0);
}

/* What more tries would make worse is tried in the slowest rhythm only. */
static void
wrong_password_is_repeated_after_four_seconds_at_the_earliest(void **state)
{
    static const uint32_t numbers[] = {1044, 1045, 1049, 1129, 1130, 1524,
                                       1698, 1862, 2059, 2061, 3118, 4151};

    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        fail_at(0, numbers[i]);
        assert_false(breaker_asked(&breaker));
        assert_true(told(0).broken);
        assert_in_range(breaker_due_ns(&breaker), 4000 * MS, 5000 * MS);
    }
}

static void
other_credentials_end_the_pause_and_the_failing_at_once(void **state)
{
    (void)state;
    fail_at(0, 1045);
    assert_true(told(0).broken);
    breaker_forget(&breaker);
    assert_false(told(0).broken);
    assert_int_equal(told(0).window, 1);
    assert_false(is_failing());
    assert_int_equal(breaker_due_ns(&breaker), INT64_MAX);
}

/* It may be told at any time: whoever looks at it first and tells it then could
 * have the credentials change in between. */
static void
failure_of_a_try_that_began_before_other_credentials_does_not_count(
    void **state)
{
    const dew_error error = {.code = DEW_ECONNECT, .mysql_errno = 1045};

    (void)state;
    const uint64_t before = breaker_try_begins(&breaker);
    breaker_forget(&breaker);
    const uint64_t after = breaker_try_begins(&breaker);
    breaker_failed(&breaker, before, &error, 0);
    assert_false(is_failing());
    assert_int_equal(told(0).window, 4);
    breaker_failed(&breaker, after, &error, 0);
    assert_true(is_failing());
    assert_true(told(0).broken);
}

static void
other_credentials_leave_a_healthy_window_as_it_is(void **state)
{
    (void)state;
    breaker_forget(&breaker);
    assert_int_equal(told(0).window, 4);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            failure_closes_the_window_until_a_try_is_due, begin, end),
        cmocka_unit_test_setup_teardown(moment_of_failing_fast_is_due_once,
                                        begin, end),
        cmocka_unit_test_setup_teardown(
            failure_after_that_is_tried_again_and_nothing_else_is_due, begin,
            end),
        cmocka_unit_test_setup_teardown(wrong_password_fails_fast_at_once,
                                        begin, end),
        cmocka_unit_test_setup_teardown(
            success_ends_it_and_opens_the_window_step_by_step, begin, end),
        cmocka_unit_test_setup_teardown(
            success_is_news_only_where_it_changes_something, begin, end),
        cmocka_unit_test_setup_teardown(
            failure_is_forgotten_when_nobody_wanted_the_try_that_was_due, begin,
            end),
        cmocka_unit_test_setup_teardown(
            failure_is_not_forgotten_while_a_connect_is_under_way, begin, end),
        cmocka_unit_test_setup_teardown(
            pause_before_a_try_is_never_cut_short_by_forgetting, begin, end),
        cmocka_unit_test_setup_teardown(
            wrong_password_is_repeated_after_four_seconds_at_the_earliest,
            begin, end),
        cmocka_unit_test_setup_teardown(
            other_credentials_end_the_pause_and_the_failing_at_once, begin,
            end),
        cmocka_unit_test_setup_teardown(
            failure_of_a_try_that_began_before_other_credentials_does_not_count,
            begin, end),
        cmocka_unit_test_setup_teardown(
            other_credentials_leave_a_healthy_window_as_it_is, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
