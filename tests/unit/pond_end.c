/* SPDX-License-Identifier: MIT */
/* Goal: waits end in time, a suspended or closing pond gives nothing. */
/* Method: let waits expire and be refused, raise the flags before, after and in
 * the middle of a take, and drain. */
#include "fixture/pond_kit.h"

static struct pond_wait a, b, c;
static struct slot *lent;

static void
begin_with(uint32_t maxsize, int64_t handoff_ns)
{
    struct pond_plan plan = kit_plan(maxsize, maxsize);

    plan.handoff_ns = handoff_ns;
    memset(&a, 0, sizeof a);
    memset(&b, 0, sizeof b);
    memset(&c, 0, sizeof c);
    kit_begin(&plan);
}

static void
put_lent(void)
{
    pond_put(&kit.pond, lent);
}

/* A waiter's end that is there already, or comes in the scripted sleep. */
static struct slot *
served(struct pond_wait *wait)
{
    assert_int_equal(pond_await(&kit.pond, wait), POND_SLOT);
    assert_int_equal(slot_state_of(slot_peek(wait->slot)), SLOT_LEASED);
    wait->slot->loans_before--; /* one loan more */
    return wait->slot;
}

/* --- waits that end otherwise ---------------------------------------- */

static void
a_wait_ends_at_its_deadline_and_leaves_nothing_behind(void **state)
{
    (void)state;
    begin_with(1, KIT_MS);
    lent = kit_lease();
    assert_int_equal(kit_join(&a, 7 * KIT_MS), POND_SLOT);
    assert_int_equal(pond_await(&kit.pond, &a), POND_TIMED_OUT);
    assert_int_equal(kit.now_ns, KIT_START_NS + 7 * KIT_MS);
    kit_expect_quiet();
    pond_put(&kit.pond, lent);
    assert_ptr_equal(kit_take(), lent);
    pond_put(&kit.pond, lent);
    kit_end();
}

static void
the_longest_burst_and_deadline_do_not_overflow_the_clock(void **state)
{
    struct pond_plan plan = kit_plan(1, 2);

    (void)state;
    plan.burst_ns = INT64_MAX - 1;
    memset(&a, 0, sizeof a);
    kit_begin(&plan);
    lent = kit_lease();
    assert_int_equal(kit_join(&a, KIT_MS), POND_SLOT);
    assert_int_equal(pond_await(&kit.pond, &a), POND_TIMED_OUT);
    assert_int_equal(kit.ordered, 0); /* never in a hurry */
    pond_put(&kit.pond, lent);
    kit_end();
}

static void
too_many_waiters_are_turned_away_at_once(void **state)
{
    struct pond_plan plan = kit_plan(1, 1);

    (void)state;
    plan.sizes.waiters_max = 1;
    memset(&a, 0, sizeof a);
    memset(&b, 0, sizeof b);
    kit_begin(&plan);
    lent = kit_lease();
    assert_int_equal(kit_join(&a, CLOCK_NEVER), POND_SLOT);
    assert_int_equal(kit_join(&b, CLOCK_NEVER), POND_FULL);
    assert_int_equal(kit_gauges().waiters, 1);
    kit.naps[0] = put_lent;
    pond_put(&kit.pond, served(&a));
    kit_end();
}

static void
without_memory_for_a_node_nobody_joins(void **state)
{
    (void)state;
    begin_with(1, KIT_MS);
    fault_arm(FAULT_ALLOC, 1, false);
    assert_int_equal(kit_join(&a, CLOCK_NEVER), POND_NO_MEMORY);
    fault_arm(FAULT_ALLOC, 0, false);
    kit_expect_quiet();
    kit_end();
}

static void
a_pond_without_memory_is_not_made(void **state)
{
    const struct pond_plan plan = kit_plan(2, 2);

    (void)state;
    for (uint32_t nth = 1; nth <= 2; nth++) {
        kit_reset();
        fault_arm(FAULT_ALLOC, nth, false);
        assert_false(pond_init(&kit.pond, &plan));
        fault_arm(FAULT_ALLOC, 0, false);
    }
    kit_begin(&plan);
    kit_end();
}

/* --- suspended and closing ------------------------------------------- */

static void
a_suspended_pond_gives_nothing_until_it_is_resumed(void **state)
{
    (void)state;
    begin_with(1, KIT_MS);
    kit_rest(1);
    pond_raise(&kit.pond, POND_SUSPENDED);
    assert_true(pond_has(&kit.pond, POND_SUSPENDED));
    assert_null(kit_take());
    assert_int_equal(kit_join(&a, KIT_MS), POND_SLOT);
    assert_int_equal(pond_await(&kit.pond, &a), POND_TIMED_OUT);
    assert_int_equal(kit_join(&b, CLOCK_NEVER), POND_SLOT);
    assert_int_equal(kit_state(&b), WAITER_AWAKE);
    pond_lower(&kit.pond, POND_SUSPENDED);
    lent = served(&b);
    pond_raise(&kit.pond, POND_SUSPENDED);
    pond_put(&kit.pond, lent); /* a return is always welcome */
    assert_int_equal(kit_gauges().idle, 1);
    kit_end();
}

static void
who_was_woken_before_a_suspend_takes_nothing_after_it(void **state)
{
    (void)state;
    begin_with(1, INT64_MAX);
    lent = kit_lease();
    assert_int_equal(kit_join(&a, KIT_MS), POND_SLOT);
    pond_put(&kit.pond, lent);
    assert_int_equal(kit_state(&a), WAITER_WOKEN);
    pond_raise(&kit.pond, POND_SUSPENDED);
    assert_int_equal(pond_await(&kit.pond, &a), POND_TIMED_OUT);
    assert_int_equal(kit_gauges().idle, 1);
    pond_lower(&kit.pond, POND_SUSPENDED);
    kit_expect_quiet();
    assert_ptr_equal(kit_take(), lent);
    pond_put(&kit.pond, lent);
    kit_end();
}

static void
close_pond(void)
{
    pond_raise(&kit.pond, POND_CLOSING);
}

static void
a_take_that_a_close_overtakes_gives_the_session_back(void **state)
{
    (void)state;
    begin_with(1, KIT_MS);
    kit_rest(1);
    kit_cut(0, "pond.taken", 1, close_pond);
    assert_null(kit_take());
    assert_true(kit_uncut());
    assert_int_equal(kit_gauges().idle, 1);
    kit_end();
}

static void
an_order_that_a_close_overtakes_gives_its_place_back(void **state)
{
    (void)state;
    begin_with(1, KIT_MS);
    kit_cut(0, "pond.window", 1, close_pond);
    assert_null(pond_order_own(&kit.pond, UINT32_MAX));
    assert_true(kit_uncut());
    assert_true(pond_is_drained(&kit.pond));
    kit_end();
}

static void
resume_pond(void)
{
    pond_lower(&kit.pond, POND_SUSPENDED);
    assert_int_equal(kit_state(&a), WAITER_AWAKE); /* nothing rests */
}

static void
suspend_and_join(void)
{
    pond_raise(&kit.pond, POND_SUSPENDED);
    assert_int_equal(kit_join(&a, CLOCK_NEVER), POND_SLOT);
    kit_cut(0, "idle.put", 1, resume_pond);
}

/* The resume finds nothing at rest: it is in the hands of one who gives it
 * back because of the suspend that is over by then. */
static void
what_a_suspend_makes_a_taker_give_back_goes_to_who_waits(void **state)
{
    (void)state;
    begin_with(1, KIT_MS);
    kit_rest(1);
    kit_cut(0, "pond.taken", 1, suspend_and_join);
    assert_null(kit_take());
    assert_int_equal(kit.cuts_made, 2);
    assert_int_equal(kit_state(&a), WAITER_WOKEN);
    pond_put(&kit.pond, served(&a));
    kit_expect_quiet();
    kit_end();
}

static void
a_closing_pond_refuses_all_and_rings_for_what_comes_home(void **state)
{
    (void)state;
    begin_with(2, 0);
    lent = kit_lease();
    struct slot *const other = kit_lease();
    assert_int_equal(kit_join(&a, CLOCK_NEVER), POND_SLOT);
    close_pond();
    assert_int_equal(kit_join(&b, CLOCK_NEVER), POND_SHUT);
    assert_int_equal(pond_await(&kit.pond, &a), POND_SHUT);
    assert_false(pond_is_drained(&kit.pond));
    uint32_t rings = kit.shutting;
    pond_put(&kit.pond, lent);
    assert_true(kit.shutting > rings);
    rings = kit.shutting;
    pond_forsake(&kit.pond, other);
    assert_true(kit.shutting > rings);
    assert_null(kit_take());
    assert_false(pond_order(&kit.pond, UINT32_MAX));
    assert_false(pond_is_drained(&kit.pond));
    assert_ptr_equal(pond_drain(&kit.pond), lent);
    assert_null(pond_drain(&kit.pond));
    rings = kit.shutting;
    pond_retire(&kit.pond, lent);
    pond_vacate(&kit.pond, pond_next_retiree(&kit.pond));
    assert_true(kit.shutting > rings);
    assert_true(pond_is_drained(&kit.pond));
    kit_end();
}

static void
a_pond_is_not_drained_while_a_waiters_node_is_out(void **state)
{
    (void)state;
    begin_with(1, 0);
    lent = kit_lease();
    assert_int_equal(kit_join(&a, CLOCK_NEVER), POND_SLOT);
    pond_forsake(&kit.pond, lent);
    pond_open_failed(&kit.pond, pond_next_order(&kit.pond));
    close_pond();
    struct slot *const slot = pond_next_order(&kit.pond);
    if (slot != NULL) {
        pond_open_failed(&kit.pond, slot);
    }
    assert_int_equal(quota_look(&kit.pond.quota).taken, 0);
    assert_false(pond_is_drained(&kit.pond));
    const uint32_t rings = kit.shutting;
    assert_int_equal(pond_await(&kit.pond, &a), POND_SHUT);
    assert_true(kit.shutting > rings);
    assert_true(pond_is_drained(&kit.pond));
    kit_end();
}

static void
a_pond_is_not_drained_while_a_guest_is_in_it(void **state)
{
    (void)state;
    begin_with(1, KIT_MS);
    pond_guest_comes(&kit.pond);
    close_pond();
    assert_false(pond_is_drained(&kit.pond));
    const uint32_t rings = kit.shutting;
    pond_guest_goes(&kit.pond);
    assert_int_equal(kit.shutting, rings + 1);
    assert_true(pond_is_drained(&kit.pond));
    kit_end();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wait_ends_at_its_deadline_and_leaves_nothing_behind),
        cmocka_unit_test(
            the_longest_burst_and_deadline_do_not_overflow_the_clock),
        cmocka_unit_test(too_many_waiters_are_turned_away_at_once),
        cmocka_unit_test(without_memory_for_a_node_nobody_joins),
        cmocka_unit_test(a_pond_without_memory_is_not_made),
        cmocka_unit_test(a_suspended_pond_gives_nothing_until_it_is_resumed),
        cmocka_unit_test(who_was_woken_before_a_suspend_takes_nothing_after_it),
        cmocka_unit_test(a_take_that_a_close_overtakes_gives_the_session_back),
        cmocka_unit_test(an_order_that_a_close_overtakes_gives_its_place_back),
        cmocka_unit_test(
            what_a_suspend_makes_a_taker_give_back_goes_to_who_waits),
        cmocka_unit_test(
            a_closing_pond_refuses_all_and_rings_for_what_comes_home),
        cmocka_unit_test(a_pond_is_not_drained_while_a_waiters_node_is_out),
        cmocka_unit_test(a_pond_is_not_drained_while_a_guest_is_in_it),
    };

    race_hook(kit_hook, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
