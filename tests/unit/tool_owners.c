/* SPDX-License-Identifier: MIT */
/* Goal: the program's witness sees one session in two hands, and only that. */
/* Method: loans are begun and ended by hand in right and wrong orders. */
#include "../../tools/owners.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static char handles[2][4096];

static struct owners *
make(void)
{
    struct owners *const owners = calloc(1, sizeof *owners);
    assert_non_null(owners);
    return owners;
}

static void
a_session_may_be_held_by_one_after_the_other(void **state)
{
    (void)state;
    struct owners *const owners = make();
    for (uint32_t thread = 0; thread < 10000; thread += 999) {
        const struct owners_loan loan = {7, handles[0], thread};
        assert_int_equal(owners_enter(owners, &loan), OWNERS_ALONE);
        assert_int_equal(owners_leave(owners, &loan), OWNERS_ALONE);
    }
    free(owners);
}

static void
a_session_in_two_hands_is_seen_by_the_second(void **state)
{
    (void)state;
    struct owners *const owners = make();
    const struct owners_loan first = {7, handles[0], 1};
    const struct owners_loan second = {7, handles[0], 2};
    assert_int_equal(owners_enter(owners, &first), OWNERS_ALONE);
    assert_int_equal(owners_enter(owners, &second), OWNERS_SHARED);
    assert_int_equal(owners_leave(owners, &first), OWNERS_ALONE);
    free(owners);
}

static void
one_thread_that_gets_a_session_twice_is_seen_too(void **state)
{
    (void)state;
    struct owners *const owners = make();
    const struct owners_loan loan = {7, handles[0], 1};
    assert_int_equal(owners_enter(owners, &loan), OWNERS_ALONE);
    assert_int_equal(owners_enter(owners, &loan), OWNERS_SHARED);
    free(owners);
}

static void
a_stamp_that_was_taken_away_is_seen_at_the_end(void **state)
{
    (void)state;
    struct owners *const owners = make();
    const struct owners_loan first = {7, handles[0], 1};
    const struct owners_loan second = {7, handles[0], 2};
    assert_int_equal(owners_enter(owners, &first), OWNERS_ALONE);
    assert_int_equal(owners_leave(owners, &second), OWNERS_SHARED);
    assert_int_equal(owners_leave(owners, &first), OWNERS_SHARED);
    free(owners);
}

static void
another_session_at_the_same_place_is_no_alarm(void **state)
{
    (void)state;
    struct owners *const owners = make();
    const struct owners_loan first = {7, handles[0], 1};
    const struct owners_loan far = {7 + OWNERS_PLACES, handles[1], 2};
    assert_int_equal(owners_enter(owners, &first), OWNERS_ALONE);
    assert_int_equal(owners_enter(owners, &far), OWNERS_CROWDED);
    free(owners);
}

static void
the_same_number_from_a_restarted_server_is_no_alarm(void **state)
{
    (void)state;
    struct owners *const owners = make();
    const struct owners_loan old = {7, handles[0], 1};
    const struct owners_loan fresh = {7, handles[1], 2};
    assert_int_equal(owners_enter(owners, &old), OWNERS_ALONE);
    assert_int_equal(owners_enter(owners, &fresh), OWNERS_CROWDED);
    free(owners);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_may_be_held_by_one_after_the_other),
        cmocka_unit_test(a_session_in_two_hands_is_seen_by_the_second),
        cmocka_unit_test(one_thread_that_gets_a_session_twice_is_seen_too),
        cmocka_unit_test(a_stamp_that_was_taken_away_is_seen_at_the_end),
        cmocka_unit_test(another_session_at_the_same_place_is_no_alarm),
        cmocka_unit_test(the_same_number_from_a_restarted_server_is_no_alarm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
