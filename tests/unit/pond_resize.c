/* SPDX-License-Identifier: MIT */
/* Goal: a pond that grows serves who waits, and one that shrinks lets exactly
 * as many go as are too many, wherever they are. */
/* Method: resize with slots in each of their places; the audit looks on. */
#include "fixture/pond_kit.h"

static struct pond_wait waits[4];
static struct slot *leased[8];

static void
begin_with(uint32_t size, uint32_t maxsize)
{
    struct pond_plan plan = kit_plan(size, maxsize);

    plan.burst_ns = 100 * KIT_MS;
    memset(waits, 0, sizeof waits);
    kit_begin(&plan);
}

static void
resize(uint32_t size, uint32_t maxsize)
{
    const struct pond_sizes sizes = {size, maxsize, UINT32_MAX};

    assert_true(pond_resize(&kit.pond, &sizes));
    kit_audit();
}

static void
lease(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        leased[i] = kit_lease();
    }
}

static void
join(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(kit_join(&waits[i], CLOCK_NEVER), POND_SLOT);
    }
}

static void
finish(uint32_t first, uint32_t count)
{
    for (uint32_t i = first; i < first + count; i++) {
        assert_int_equal(pond_await(&kit.pond, &waits[i]), POND_SLOT);
        waits[i].slot->loans_before--; /* one loan more */
        (void)pond_put(&kit.pond, waits[i].slot);
    }
}

static void
hang_up_all(void)
{
    struct slot *slot;

    while ((slot = pond_next_retiree(&kit.pond)) != NULL) {
        pond_vacate(&kit.pond, slot);
        kit_audit();
    }
}

static uint32_t
taken(void)
{
    return quota_look(&kit.pond.quota).taken;
}

static uint64_t
shrunk(void)
{
    return tally_read(&kit.pond.tallies.retired_shrink);
}

/* --- growing ----------------------------------------------------------------- */

static void
who_waits_has_an_order_when_the_pond_has_grown(void **state)
{
    (void)state;
    begin_with(1, 1);
    lease(1);
    join(3);
    assert_int_equal(kit.ordered, 0);
    resize(3, 3);
    assert_int_equal(kit.ordered, 2);
    kit_open_orders();
    finish(0, 3);
    (void)pond_put(&kit.pond, leased[0]);
    kit_expect_quiet();
    kit_end();
}

static void
a_ticket_of_any_extent_is_found(void **state)
{
    uint64_t tickets[8];

    (void)state;
    begin_with(1, 1);
    for (uint32_t i = 0; i < 8; i++) {
        resize(i + 1, i + 1);
        leased[i] = kit_lease();
        tickets[i] = pond_lend(&kit.pond, leased[i], __FILE__, __LINE__, 1, 0);
    }
    for (uint32_t i = 0; i < 8; i++) {
        assert_ptr_equal(pond_find(&kit.pond, tickets[i]), leased[i]);
        assert_ptr_equal(pond_claim(&kit.pond, tickets[i]), leased[i]);
        assert_null(pond_claim(&kit.pond, tickets[i]));
        (void)pond_put(&kit.pond, leased[i]);
    }
    assert_int_equal(kit_gauges().idle, 8);
    assert_int_equal(kit_gauges().loans, 8);
    kit_end();
}

static void
only_the_size_decides_who_has_to_wait_for_a_burst(void **state)
{
    (void)state;
    begin_with(1, 4);
    lease(1);
    join(1);
    assert_int_equal(kit.ordered, 0); /* that would be a burst */
    resize(2, 4);
    assert_int_equal(kit.ordered, 1);
    kit_open_orders();
    finish(0, 1);
    (void)pond_put(&kit.pond, leased[0]);
    kit_end();
}

static void
a_longer_line_is_allowed_at_once(void **state)
{
    const struct pond_sizes longer = {1, 1, 1};
    struct pond_plan plan = kit_plan(1, 1);

    (void)state;
    memset(waits, 0, sizeof waits);
    plan.sizes.waiters_max = 0;
    kit_begin(&plan);
    lease(1);
    assert_int_equal(kit_join(&waits[0], CLOCK_NEVER), POND_FULL);
    assert_true(pond_resize(&kit.pond, &longer));
    assert_int_equal(kit_join(&waits[0], CLOCK_NEVER), POND_SLOT);
    assert_int_equal(kit_join(&waits[1], CLOCK_NEVER), POND_FULL);
    kit.now_ns += 2 * KIT_MS;
    (void)pond_put(&kit.pond, leased[0]);
    finish(0, 1);
    kit_end();
}

static void
without_memory_nothing_has_changed(void **state)
{
    const struct pond_sizes sizes = {4, 4, 4};

    (void)state;
    begin_with(1, 2);
    for (uint32_t n = 1; n <= 2; n++) {
        fault_arm(FAULT_ALLOC, n, false);
        assert_false(pond_resize(&kit.pond, &sizes));
        fault_arm(FAULT_ALLOC, 0, false);
        assert_int_equal(pond_sizes(&kit.pond).size, 1);
        assert_int_equal(pond_sizes(&kit.pond).maxsize, 2);
        assert_int_equal(quota_look(&kit.pond.quota).limit, 2);
        assert_int_equal(pond_slot_count(&kit.pond), 2);
    }
    kit_end();
}

/* --- shrinking ----------------------------------------------------------------- */

static void
as_many_loans_go_at_their_return_as_are_too_many(void **state)
{
    (void)state;
    begin_with(4, 4);
    lease(4);
    resize(2, 2);
    assert_int_equal(taken(), 4);
    assert_false(pond_put(&kit.pond, leased[0]));
    assert_false(pond_put(&kit.pond, leased[1]));
    kit_audit();
    /* None of them is hung up yet, and the others may stay all the same. */
    assert_true(pond_put(&kit.pond, leased[2]));
    assert_true(pond_put(&kit.pond, leased[3]));
    kit_audit();
    assert_int_equal(kit_gauges().retiring, 2);
    assert_int_equal(kit.retired, 2);
    assert_int_equal(shrunk(), 2);
    hang_up_all();
    assert_int_equal(taken(), 2);
    assert_int_equal(kit_gauges().idle, 2);
    kit_end();
}

/* Those who wait get what stays; a return is not kept for them. */
static void
a_loan_goes_although_somebody_waits(void **state)
{
    (void)state;
    begin_with(2, 2);
    lease(2);
    join(1);
    kit.now_ns += 2 * KIT_MS;
    resize(1, 1);
    assert_false(pond_put(&kit.pond, leased[0]));
    hang_up_all();
    assert_int_equal(kit.ordered, 0);
    assert_true(pond_put(&kit.pond, leased[1]));
    finish(0, 1);
    kit_expect_quiet();
    kit_end();
}

static void
orders_that_nobody_began_are_taken_back(void **state)
{
    (void)state;
    begin_with(4, 4);
    join(4);
    assert_int_equal(kit_gauges().opening, 4);
    resize(1, 1);
    assert_int_equal(kit_gauges().opening, 1);
    assert_int_equal(taken(), 1);
    kit_open_orders();
    finish(0, 4);
    assert_int_equal(shrunk(), 0);
    kit_expect_quiet();
    kit_end();
}

/* Taken by an opener before the shrink, begun after it. */
static void
what_arrives_too_late_is_hung_up(void **state)
{
    (void)state;
    begin_with(3, 3);
    join(2);
    struct slot *const one = pond_next_order(&kit.pond);
    struct slot *const other = pond_next_order(&kit.pond);
    resize(1, 1);
    slot_begin_uses(one);
    slot_begin_uses(other);
    pond_opened(&kit.pond, one);
    assert_int_equal(slot_state_of(slot_peek(one)), SLOT_RETIRING);
    pond_opened(&kit.pond, other);
    assert_int_equal(shrunk(), 1);
    kit_audit();
    hang_up_all();
    finish(0, 2);
    assert_int_equal(kit_gauges().idle, 1);
    assert_int_equal(kit.ordered, 2);
    kit_expect_quiet();
    kit_end();
}

static void
who_opens_for_himself_is_told(void **state)
{
    (void)state;
    begin_with(2, 2);
    struct slot *const one = pond_order_own(&kit.pond, UINT32_MAX);
    struct slot *const other = pond_order_own(&kit.pond, UINT32_MAX);
    resize(1, 1);
    assert_false(pond_opened_own(&kit.pond, one));
    assert_true(pond_opened_own(&kit.pond, other));
    assert_int_equal(shrunk(), 1);
    (void)pond_put(&kit.pond, other);
    kit_end();
}

/* The keeper's part: one round lets all of the excess go, and no more. */
static void
what_rests_goes_when_the_keeper_looks(void **state)
{
    uint32_t gone = 0;
    struct slot *slot;

    (void)state;
    begin_with(6, 6);
    kit_rest(6);
    resize(2, 2);
    assert_true(pond_has_excess(&kit.pond));
    for (uint32_t i = 0; i < 6; i++) {
        slot = pond_sweep_take(&kit.pond, 0);
        assert_non_null(slot);
        gone += !pond_sweep_put(&kit.pond, slot, 0);
    }
    assert_int_equal(gone, 4);
    assert_false(pond_has_excess(&kit.pond));
    hang_up_all();
    assert_int_equal(kit_gauges().idle, 2);
    assert_int_equal(shrunk(), 4);
    kit_end();
}

static void
a_shrink_that_is_taken_back_costs_nobody(void **state)
{
    (void)state;
    begin_with(3, 3);
    lease(3);
    resize(1, 1);
    resize(3, 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_true(pond_put(&kit.pond, leased[i]));
    }
    assert_int_equal(shrunk(), 0);
    assert_int_equal(kit_gauges().idle, 3);
    kit_end();
}

static void
a_place_that_came_free_above_the_limit_is_nobodys(void **state)
{
    (void)state;
    begin_with(3, 3);
    lease(3);
    join(1);
    resize(1, 1);
    pond_forsake(&kit.pond, leased[0]);
    kit_audit();
    assert_int_equal(kit.ordered, 0);
    assert_int_equal(taken(), 2);
    pond_forsake(&kit.pond, leased[1]);
    assert_int_equal(kit.ordered, 0);
    pond_forsake(&kit.pond, leased[2]);
    assert_int_equal(kit.ordered, 1); /* the one below the new limit */
    kit_open_orders();
    finish(0, 1);
    kit_end();
}

/* Slots of a pond that shrank are used again before more are made. */
static void
growing_again_makes_no_more_slots(void **state)
{
    (void)state;
    begin_with(2, 2);
    resize(4, 4);
    resize(1, 1);
    resize(4, 4);
    assert_int_equal(pond_slot_count(&kit.pond), 4);
    lease(4);
    for (uint32_t i = 0; i < 4; i++) {
        assert_true(pond_put(&kit.pond, leased[i]));
    }
    kit_end();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_waits_has_an_order_when_the_pond_has_grown),
        cmocka_unit_test(a_ticket_of_any_extent_is_found),
        cmocka_unit_test(only_the_size_decides_who_has_to_wait_for_a_burst),
        cmocka_unit_test(a_longer_line_is_allowed_at_once),
        cmocka_unit_test(without_memory_nothing_has_changed),
        cmocka_unit_test(as_many_loans_go_at_their_return_as_are_too_many),
        cmocka_unit_test(a_loan_goes_although_somebody_waits),
        cmocka_unit_test(orders_that_nobody_began_are_taken_back),
        cmocka_unit_test(what_arrives_too_late_is_hung_up),
        cmocka_unit_test(who_opens_for_himself_is_told),
        cmocka_unit_test(what_rests_goes_when_the_keeper_looks),
        cmocka_unit_test(a_shrink_that_is_taken_back_costs_nobody),
        cmocka_unit_test(a_place_that_came_free_above_the_limit_is_nobodys),
        cmocka_unit_test(growing_again_makes_no_more_slots),
    };

    race_hook(kit_hook, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
