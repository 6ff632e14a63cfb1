/* SPDX-License-Identifier: MIT */
/* Goal: a server that fails is tried seldom enough and at times that no other
 * client of it shares. Method: the breaker's events at times of our own choice;
 * the longest of many pauses, and how many of them end before each tenth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "keeper/breaker.h"

#define MS CLOCK_NS_PER_MS

static struct breaker breaker;

/* So that the next try is the only thing that is due. */
static int
begin(void **state)
{
    (void)state;
    breaker_init(&breaker, 4, INT64_MAX);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    breaker_destroy(&breaker);
    return 0;
}

static void
fail_at(int64_t now_ns, uint32_t number)
{
    const dew_error error = {.code = DEW_ECONNECT, .mysql_errno = number};

    breaker_failed(&breaker, BREAKER_NO_TRY, &error, now_ns);
}

enum { MANY = 200 };

/* The longest pause of many, after so many failures that it grows no more. */
static int64_t
longest_pause_ns(uint32_t number, bool asked)
{
    int64_t longest_ns = 0;

    for (int i = 0; i < MANY; i++) {
        fail_at(0, number);
        if (asked) {
            (void)breaker_asked(&breaker);
            assert_false(breaker_asked(&breaker));
        }
        if (i >= MANY / 4 && breaker_due_ns(&breaker) > longest_ns) {
            longest_ns = breaker_due_ns(&breaker);
        }
    }
    return longest_ns;
}

static void
server_that_is_asked_for_is_tried_within_a_second(void **state)
{
    (void)state;
    assert_in_range(longest_pause_ns(2002, true), 900 * MS, 1001 * MS);
    assert_in_range(longest_pause_ns(2002, false), 4000 * MS, 5001 * MS);
}

/* More tries would lock an account, or fill a server that has no room. */
static void
asking_does_not_hurry_where_tries_would_harm(void **state)
{
    (void)state;
    assert_in_range(longest_pause_ns(1045, true), 4000 * MS, 5001 * MS);
    assert_in_range(longest_pause_ns(1040, true), 4000 * MS, 5001 * MS);
}

/* The pause after the only failure there was. */
static int64_t
first_pause_ns(uint32_t number)
{
    breaker_forget(&breaker);
    fail_at(0, number);
    return breaker_due_ns(&breaker);
}

static void
server_that_has_no_room_is_left_alone_four_times_as_long(void **state)
{
    static const uint32_t numbers[] = {1040, 1203, 1226};

    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        int64_t longest_ns = 0, others_ns = 0;

        for (int k = 0; k < MANY; k++) {
            const int64_t pause_ns = first_pause_ns(numbers[i]);
            const int64_t other_ns = first_pause_ns(2002);

            longest_ns = pause_ns > longest_ns ? pause_ns : longest_ns;
            others_ns = other_ns > others_ns ? other_ns : others_ns;
        }
        assert_in_range(longest_ns, 36 * MS, 41 * MS);
        assert_in_range(others_ns, 9 * MS, 11 * MS);
    }
}

/* How many of many pauses end before this part of the longest, in per cent. */
static int
pauses_below(int64_t longest_ns, int per_cent, int64_t (*pause_ns)(void))
{
    enum { PAUSES = 2000 };
    int below = 0;

    for (int i = 0; i < PAUSES; i++) {
        below += pause_ns() - MS < longest_ns * per_cent / 100;
    }
    return below * 100 / PAUSES;
}

static int64_t
pause_at_first(void)
{
    return first_pause_ns(2002);
}

static int64_t
pause_at_last(void)
{
    fail_at(0, 2002);
    return breaker_due_ns(&breaker);
}

static int64_t
pause_at_last_if_asked(void)
{
    fail_at(0, 2002);
    (void)breaker_asked(&breaker);
    return breaker_due_ns(&breaker);
}

/* Full jitter: a thousand clients of one server are spread over all of the
 * interval, its beginning too. */
static void
pauses_are_spread_evenly_from_nothing_to_the_longest(void **state)
{
    (void)state;
    for (int per_cent = 10; per_cent < 100; per_cent += 10) {
        assert_in_range(pauses_below(10 * MS, per_cent, pause_at_first) + 5,
                        per_cent, per_cent + 10);
    }
    (void)longest_pause_ns(2002, false);
    for (int per_cent = 10; per_cent < 100; per_cent += 10) {
        assert_in_range(pauses_below(5000 * MS, per_cent, pause_at_last) + 5,
                        per_cent, per_cent + 10);
        /* The earlier of both ends: of the second's and of the five's. */
        assert_true(pauses_below(1000 * MS, per_cent, pause_at_last_if_asked) +
                        5 >=
                    per_cent);
    }
}

static void
asking_for_a_server_that_is_well_changes_nothing(void **state)
{
    (void)state;
    assert_false(breaker_asked(&breaker));
    assert_int_equal(breaker_due_ns(&breaker), INT64_MAX);
    (void)longest_pause_ns(2002, false);
    breaker_due(&breaker, 5001 * MS);
    assert_false(breaker_asked(&breaker));
    breaker_succeeded(&breaker);
    assert_false(breaker_asked(&breaker));
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            server_that_is_asked_for_is_tried_within_a_second, begin, end),
        cmocka_unit_test_setup_teardown(
            asking_does_not_hurry_where_tries_would_harm, begin, end),
        cmocka_unit_test_setup_teardown(
            server_that_has_no_room_is_left_alone_four_times_as_long, begin,
            end),
        cmocka_unit_test_setup_teardown(
            pauses_are_spread_evenly_from_nothing_to_the_longest, begin, end),
        cmocka_unit_test_setup_teardown(
            asking_for_a_server_that_is_well_changes_nothing, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
