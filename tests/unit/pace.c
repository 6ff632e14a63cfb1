/* SPDX-License-Identifier: MIT */
/* Goal: the old are served, two at a time, and dense returns rarely ask the time. */
/* Method: ages and times are given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/pace.h"

#define MS INT64_C(1000000)
#define MANY 100

static struct pace pace;

static int
begin(void **state)
{
    (void)state;
    pace_init(&pace, false);
    return 0;
}

/* --- whose a return is --------------------------------------------------- */

static void
the_young_compete_and_the_old_are_served(void **state)
{
    (void)state;
    assert_false(pace_is_due(&pace, MS - 1, MS));
    assert_true(pace_is_due(&pace, MS, MS));
}

static void
two_are_served_at_a_time_unless_he_has_waited_half_as_long_again(void **state)
{
    (void)state;
    pace_given(&pace);
    assert_true(pace_is_due(&pace, MS, MS));
    pace_given(&pace);
    assert_false(pace_is_due(&pace, MS, MS));
    assert_false(pace_is_due(&pace, MS + MS / 2 - 3, MS));
    assert_true(pace_is_due(&pace, MS + MS / 2 + 3, MS));
    pace_given(&pace);
    pace_taken(&pace);
    assert_false(pace_is_due(&pace, MS, MS));
    pace_taken(&pace);
    assert_true(pace_is_due(&pace, MS, MS));
}

static void
nobody_is_served_by_an_age_that_never_comes(void **state)
{
    (void)state;
    assert_false(pace_is_due(&pace, INT64_MAX - 1, INT64_MAX));
}

/* --- who looks at the clock ---------------------------------------------- */

/* So many looks, so far apart; the time of the last one. */
static int64_t
look(int64_t from_ns, int count, int64_t apart_ns)
{
    for (int i = 0; i < count; i++) {
        from_ns += apart_ns;
        pace_look(&pace, from_ns);
    }
    return from_ns;
}

static uint32_t
looks_of(uint64_t returns)
{
    uint32_t looks = 0;

    for (uint64_t uses = 1; uses <= returns; uses++) {
        looks += !pace_may_skip(&pace, uses);
    }
    return looks;
}

static void
returns_that_are_apart_all_look(void **state)
{
    (void)state;
    (void)look(MS, MANY, 10000);
    assert_int_equal(looks_of(MANY), MANY);
}

static void
two_returns_that_meet_by_chance_are_not_dense(void **state)
{
    int64_t now_ns = MS;

    (void)state;
    for (int i = 0; i < MANY; i++) {
        now_ns = look(now_ns, 3, 100);
        now_ns = look(now_ns, 1, 20000);
    }
    assert_int_equal(looks_of(MANY), MANY);
}

static void
of_dense_returns_one_in_so_many_looks(void **state)
{
    (void)state;
    (void)look(MS, MANY, 500);
    assert_int_equal(looks_of(10 * PACE_LOOK_EVERY), 10);
}

static void
dense_ones_stay_so_between_their_rare_looks_and_stop_when_they_do(void **state)
{
    int64_t now_ns;

    (void)state;
    now_ns = look(MS, MANY, 500);
    now_ns = look(now_ns, MANY, 64 * 500);
    assert_int_equal(looks_of(PACE_LOOK_EVERY), 1);
    (void)look(now_ns, 1, MS);
    assert_int_equal(looks_of(PACE_LOOK_EVERY), PACE_LOOK_EVERY);
}

/* --- who spins ------------------------------------------------------------ */

static uint32_t
spins_of(uint32_t tries, bool find)
{
    uint32_t spins = 0;

    for (uint32_t i = 0; i < tries; i++) {
        if (pace_spin_begin(&pace)) {
            spins++;
            pace_spin_end(&pace, find);
        }
    }
    return spins;
}

static void
without_hope_one_in_so_many_spins(void **state)
{
    (void)state;
    assert_int_equal(spins_of(10 * PACE_TRY_EVERY, false), 10);
}

static void
who_found_something_gives_hope_that_fades(void **state)
{
    (void)state;
    assert_int_equal(spins_of(2 * PACE_TRY_EVERY, true), 2 * PACE_TRY_EVERY);
    assert_in_range(spins_of(PACE_TRY_EVERY, false), 2, 5);
}

static void
one_spins_at_a_time(void **state)
{
    (void)state;
    assert_true(pace_spin_begin(&pace));
    assert_int_equal(spins_of(2 * PACE_TRY_EVERY, true), 0);
    pace_spin_end(&pace, true);
    assert_true(pace_spin_begin(&pace));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, begin)
    const struct CMUnitTest tests[] = {
        TEST(the_young_compete_and_the_old_are_served),
        TEST(two_are_served_at_a_time_unless_he_has_waited_half_as_long_again),
        TEST(nobody_is_served_by_an_age_that_never_comes),
        TEST(returns_that_are_apart_all_look),
        TEST(two_returns_that_meet_by_chance_are_not_dense),
        TEST(of_dense_returns_one_in_so_many_looks),
        TEST(dense_ones_stay_so_between_their_rare_looks_and_stop_when_they_do),
        TEST(without_hope_one_in_so_many_spins),
        TEST(who_found_something_gives_hope_that_fades),
        TEST(one_spins_at_a_time),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
