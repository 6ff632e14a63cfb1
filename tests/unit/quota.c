/* SPDX-License-Identifier: MIT */
/* Goal: never more places are taken than the limit and the ceiling allow. */
/* Method: fill, shrink and grow a quota, force two reservations of the last
 * place into each other, then let threads fight for few places. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/fault.h"
#include "core/quota.h"

#define NO_CEILING UINT32_MAX

static struct quota quota;

static uint32_t
taken(void)
{
    return quota_look(&quota).taken;
}

static void
places_are_reserved_until_the_limit_and_again_after_a_return(void **state)
{
    (void)state;
    quota_init(&quota, 3);
    assert_int_equal(quota_look(&quota).limit, 3);
    for (uint32_t i = 1; i <= 3; i++) {
        assert_true(quota_reserve(&quota, NO_CEILING));
        assert_int_equal(taken(), i);
    }
    assert_false(quota_reserve(&quota, NO_CEILING));
    assert_int_equal(taken(), 3);
    quota_return(&quota);
    assert_int_equal(taken(), 2);
    assert_true(quota_reserve(&quota, NO_CEILING));
    assert_false(quota_reserve(&quota, NO_CEILING));
}

static void
a_ceiling_below_the_limit_counts_instead_of_it(void **state)
{
    (void)state;
    quota_init(&quota, 5);
    assert_false(quota_reserve(&quota, 0));
    assert_true(quota_reserve(&quota, 2));
    assert_true(quota_reserve(&quota, 2));
    assert_false(quota_reserve(&quota, 2));
    assert_true(quota_reserve(&quota, 3));
    assert_false(quota_reserve(&quota, 1));
    assert_int_equal(taken(), 3);
}

static void
a_limit_of_zero_gives_nothing(void **state)
{
    (void)state;
    quota_init(&quota, 0);
    assert_false(quota_reserve(&quota, NO_CEILING));
    assert_int_equal(taken(), 0);
}

static void
after_a_shrink_nothing_is_given_until_enough_came_back(void **state)
{
    (void)state;
    quota_init(&quota, 4);
    for (uint32_t i = 0; i < 4; i++) {
        assert_true(quota_reserve(&quota, NO_CEILING));
    }
    quota_set_limit(&quota, 2);
    assert_int_equal(taken(), 4);
    assert_int_equal(quota_look(&quota).limit, 2);
    for (uint32_t i = 4; i > 2; i--) {
        assert_false(quota_reserve(&quota, NO_CEILING));
        quota_return(&quota);
    }
    assert_false(quota_reserve(&quota, NO_CEILING));
    quota_return(&quota);
    assert_true(quota_reserve(&quota, NO_CEILING));
    quota_set_limit(&quota, 3);
    assert_true(quota_reserve(&quota, NO_CEILING));
    assert_int_equal(taken(), 3);
}

static void
the_largest_pool_fits(void **state)
{
    (void)state;
    quota_init(&quota, 65535);
    for (uint32_t i = 0; i < 65535; i++) {
        assert_true(quota_reserve(&quota, NO_CEILING));
    }
    assert_false(quota_reserve(&quota, NO_CEILING));
    assert_int_equal(taken(), 65535);
    assert_int_equal(quota_look(&quota).limit, 65535);
}

static void
every_write_moves_the_change_counter_and_a_refusal_does_not(void **state)
{
    uint64_t before;

    (void)state;
    quota_init(&quota, 1);
    before = quota_look(&quota).word;
    assert_true(quota_reserve(&quota, NO_CEILING));
    assert_true(quota_look(&quota).word != before);
    before = quota_look(&quota).word;
    assert_false(quota_reserve(&quota, NO_CEILING));
    assert_int_equal(quota_look(&quota).word, before);
    quota_return(&quota);
    assert_true(quota_look(&quota).word != before);
    before = quota_look(&quota).word;
    quota_set_limit(&quota, 1);
    assert_true(quota_look(&quota).word != before);
    before = quota_look(&quota).word;
    assert_false(quota_leave_excess(&quota));
    assert_true(quota_look(&quota).word == before);
    assert_true(quota_reserve(&quota, NO_CEILING));
    before = quota_look(&quota).word;
    quota_leave(&quota);
    assert_true(quota_look(&quota).word != before);
    before = quota_look(&quota).word;
    quota_left(&quota);
    assert_true(quota_look(&quota).word != before);
}

/* --- the excess ------------------------------------------------------ */

static void
as_many_leave_as_are_too_many(void **state)
{
    (void)state;
    quota_init(&quota, 5);
    for (uint32_t i = 0; i < 5; i++) {
        assert_true(quota_reserve(&quota, NO_CEILING));
    }
    assert_false(quota_has_excess(&quota));
    assert_int_equal(quota_set_limit(&quota, 3).taken, 5);
    for (uint32_t i = 0; i < 2; i++) {
        assert_true(quota_has_excess(&quota));
        assert_true(quota_leave_excess(&quota));
    }
    /* They are not gone yet, but nobody else has to go for them. */
    assert_int_equal(taken(), 5);
    assert_int_equal(quota_look(&quota).leaving, 2);
    assert_false(quota_has_excess(&quota));
    assert_false(quota_leave_excess(&quota));
    assert_false(quota_reserve(&quota, NO_CEILING));
    quota_left(&quota);
    quota_left(&quota);
    assert_int_equal(taken(), 3);
    assert_int_equal(quota_look(&quota).leaving, 0);
    assert_int_equal(quota_look(&quota).limit, 3);
    assert_false(quota_leave_excess(&quota));
}

/* One that goes for another reason is one that is not too many any more. */
static void
one_that_left_anyway_counts(void **state)
{
    (void)state;
    quota_init(&quota, 2);
    assert_true(quota_reserve(&quota, NO_CEILING));
    assert_true(quota_reserve(&quota, NO_CEILING));
    quota_leave(&quota);
    quota_set_limit(&quota, 1);
    assert_false(quota_leave_excess(&quota));
    quota_left(&quota);
    assert_int_equal(taken(), 1);
}

static void
an_excess_is_over_when_the_limit_grows_again(void **state)
{
    (void)state;
    quota_init(&quota, 2);
    assert_true(quota_reserve(&quota, NO_CEILING));
    assert_true(quota_reserve(&quota, NO_CEILING));
    quota_set_limit(&quota, 1);
    assert_true(quota_has_excess(&quota));
    quota_set_limit(&quota, 2);
    assert_false(quota_has_excess(&quota));
    assert_false(quota_leave_excess(&quota));
}

static void
the_change_counter_wraps_without_touching_the_numbers(void **state)
{
    (void)state;
    quota_init(&quota, 2);
    assert_true(quota_reserve(&quota, NO_CEILING));
    for (uint32_t i = 0; i < (1u << 16) + 2; i++) {
        quota_set_limit(&quota, 2);
    }
    assert_int_equal(taken(), 1);
    assert_int_equal(quota_look(&quota).limit, 2);
    quota_return(&quota);
    assert_int_equal(taken(), 0);
}

/* --- the one race ---------------------------------------------------- */

static bool other_got_it;

static void
reserve_behind_its_back(const char *name, void *arg)
{
    (void)name;
    (void)arg;
    race_hook(NULL, NULL);
    other_got_it = quota_reserve(&quota, NO_CEILING);
}

static void
of_two_that_reserve_the_last_place_one_gets_it(void **state)
{
    (void)state;
    quota_init(&quota, 2);
    assert_true(quota_reserve(&quota, NO_CEILING));
    race_hook(reserve_behind_its_back, NULL);
    assert_false(quota_reserve(&quota, NO_CEILING));
    assert_true(other_got_it);
    assert_int_equal(taken(), 2);
}

static void
shrink_behind_its_back(const char *name, void *arg)
{
    (void)name;
    (void)arg;
    race_hook(NULL, NULL);
    quota_set_limit(&quota, 1);
}

static void
a_shrink_in_the_middle_of_a_reservation_is_obeyed(void **state)
{
    (void)state;
    quota_init(&quota, 2);
    assert_true(quota_reserve(&quota, NO_CEILING));
    race_hook(shrink_behind_its_back, NULL);
    assert_false(quota_reserve(&quota, NO_CEILING));
    assert_int_equal(taken(), 1);
}

static void
leave_behind_its_back(const char *name, void *arg)
{
    (void)name;
    (void)arg;
    race_hook(NULL, NULL);
    other_got_it = quota_leave_excess(&quota);
}

static void
of_two_returns_after_a_shrink_by_one_one_goes(void **state)
{
    (void)state;
    quota_init(&quota, 2);
    assert_true(quota_reserve(&quota, NO_CEILING));
    assert_true(quota_reserve(&quota, NO_CEILING));
    quota_set_limit(&quota, 1);
    race_hook(leave_behind_its_back, NULL);
    assert_false(quota_leave_excess(&quota));
    assert_true(other_got_it);
    assert_int_equal(quota_look(&quota).leaving, 1);
}

/* --- threads --------------------------------------------------------- */

#define PLACES 3
#define ROUNDS 20000

static order_u32 inside; /* how many hold a place, counted apart */
static order_u32 failures;

static void *
reserve_and_return(void *arg)
{
    (void)arg;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        if (!quota_reserve(&quota, NO_CEILING)) {
            continue;
        }
        if (order_add_seq_u32(&inside, 1) >= PLACES || taken() > PLACES) {
            (void)order_add_seq_u32(&failures, 1);
        }
        (void)order_sub_seq_u32(&inside, 1);
        quota_return(&quota);
    }
    return NULL;
}

static void
threads_never_hold_more_places_than_there_are(void **state)
{
    pthread_t threads[8];

    (void)state;
    quota_init(&quota, PLACES);
    race_seed(1, 4);
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(
            pthread_create(&threads[i], NULL, reserve_and_return, NULL), 0);
    }
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    race_seed(0, 0);
    assert_int_equal(order_load_seq_u32(&failures), 0);
    assert_int_equal(taken(), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            places_are_reserved_until_the_limit_and_again_after_a_return),
        cmocka_unit_test(a_ceiling_below_the_limit_counts_instead_of_it),
        cmocka_unit_test(a_limit_of_zero_gives_nothing),
        cmocka_unit_test(
            after_a_shrink_nothing_is_given_until_enough_came_back),
        cmocka_unit_test(the_largest_pool_fits),
        cmocka_unit_test(
            every_write_moves_the_change_counter_and_a_refusal_does_not),
        cmocka_unit_test(the_change_counter_wraps_without_touching_the_numbers),
        cmocka_unit_test(of_two_that_reserve_the_last_place_one_gets_it),
        cmocka_unit_test(a_shrink_in_the_middle_of_a_reservation_is_obeyed),
        cmocka_unit_test(as_many_leave_as_are_too_many),
        cmocka_unit_test(one_that_left_anyway_counts),
        cmocka_unit_test(an_excess_is_over_when_the_limit_grows_again),
        cmocka_unit_test(of_two_returns_after_a_shrink_by_one_one_goes),
        cmocka_unit_test(threads_never_hold_more_places_than_there_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
