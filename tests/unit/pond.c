/* SPDX-License-Identifier: MIT */
/* Goal: sessions go to whom the pond's rules say. */
/* Method: borrow, wait and give back with a clock and a bed of our own; what
 * happens while somebody sleeps is scripted. */
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

/* --- taking and putting ---------------------------------------------- */

static void
what_was_put_back_is_taken_again(void **state)
{
    (void)state;
    begin_with(2, KIT_MS);
    assert_null(kit_take());
    lent = kit_lease();
    assert_null(kit_take());
    pond_put(&kit.pond, lent);
    kit_audit();
    assert_int_equal(kit_gauges().idle, 1);
    assert_ptr_equal(kit_take(), lent);
    assert_int_equal(kit_gauges().leased, 1);
    pond_put(&kit.pond, lent);
    kit_end();
}

static void
a_ticket_is_claimed_once_and_one_beyond_the_slots_never(void **state)
{
    (void)state;
    begin_with(2, KIT_MS);
    lent = kit_lease();
    const uint64_t ticket =
        pond_lend(&kit.pond, lent, __FILE__, __LINE__, 1, 0);
    assert_ptr_equal(pond_find(&kit.pond, ticket), lent);
    assert_null(pond_claim(&kit.pond, ticket | SLOT_INDEX_MASK));
    assert_null(pond_claim(&kit.pond, (ticket & ~SLOT_INDEX_MASK) | 2));
    assert_null(pond_claim(&kit.pond, 0));
    assert_ptr_equal(pond_claim(&kit.pond, ticket), lent);
    assert_null(pond_claim(&kit.pond, ticket));
    assert_null(pond_find(&kit.pond, ticket));
    pond_put(&kit.pond, lent);
    kit_end();
}

static void
a_retired_slot_is_vacant_once_the_keeper_is_done(void **state)
{
    (void)state;
    begin_with(1, KIT_MS);
    lent = kit_lease();
    pond_retire(&kit.pond, lent);
    assert_int_equal(kit.retired, 1);
    assert_int_equal(kit_gauges().retiring, 1);
    assert_null(pond_order_own(&kit.pond, UINT32_MAX));
    assert_ptr_equal(pond_next_retiree(&kit.pond), lent);
    assert_null(pond_next_retiree(&kit.pond));
    pond_vacate(&kit.pond, lent);
    kit_audit();
    pond_put(&kit.pond, kit_lease());
    kit_end();
}

/* --- who gets it ----------------------------------------------------- */

static void
young_waiters_race_with_who_just_comes_and_lose_politely(void **state)
{
    (void)state;
    begin_with(1, KIT_MS);
    lent = kit_lease();
    assert_int_equal(kit_join(&a, CLOCK_NEVER), POND_SLOT);
    assert_int_equal(kit_join(&b, CLOCK_NEVER), POND_SLOT);
    pond_put(&kit.pond, lent);
    assert_int_equal(kit_state(&a), WAITER_WOKEN);
    assert_ptr_equal(kit_take(), lent); /* somebody who did not wait */
    kit.naps[0] = put_lent;
    assert_ptr_equal(served(&a), lent); /* lost, slept, was woken again */
    assert_int_equal(kit.slept, 1);
    assert_int_equal(kit_state(&b), WAITER_AWAKE);
    pond_put(&kit.pond, lent);
    assert_ptr_equal(served(&b), lent);
    pond_put(&kit.pond, lent);
    kit_expect_quiet();
    kit_end();
}

/* The put comes while the loser still has the token: nobody else is woken for
 * it, so the loser must look again when the token is back. */
static void
what_comes_back_behind_a_losers_back_is_seen_by_its_second_look(void **state)
{
    (void)state;
    begin_with(1, INT64_MAX);
    lent = kit_lease();
    assert_int_equal(kit_join(&a, CLOCK_NEVER), POND_SLOT);
    pond_put(&kit.pond, lent);
    assert_ptr_equal(kit_take(), lent);
    kit_cut(0, "waiters.clear_token", 1, put_lent);
    assert_ptr_equal(served(&a), lent);
    assert_true(kit_uncut());
    assert_int_equal(kit.slept, 0);
    pond_put(&kit.pond, lent);
    kit_expect_quiet();
    kit_end();
}

static void
an_old_waiter_is_handed_the_session_itself_first_come_first_served(void **state)
{
    (void)state;
    begin_with(1, KIT_MS);
    lent = kit_lease();
    assert_int_equal(kit_join(&a, CLOCK_NEVER), POND_SLOT);
    assert_int_equal(kit_join(&b, CLOCK_NEVER), POND_SLOT);
    kit.now_ns += KIT_MS;
    pond_put(&kit.pond, lent);
    assert_int_equal(kit_state(&a), WAITER_GRANTED);
    assert_int_equal(kit_state(&b), WAITER_AWAKE);
    assert_null(kit_take());
    assert_ptr_equal(served(&a), lent);
    pond_put(&kit.pond, lent);
    assert_int_equal(kit_state(&b), WAITER_GRANTED);
    assert_ptr_equal(served(&b), lent);
    pond_put(&kit.pond, lent);
    kit_end();
}

static void
who_becomes_old_beside_a_resting_session_gets_it_at_the_next_look(void **state)
{
    (void)state;
    begin_with(1, KIT_MS);
    lent = kit_lease();
    assert_int_equal(kit_join(&a, CLOCK_NEVER), POND_SLOT);
    pond_put(&kit.pond, lent); /* a is WOKEN, and its thread does not run */
    kit.now_ns += KIT_MS;
    pond_look(&kit.pond);
    assert_int_equal(kit_state(&a), WAITER_GRANTED);
    assert_false(waiters_token_out(&kit.pond.waiters));
    pond_put(&kit.pond, served(&a));
    kit_end();
}

static void
in_strict_order_nobody_passes_those_who_wait(void **state)
{
    (void)state;
    begin_with(1, 0);
    lent = kit_lease();
    assert_int_equal(kit_join(&a, CLOCK_NEVER), POND_SLOT);
    assert_int_equal(kit_join(&b, CLOCK_NEVER), POND_SLOT);
    pond_put(&kit.pond, lent);
    assert_int_equal(kit_state(&a), WAITER_GRANTED);
    assert_null(kit_take());
    pond_put(&kit.pond, served(&a));
    assert_int_equal(kit_state(&b), WAITER_GRANTED);
    pond_put(&kit.pond, served(&b));
    assert_ptr_equal(kit_take(), lent); /* nobody waits: free to take */
    pond_put(&kit.pond, lent);
    kit_end();
}

static void
in_strict_order_a_newcomer_leaves_what_rests_to_a_waiter(void **state)
{
    (void)state;
    begin_with(1, 0);
    kit_rest(1);
    pond_raise(&kit.pond, POND_SUSPENDED); /* so that one waits beside it */
    assert_int_equal(kit_join(&a, CLOCK_NEVER), POND_SLOT);
    /* Lowered, and the look has not come yet. */
    (void)order_and_seq_u64(&kit.pond.waiters.front, ~POND_SUSPENDED);
    assert_null(kit_take());
    pond_look(&kit.pond);
    pond_put(&kit.pond, served(&a));
    kit_end();
}

static void
when_never_handed_off_even_the_oldest_is_only_woken(void **state)
{
    (void)state;
    begin_with(1, INT64_MAX);
    lent = kit_lease();
    assert_int_equal(kit_join(&a, CLOCK_NEVER), POND_SLOT);
    kit.now_ns += KIT_LONG_NS;
    pond_put(&kit.pond, lent);
    assert_int_equal(kit_state(&a), WAITER_WOKEN);
    assert_ptr_equal(kit_take(), lent);
    kit.naps[0] = put_lent;
    pond_put(&kit.pond, served(&a));
    kit_end();
}

static void
a_new_session_goes_to_who_waits_whatever_its_age(void **state)
{
    (void)state;
    begin_with(1, INT64_MAX);
    assert_int_equal(kit_join(&a, CLOCK_NEVER), POND_SLOT);
    kit_open_orders();
    assert_int_equal(kit_state(&a), WAITER_GRANTED);
    pond_put(&kit.pond, served(&a));
    kit_end();
}

static void
who_was_handed_a_dead_session_is_first_again(void **state)
{
    (void)state;
    begin_with(1, 0);
    lent = kit_lease();
    assert_int_equal(kit_join(&a, CLOCK_NEVER), POND_SLOT);
    kit.now_ns += KIT_MS;
    assert_int_equal(kit_join(&b, CLOCK_NEVER), POND_SLOT);
    pond_put(&kit.pond, lent);
    lent = served(&a);
    /* It is dead: a comes back with its old time. */
    c.wish = (struct waiter_wish){a.wish.since_ns, true, false};
    c.deadline_ns = CLOCK_NEVER;
    assert_int_equal(pond_join(&kit.pond, &c), POND_SLOT);
    pond_put(&kit.pond, lent);
    assert_int_equal(kit_state(&c), WAITER_GRANTED);
    assert_int_equal(kit_state(&b), WAITER_AWAKE);
    pond_put(&kit.pond, served(&c));
    pond_put(&kit.pond, served(&b));
    kit_end();
}

/* --- who wants a new one only ---------------------------------------- */

static void
who_wants_a_new_one_is_not_given_a_used_one_and_others_are(void **state)
{
    (void)state;
    begin_with(1, 0);
    lent = kit_lease();
    a.wish.only_new = true;
    assert_int_equal(kit_join(&a, KIT_MS), POND_SLOT);
    assert_int_equal(kit_join(&b, CLOCK_NEVER), POND_SLOT);
    pond_put(&kit.pond, lent);
    assert_int_equal(kit_state(&b), WAITER_GRANTED);
    pond_put(&kit.pond, served(&b));
    assert_int_equal(kit_gauges().idle, 1);
    assert_int_equal(pond_await(&kit.pond, &a), POND_TIMED_OUT);
    kit_end();
}

static void
an_idle_session_does_not_stop_the_order_for_who_wants_a_new_one(void **state)
{
    (void)state;
    begin_with(2, KIT_MS);
    kit_rest(1);
    a.wish.only_new = true;
    assert_int_equal(kit_join(&a, CLOCK_NEVER), POND_SLOT);
    assert_int_equal(kit.ordered, 1);
    kit_open_orders();
    pond_put(&kit.pond, served(&a));
    kit_end();
}

static void
who_waits_for_a_new_one_beside_idle_ones_needs_no_rescue(void **state)
{
    struct pond_stuck stuck = {0};

    (void)state;
    begin_with(1, KIT_MS);
    kit_rest(1);
    a.wish.only_new = true;
    assert_int_equal(kit_join(&a, KIT_LONG_NS), POND_SLOT);
    for (int i = 0; i < 3; i++) {
        kit.now_ns += POND_STUCK_NS;
        assert_false(pond_rescue(&kit.pond, &stuck));
    }
    assert_int_equal(pond_await(&kit.pond, &a), POND_TIMED_OUT);
    kit_end();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_back_is_taken_again),
        cmocka_unit_test(
            a_ticket_is_claimed_once_and_one_beyond_the_slots_never),
        cmocka_unit_test(a_retired_slot_is_vacant_once_the_keeper_is_done),
        cmocka_unit_test(
            young_waiters_race_with_who_just_comes_and_lose_politely),
        cmocka_unit_test(
            what_comes_back_behind_a_losers_back_is_seen_by_its_second_look),
        cmocka_unit_test(
            an_old_waiter_is_handed_the_session_itself_first_come_first_served),
        cmocka_unit_test(
            who_becomes_old_beside_a_resting_session_gets_it_at_the_next_look),
        cmocka_unit_test(in_strict_order_nobody_passes_those_who_wait),
        cmocka_unit_test(
            in_strict_order_a_newcomer_leaves_what_rests_to_a_waiter),
        cmocka_unit_test(when_never_handed_off_even_the_oldest_is_only_woken),
        cmocka_unit_test(a_new_session_goes_to_who_waits_whatever_its_age),
        cmocka_unit_test(who_was_handed_a_dead_session_is_first_again),
        cmocka_unit_test(
            who_wants_a_new_one_is_not_given_a_used_one_and_others_are),
        cmocka_unit_test(
            an_idle_session_does_not_stop_the_order_for_who_wants_a_new_one),
        cmocka_unit_test(
            who_waits_for_a_new_one_beside_idle_ones_needs_no_rescue),
    };

    race_hook(kit_hook, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
