/* SPDX-License-Identifier: MIT */
/* Goal: the audit and the rescue see what is wrong, and only that. */
/* Method: look in every state of a slot, then plant each violation. */
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

/* A waiter's end that is there already, or comes in the scripted sleep. */
static struct slot *
served(struct pond_wait *wait)
{
    assert_int_equal(pond_await(&kit.pond, wait), POND_SLOT);
    assert_int_equal(slot_state_of(slot_peek(wait->slot)), SLOT_LEASED);
    wait->slot->loans_before--; /* one loan more */
    return wait->slot;
}

/* --- the audit and the rescue ---------------------------------------- */

static void
the_audit_holds_in_every_state_of_a_slot(void **state)
{
    (void)state;
    begin_with(2, 0);
    kit_audit();
    assert_true(pond_order(&kit.pond, UINT32_MAX));
    kit_audit();
    lent = pond_next_order(&kit.pond);
    kit_audit();
    slot_begin_uses(lent);
    pond_opened(&kit.pond, lent);
    kit_audit();
    assert_ptr_equal(kit_take(), lent);
    kit_audit();
    (void)kit_lease();
    assert_int_equal(kit_join(&a, CLOCK_NEVER), POND_SLOT);
    pond_put(&kit.pond, lent);
    assert_int_equal(slot_state_of(slot_peek(lent)), SLOT_HANDED);
    kit_audit();
    assert_int_equal(kit_gauges().leased, 2);
    lent = served(&a);
    pond_retire(&kit.pond, lent);
    kit_audit();
    pond_vacate(&kit.pond, pond_next_retiree(&kit.pond));
    kit_audit();
    pond_put(&kit.pond, extents_at(&kit.pond.slots, 1));
    kit_end();
}

static void
the_audit_sees_a_place_that_was_never_taken(void **state)
{
    char text[128];

    (void)state;
    begin_with(2, KIT_MS);
    lent = kit_lease();
    quota_return(&kit.pond.quota); /* planted: one place too few is taken */
    assert_non_null(strstr(pond_audit(&kit.pond, text, sizeof text), "I4"));
    assert_true(quota_reserve(&kit.pond.quota, UINT32_MAX));
    kit_audit();
    pond_put(&kit.pond, lent);
    kit_end();
}

static void
the_audit_sees_a_session_that_left_uncounted(void **state)
{
    char text[128];

    (void)state;
    begin_with(2, KIT_MS);
    pond_retire(&kit.pond, kit_lease());
    kit_audit();
    quota_left(&kit.pond.quota); /* planted: gone before it is hung up */
    assert_true(quota_reserve(&kit.pond.quota, UINT32_MAX));
    assert_non_null(strstr(pond_audit(&kit.pond, text, sizeof text), "I4"));
    quota_leave(&kit.pond.quota);
    kit_audit();
    kit_end();
}

static void
the_audit_sees_more_places_taken_than_there_are(void **state)
{
    char text[128];

    (void)state;
    begin_with(1, KIT_MS);
    quota_set_limit(&kit.pond.quota, 2); /* planted: a place without a slot */
    assert_true(quota_reserve(&kit.pond.quota, UINT32_MAX));
    assert_true(quota_reserve(&kit.pond.quota, UINT32_MAX));
    quota_set_limit(&kit.pond.quota, 1);
    assert_non_null(strstr(pond_audit(&kit.pond, text, sizeof text), "I1"));
    quota_return(&kit.pond.quota);
    quota_return(&kit.pond.quota);
    kit_end();
}

/* It looks the same, but a pass went by between the two looks: it may have seen
 * to one, and this be another. */
static void
the_rescue_waits_anew_after_each_pass(void **state)
{
    struct pond_stuck stuck = {0};

    (void)state;
    begin_with(1, INT64_MAX);
    lent = kit_lease();
    assert_int_equal(kit_join(&a, CLOCK_NEVER), POND_SLOT);
    slot_rest(lent); /* planted: put, no look */
    idle_put(&kit.pond.idle, lent);
    assert_false(pond_rescue(&kit.pond, &stuck));
    kit.now_ns += POND_STUCK_NS;
    order_bump_owned_u64(&kit.pond.waiters.passes, 1);
    assert_false(pond_rescue(&kit.pond, &stuck));
    kit.now_ns += POND_STUCK_NS - 1;
    assert_false(pond_rescue(&kit.pond, &stuck));
    assert_int_equal(kit_state(&a), WAITER_AWAKE);
    kit.now_ns++;
    assert_true(pond_rescue(&kit.pond, &stuck));
    pond_put(&kit.pond, served(&a));
    kit_end();
}

static void
the_rescue_finds_a_lost_wake_up_and_only_that(void **state)
{
    struct pond_stuck stuck = {0};

    (void)state;
    begin_with(1, INT64_MAX);
    assert_false(pond_rescue(&kit.pond, &stuck));
    lent = kit_lease();
    assert_int_equal(kit_join(&a, CLOCK_NEVER), POND_SLOT);
    assert_false(pond_rescue(&kit.pond, &stuck));
    assert_false(pond_rescue(&kit.pond, &stuck)); /* nothing rests */
    slot_rest(lent);                              /* planted: put, no look */
    idle_put(&kit.pond.idle, lent);
    assert_false(pond_rescue(&kit.pond, &stuck));
    kit.now_ns += POND_STUCK_NS - 1;
    assert_false(pond_rescue(&kit.pond, &stuck)); /* may be on its way */
    assert_int_equal(kit_state(&a), WAITER_AWAKE);
    kit.now_ns++;
    assert_true(pond_rescue(&kit.pond, &stuck));
    assert_int_equal(kit_state(&a), WAITER_WOKEN);
    assert_int_equal(tally_read(&kit.pond.tallies.rescues), 1);
    assert_false(pond_rescue(&kit.pond, &stuck));
    assert_false(pond_rescue(&kit.pond, &stuck)); /* a wake is in flight */
    pond_put(&kit.pond, served(&a));
    kit_end();
}

static void
the_looks_for_who_is_stuck_get_rarer_while_nobody_is(void **state)
{
    struct pond_stuck stuck = {0};
    int64_t pause_ns;

    (void)state;
    begin_with(1, INT64_MAX);
    lent = kit_lease();
    assert_int_equal(kit_join(&a, CLOCK_NEVER), POND_SLOT);
    assert_false(pond_rescue(&kit.pond, &stuck));
    pause_ns = stuck.pause_ns;
    assert_in_range(pause_ns, 1, 20 * KIT_MS);
    for (int i = 0; i < 12; i++) {
        assert_false(pond_rescue(&kit.pond, &stuck));
        assert_in_range(stuck.pause_ns, pause_ns, 2 * pause_ns);
        pause_ns = stuck.pause_ns;
    }
    assert_int_equal(pause_ns, 500 * KIT_MS);
    slot_rest(lent); /* planted: put, no look */
    idle_put(&kit.pond.idle, lent);
    assert_false(pond_rescue(&kit.pond, &stuck));
    assert_int_equal(stuck.pause_ns, POND_STUCK_NS);
    kit.now_ns += stuck.pause_ns;
    assert_true(pond_rescue(&kit.pond, &stuck));
    pond_put(&kit.pond, served(&a));
    assert_false(pond_rescue(&kit.pond, &stuck));
    assert_in_range(stuck.pause_ns, 1, 20 * KIT_MS);
    kit_end();
}

/* --- the gauges --------------------------------------------------------- */

static void
one_is_opened_and_one_is_ordered(void)
{
    kit_open_orders();
    assert_true(pond_order(&kit.pond, UINT32_MAX));
}

static void
no_more_are_told_as_opening_than_may_be(void **state)
{
    struct pond_plan plan = kit_plan(2, 2);
    struct pond_gauges gauges;

    (void)state;
    plan.window = 1;
    kit_begin(&plan);
    assert_true(pond_order(&kit.pond, UINT32_MAX));
    kit_cut(0, "slot.loans_seen", 1, one_is_opened_and_one_is_ordered);
    pond_gauge(&kit.pond, &gauges);
    assert_true(kit_uncut());
    assert_int_equal(gauges.opening, 1);
    kit_open_orders();
    kit_expect_quiet();
    kit_end();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_audit_holds_in_every_state_of_a_slot),
        cmocka_unit_test(the_audit_sees_a_place_that_was_never_taken),
        cmocka_unit_test(the_audit_sees_more_places_taken_than_there_are),
        cmocka_unit_test(the_audit_sees_a_session_that_left_uncounted),
        cmocka_unit_test(the_rescue_finds_a_lost_wake_up_and_only_that),
        cmocka_unit_test(the_looks_for_who_is_stuck_get_rarer_while_nobody_is),
        cmocka_unit_test(the_rescue_waits_anew_after_each_pass),
        cmocka_unit_test(no_more_are_told_as_opening_than_may_be),
    };

    race_hook(kit_hook, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
