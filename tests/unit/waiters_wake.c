/* SPDX-License-Identifier: MIT */
/* Goal: one wake is in flight, a sleep ends when it should, nothing sooner. */
/* Method: wake, lose, give and time out with a clock and a bed of our own. */
#include "fixture/waiters_kit.h"

/* --- the wake token -------------------------------------------------- */

static void
one_wake_is_in_flight_at_a_time_and_goes_to_the_first(void **state)
{
    (void)state;
    struct waiter *const a = join_at(1), *const b = join_at(2);
    enter();
    assert_true(waiters_wake_first(&list));
    assert_int_equal(state_of(a), WAITER_WOKEN);
    assert_true(waiters_token_out(&list));
    assert_false(waiters_wake_first(&list));
    assert_int_equal(state_of(b), WAITER_AWAKE);
    let_go();
}

static void
a_woken_loser_keeps_its_place_and_is_woken_again(void **state)
{
    (void)state;
    struct waiter *const a = join_at(1), *const b = join_at(2);
    enter();
    assert_true(waiters_wake_first(&list));
    assert_true(waiter_lost(a));
    assert_int_equal(state_of(a), WAITER_AWAKE);
    waiters_clear_token(&list);
    assert_false(waiters_token_out(&list));
    EXPECT_LINE(a, b);
    assert_int_equal(a->wish.since_ns, 1);
    assert_true(waiters_wake_first(&list));
    assert_int_equal(state_of(a), WAITER_WOKEN);
    assert_int_equal(state_of(b), WAITER_AWAKE);
    let_go();
}

static void
who_leaves_while_woken_takes_the_token_back(void **state)
{
    (void)state;
    struct waiter *const a = join_at(1), *const b = join_at(2);
    enter();
    assert_true(waiters_wake_first(&list));
    assert_true(waiter_leave(&list, a));
    assert_false(waiters_token_out(&list));
    assert_true(waiters_wake_first(&list));
    assert_int_equal(state_of(b), WAITER_WOKEN);
    EXPECT_LINE(b);
    let_go();
}

static void
what_is_given_to_a_woken_waiter_takes_the_token_back(void **state)
{
    (void)state;
    struct waiter *const a = join_at(1), *const b = join_at(2);
    enter();
    assert_true(waiters_wake_first(&list));
    assert_true(waiters_grant(&list, a, &slot));
    assert_false(waiters_token_out(&list));
    assert_true(waiters_wake_first(&list));
    assert_true(waiters_refuse(&list, b, POND_SHUT));
    assert_false(waiters_token_out(&list));
    let_go();
}

static void
what_is_given_to_another_leaves_the_token_where_it_is(void **state)
{
    (void)state;
    struct waiter *const a = join_at(1), *const b = join_at(2);
    struct waiter *const c = join_at(3);
    enter();
    assert_true(waiters_wake_first(&list));
    assert_true(waiters_grant(&list, b, &slot));
    assert_true(waiter_leave(&list, c));
    assert_true(waiters_token_out(&list));
    assert_int_equal(state_of(a), WAITER_WOKEN);
    let_go();
}

static void
a_wake_skips_who_left_and_is_no_wake_when_nobody_is_there(void **state)
{
    (void)state;
    struct waiter *const a = join_at(1), *const b = join_at(2);
    enter();
    assert_true(waiter_leave(&list, a));
    assert_true(waiters_wake_first(&list));
    assert_int_equal(state_of(b), WAITER_WOKEN);
    assert_true(waiter_leave(&list, b));
    assert_false(waiters_wake_first(&list));
    assert_false(waiters_token_out(&list));
    assert_null(list.head);
    let_go();
}

static void
who_wants_a_new_session_only_is_not_woken_for_one_that_rests(void **state)
{
    (void)state;
    (void)join_wish((struct waiter_wish){.since_ns = 1, .only_new = true});
    enter();
    assert_false(waiters_wake_first(&list));
    assert_false(waiters_token_out(&list));
    let_go();
}

/* --- parking --------------------------------------------------------- */

static struct waiter *sleeper;

static void
grant_the_sleeper(void)
{
    enter();
    assert_int_equal(state_of(sleeper), WAITER_PARKED);
    assert_true(waiters_grant(&list, sleeper, &slot));
    let_go();
}

static void
wake_the_sleeper(void)
{
    enter();
    assert_true(waiters_wake_first(&list));
    let_go();
}

static void
spurious(void)
{
}

static void
a_sleeper_is_woken_by_what_it_is_given(void **state)
{
    (void)state;
    sleeper = join_at(1);
    kit.naps[0] = grant_the_sleeper;
    assert_int_equal(waiter_park(&list, sleeper, CLOCK_NEVER), WAITER_GRANTED);
    assert_int_equal(kit.woke, 1);
    assert_int_equal(kit.slept, 1);
}

static void
a_sleeper_is_woken_to_come_and_look(void **state)
{
    (void)state;
    sleeper = join_at(1);
    kit.naps[0] = wake_the_sleeper;
    assert_int_equal(waiter_park(&list, sleeper, CLOCK_NEVER), WAITER_WOKEN);
    assert_int_equal(kit.woke, 1);
}

static void
who_does_not_sleep_costs_no_system_call(void **state)
{
    (void)state;
    sleeper = join_at(1);
    enter();
    assert_true(waiters_grant(&list, sleeper, &slot));
    let_go();
    assert_int_equal(kit.woke, 0);
    assert_int_equal(waiter_park(&list, sleeper, CLOCK_NEVER), WAITER_GRANTED);
    assert_int_equal(kit.slept, 0);
}

static void
spurious_wakes_are_slept_through(void **state)
{
    (void)state;
    sleeper = join_at(1);
    for (uint32_t i = 0; i < 9; i++) {
        kit.naps[i] = spurious;
    }
    kit.naps[9] = grant_the_sleeper;
    assert_int_equal(waiter_park(&list, sleeper, CLOCK_NEVER), WAITER_GRANTED);
    assert_int_equal(kit.slept, 10);
}

static void
a_sleep_ends_at_its_deadline_and_leaves_the_waiter_awake(void **state)
{
    const int64_t deadline = KIT_START_NS + 5 * KIT_MS;

    (void)state;
    sleeper = join_at(1);
    assert_int_equal(waiter_park(&list, sleeper, deadline), WAITER_AWAKE);
    assert_int_equal(kit.slept, 1);
    assert_int_equal(kit.now_ns, deadline);
    assert_int_equal(waiter_park(&list, sleeper, deadline), WAITER_AWAKE);
    assert_int_equal(kit.slept, 1); /* past: no sleep at all */
}

/* --- napping --------------------------------------------------------- */

static struct waiter *
join_woken(void)
{
    struct waiter *const node = join_at(1);

    enter();
    assert_true(waiters_wake_first(&list));
    let_go();
    assert_int_equal(state_of(node), WAITER_WOKEN);
    return node;
}

static void
give_to_the_napper(void)
{
    enter();
    assert_int_equal(state_of(sleeper), WAITER_NAPPING);
    assert_true(waiters_one_naps(&list));
    assert_true(waiters_token_out(&list));
    assert_true(waiters_grant(&list, sleeper, &slot));
    assert_false(waiters_token_out(&list));
    let_go();
}

static void
something_rests_that_nobody_takes(void)
{
    enter();
    assert_false(waiters_wake_first(&list)); /* a wake is in flight already */
    let_go();
}

static void
who_naps_is_woken_by_what_it_is_given_and_the_token_is_back(void **state)
{
    (void)state;
    sleeper = join_woken();
    kit.naps[0] = give_to_the_napper;
    assert_int_equal(waiter_nap(&list, sleeper, CLOCK_NEVER), WAITER_GRANTED);
    assert_int_equal(kit.woke, 1);
    assert_ptr_equal(sleeper->slot, &slot);
    assert_false(waiters_one_naps(&list));
}

static void
a_nap_ends_when_something_rests_that_nobody_takes(void **state)
{
    (void)state;
    sleeper = join_woken();
    kit.naps[0] = something_rests_that_nobody_takes;
    assert_int_equal(waiter_nap(&list, sleeper, CLOCK_NEVER), WAITER_WOKEN);
    assert_int_equal(kit.woke, 1);
    assert_true(waiters_token_out(&list));
}

static void
a_nap_ends_at_its_time_and_the_token_is_still_out(void **state)
{
    const int64_t end = KIT_START_NS + KIT_MS;

    (void)state;
    sleeper = join_woken();
    assert_int_equal(waiter_nap(&list, sleeper, end), WAITER_WOKEN);
    assert_int_equal(kit.now_ns, end);
    assert_true(waiters_token_out(&list));
    assert_true(waiter_leave(&list, sleeper));
    assert_false(waiters_token_out(&list));
}

static void
who_was_given_something_does_not_nap(void **state)
{
    (void)state;
    sleeper = join_woken();
    enter();
    assert_true(waiters_grant(&list, sleeper, &slot));
    let_go();
    assert_int_equal(waiter_nap(&list, sleeper, CLOCK_NEVER), WAITER_GRANTED);
    assert_int_equal(kit.slept, 0);
}

static void
naps_grow_while_wakes_are_for_nothing_and_shrink_when_one_is_not(void **state)
{
    (void)state;
    assert_int_equal(waiters_count_futile(&list), 0);
    assert_int_equal(waiters_count_futile(&list), NAP_SHORTEST_NS);
    assert_int_equal(waiters_count_futile(&list), 2 * NAP_SHORTEST_NS);
    for (int i = 0; i < 9; i++) {
        (void)waiters_count_futile(&list);
    }
    assert_int_equal(waiters_count_futile(&list), NAP_LONGEST_NS);
    assert_int_equal(NAP_LONGEST_NS, KIT_MS);
    waiters_count_useful(&list);
    assert_in_range(waiters_count_futile(&list), 1, NAP_LONGEST_NS / 4);
    for (int i = 0; i < 3; i++) {
        waiters_count_useful(&list);
    }
    assert_int_equal(waiters_count_futile(&list), 0);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, list_begin, list_end)
    const struct CMUnitTest tests[] = {
        TEST(one_wake_is_in_flight_at_a_time_and_goes_to_the_first),
        TEST(a_woken_loser_keeps_its_place_and_is_woken_again),
        TEST(who_leaves_while_woken_takes_the_token_back),
        TEST(what_is_given_to_a_woken_waiter_takes_the_token_back),
        TEST(what_is_given_to_another_leaves_the_token_where_it_is),
        TEST(a_wake_skips_who_left_and_is_no_wake_when_nobody_is_there),
        TEST(who_wants_a_new_session_only_is_not_woken_for_one_that_rests),
        TEST(a_sleeper_is_woken_by_what_it_is_given),
        TEST(a_sleeper_is_woken_to_come_and_look),
        TEST(who_does_not_sleep_costs_no_system_call),
        TEST(spurious_wakes_are_slept_through),
        TEST(a_sleep_ends_at_its_deadline_and_leaves_the_waiter_awake),
        TEST(who_naps_is_woken_by_what_it_is_given_and_the_token_is_back),
        TEST(a_nap_ends_when_something_rests_that_nobody_takes),
        TEST(a_nap_ends_at_its_time_and_the_token_is_still_out),
        TEST(who_was_given_something_does_not_nap),
        TEST(naps_grow_while_wakes_are_for_nothing_and_shrink_when_one_is_not),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
