/* SPDX-License-Identifier: MIT */
/* Goal: one caller a second is let through, however many ask at once. Method:
 * a time of our own; and a caller that comes in at the other's race point. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/seldom.h"

#define SECOND (1000 * CLOCK_NS_PER_MS)
#define START (7 * SECOND)

static void
first_one_is_let_through_and_the_next_after_a_second(void **state)
{
    (void)state;
    struct seldom seldom = {0};
    assert_true(seldom_may(&seldom, START));
    assert_false(seldom_may(&seldom, START));
    assert_false(seldom_may(&seldom, START + SECOND - 1));
    assert_true(seldom_may(&seldom, START + SECOND));
    assert_false(seldom_may(&seldom, START + SECOND));
}

/* Who read the clock before the last one was let through. */
static void
late_comer_with_an_older_time_is_not_let_through(void **state)
{
    (void)state;
    struct seldom seldom = {0};
    assert_true(seldom_may(&seldom, START));
    assert_false(seldom_may(&seldom, START - 5));
}

static struct seldom shared;
static bool other_was_let_through;

static void
ask_in_between(const char *name, void *arg)
{
    (void)name;
    (void)arg;
    race_hook(NULL, NULL);
    other_was_let_through = seldom_may(&shared, START);
}

static void
of_two_that_found_the_same_last_time_one_is_let_through(void **state)
{
    (void)state;
    race_hook(ask_in_between, NULL);
    assert_false(seldom_may(&shared, START));
    assert_true(other_was_let_through);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_one_is_let_through_and_the_next_after_a_second),
        cmocka_unit_test(late_comer_with_an_older_time_is_not_let_through),
        cmocka_unit_test(
            of_two_that_found_the_same_last_time_one_is_let_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
