/* SPDX-License-Identifier: MIT */
/* Goal: sessions are ordered for who waits, within window, size and burst. */
/* Method: let borrowers join and get impatient, count orders, let opens fail
 * and succeed; the same where a waiter opens for itself. */
#include "fixture/pond_kit.h"

static struct pond_wait waits[4];

static void
begin_with(uint32_t size, uint32_t maxsize, uint32_t window)
{
    struct pond_plan plan = kit_plan(size, maxsize);

    plan.window = window;
    plan.burst_ns = 100 * KIT_MS;
    memset(waits, 0, sizeof waits);
    kit_begin(&plan);
}

static void
begin_self_service(uint32_t size, uint32_t maxsize, uint32_t window)
{
    begin_with(size, maxsize, window);
    kit.pond.plan.self_service = true;
}

static void
join(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(kit_join(&waits[i], CLOCK_NEVER), POND_SLOT);
    }
}

static void
finish(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(pond_await(&kit.pond, &waits[i]), POND_SLOT);
        waits[i].slot->loans_before--; /* one loan more */
        pond_put(&kit.pond, waits[i].slot);
    }
    kit_expect_quiet();
    kit_end();
}

static uint32_t
openings(void)
{
    return order_load_seq_u32(&kit.pond.openings);
}

/* --- with openers ---------------------------------------------------- */

static void
each_who_waits_has_one_order_and_not_more(void **state)
{
    (void)state;
    begin_with(4, 4, 9);
    join(2);
    assert_int_equal(kit.ordered, 2);
    pond_look(&kit.pond);
    assert_int_equal(kit.ordered, 2);
    assert_int_equal(kit_gauges().opening, 2);
    kit_open_orders();
    finish(2);
}

static void
without_a_wait_nothing_is_ordered(void **state)
{
    (void)state;
    begin_with(4, 4, 9);
    kit_rest(1);
    pond_look(&kit.pond);
    pond_put(&kit.pond, kit_take());
    assert_int_equal(kit.ordered, 0);
    kit_end();
}

static void
no_more_than_the_window_are_opened_at_once(void **state)
{
    (void)state;
    begin_with(4, 4, 2);
    join(3);
    assert_int_equal(kit.ordered, 2);
    assert_int_equal(openings(), 2);
    struct slot *const first = pond_next_order(&kit.pond);
    slot_begin_uses(first);
    pond_opened(&kit.pond, first); /* its place in the window is free again */
    assert_int_equal(kit.ordered, 3);
    assert_int_equal(openings(), 2);
    kit_open_orders();
    finish(3);
}

static void
a_wider_window_is_used_at_once(void **state)
{
    (void)state;
    begin_with(4, 4, 0);
    join(3);
    assert_int_equal(kit.ordered, 0);
    pond_set_window(&kit.pond, 2);
    assert_int_equal(kit.ordered, 2);
    pond_set_window(&kit.pond, 3);
    assert_int_equal(kit.ordered, 3);
    kit_open_orders();
    finish(3);
}

static void
an_order_that_fails_is_tried_again_while_somebody_waits(void **state)
{
    (void)state;
    begin_with(1, 1, 1);
    join(1);
    for (uint32_t i = 2; i < 6; i++) {
        pond_open_failed(&kit.pond, pond_next_order(&kit.pond));
        assert_int_equal(kit.ordered, i);
        kit_audit();
    }
    kit_open_orders();
    finish(1);
}

static void
an_order_that_fails_with_nobody_waiting_frees_its_place_for_good(void **state)
{
    (void)state;
    begin_with(1, 1, 1);
    assert_true(pond_order(&kit.pond, UINT32_MAX));
    assert_false(pond_order(&kit.pond, UINT32_MAX));
    pond_open_failed(&kit.pond, pond_next_order(&kit.pond));
    assert_null(pond_next_order(&kit.pond));
    assert_int_equal(openings(), 0);
    assert_int_equal(quota_look(&kit.pond.quota).taken, 0);
    assert_int_equal(kit.ordered, 1);
    kit_end();
}

static void
an_order_that_was_refused_by_the_quota_leaves_the_window_alone(void **state)
{
    (void)state;
    begin_with(1, 2, 2);
    assert_true(pond_order(&kit.pond, 1));
    assert_false(pond_order(&kit.pond, 1));
    assert_int_equal(openings(), 1);
    assert_true(pond_order(&kit.pond, 2));
    kit_open_orders();
    kit_end();
}

static void
one_joins_in_a_hurry(void)
{
    waits[0].wish = (struct waiter_wish){.since_ns = kit.now_ns};
    waits[0].deadline_ns = CLOCK_NEVER;
    assert_int_equal(pond_join(&kit.pond, &waits[0]), POND_SLOT);
    waiters_hurry(&kit.pond.waiters, waits[0].node);
    pond_serve(&kit.pond);
    assert_int_equal(kit.ordered, 0); /* the window seems full */
}

static void
a_window_place_that_was_held_for_nothing_is_no_loss_to_a_waiter(void **state)
{
    (void)state;
    begin_with(1, 2, 1);
    struct slot *const lent = kit_lease();
    kit_cut(0, "pond.window", 1, one_joins_in_a_hurry);
    assert_false(pond_order(&kit.pond, 1)); /* size is full */
    assert_true(kit_uncut());
    assert_int_equal(kit.ordered, 1);
    kit_open_orders();
    pond_put(&kit.pond, lent);
    finish(1);
}

/* --- size and burst -------------------------------------------------- */

static void
up_to_size_is_opened_at_once_and_beyond_only_for_the_impatient(void **state)
{
    (void)state;
    begin_with(1, 3, 9);
    join(2);
    assert_int_equal(kit.ordered, 1); /* the place below size */
    kit_open_orders();
    assert_int_equal(pond_await(&kit.pond, &waits[0]), POND_SLOT);
    assert_int_equal(kit.ordered, 1);
    /* The other sleeps until it may use the burst places. */
    const int64_t joined_ns = kit.now_ns;
    kit.naps[1] = kit_open_orders;
    assert_int_equal(pond_await(&kit.pond, &waits[1]), POND_SLOT);
    assert_int_equal(kit.now_ns, joined_ns + 100 * KIT_MS);
    assert_int_equal(kit.ordered, 2);
    assert_int_equal(kit_gauges().open, 2);
    pond_put(&kit.pond, waits[0].slot);
    pond_put(&kit.pond, waits[1].slot);
    kit_end();
}

static void
who_was_impatient_long_ago_is_impatient_at_once(void **state)
{
    (void)state;
    begin_with(1, 2, 9);
    struct slot *const lent = kit_lease();
    waits[0].wish = (struct waiter_wish){.since_ns = kit.now_ns - 200 * KIT_MS,
                                         .comes_back = true};
    waits[0].deadline_ns = CLOCK_NEVER;
    assert_int_equal(pond_join(&kit.pond, &waits[0]), POND_SLOT);
    kit.every_nap = kit_open_orders;
    assert_int_equal(pond_await(&kit.pond, &waits[0]), POND_SLOT);
    assert_int_equal(kit.now_ns, KIT_START_NS);
    pond_put(&kit.pond, waits[0].slot);
    pond_put(&kit.pond, lent);
    kit_end();
}

static void
one_in_a_hurry_has_one_order_beyond_size_and_maxsize_is_the_end(void **state)
{
    (void)state;
    begin_with(1, 2, 9);
    struct slot *const lent = kit_lease();
    join(3);
    assert_int_equal(kit.ordered, 0);
    waiters_hurry(&kit.pond.waiters, waits[0].node);
    pond_serve(&kit.pond);
    assert_int_equal(kit.ordered, 1);
    waiters_hurry(&kit.pond.waiters, waits[1].node);
    pond_serve(&kit.pond);
    assert_int_equal(kit.ordered, 1); /* two of two places are taken */
    kit_audit();
    kit_open_orders();
    pond_put(&kit.pond, lent);
    finish(3);
}

/* --- self-service ---------------------------------------------------- */

static void
the_first_in_line_is_let_open_it_itself(void **state)
{
    (void)state;
    begin_self_service(1, 1, 1);
    join(2);
    assert_int_equal(kit.ordered, 0);
    assert_int_equal(pond_await(&kit.pond, &waits[0]), POND_LEAVE);
    assert_int_equal(slot_state_of(slot_peek(waits[0].slot)), SLOT_OPENING);
    assert_int_equal(kit_state(&waits[1]), WAITER_AWAKE);
    kit_audit();
    pond_open_failed(&kit.pond, waits[0].slot); /* then the next may try */
    assert_int_equal(pond_await(&kit.pond, &waits[1]), POND_LEAVE);
    pond_opened_own(&kit.pond, waits[1].slot);
    assert_int_equal(slot_state_of(slot_peek(waits[1].slot)), SLOT_LEASED);
    assert_int_equal(openings(), 0);
    pond_put(&kit.pond, waits[1].slot);
    kit_end();
}

static void
leaves_are_given_within_window_and_size(void **state)
{
    (void)state;
    begin_self_service(2, 3, 1);
    join(3);
    assert_int_equal(kit_state(&waits[0]), WAITER_GRANTED);
    assert_int_equal(kit_state(&waits[1]), WAITER_AWAKE);
    assert_int_equal(pond_await(&kit.pond, &waits[0]), POND_LEAVE);
    pond_opened_own(&kit.pond, waits[0].slot);
    assert_int_equal(pond_await(&kit.pond, &waits[1]), POND_LEAVE);
    pond_opened_own(&kit.pond, waits[1].slot);
    assert_int_equal(kit_state(&waits[2]), WAITER_AWAKE); /* size is full */
    const int64_t joined_ns = kit.now_ns;
    assert_int_equal(pond_await(&kit.pond, &waits[2]), POND_LEAVE);
    assert_int_equal(kit.now_ns, joined_ns + 100 * KIT_MS);
    pond_opened_own(&kit.pond, waits[2].slot);
    for (uint32_t i = 0; i < 3; i++) {
        pond_put(&kit.pond, waits[i].slot);
    }
    kit_end();
}

static void
first_leaves(void)
{
    assert_true(waiter_leave(&kit.pond.waiters, waits[0].node));
    waiters_end(&kit.pond.waiters, waits[0].node);
    pond_serve(&kit.pond);
}

static void
a_leave_whose_only_taker_left_gives_its_place_back(void **state)
{
    (void)state;
    begin_self_service(1, 1, 0);
    join(1);
    kit_cut(0, "waiters.decide", 1, first_leaves);
    pond_set_window(&kit.pond, 1);
    assert_true(kit_uncut());
    assert_int_equal(openings(), 0);
    assert_int_equal(quota_look(&kit.pond.quota).taken, 0);
    kit_expect_quiet();
    kit_end();
}

static void
a_leave_that_a_close_overtakes_is_given_back(void **state)
{
    (void)state;
    begin_self_service(1, 1, 1);
    join(1);
    assert_int_equal(kit_state(&waits[0]), WAITER_GRANTED);
    pond_raise(&kit.pond, POND_CLOSING);
    assert_int_equal(pond_await(&kit.pond, &waits[0]), POND_SHUT);
    assert_true(pond_is_drained(&kit.pond));
    kit_end();
}

/* --- nothing can come ------------------------------------------------ */

static void
while_connects_fail_who_can_still_get_a_lent_one_waits(void **state)
{
    (void)state;
    begin_with(2, 2, 0);
    kit.pond.plan.handoff_ns = 0;
    pond_set_window(&kit.pond, 1);
    struct slot *const lent = kit_lease();
    pond_set_window(&kit.pond, 0);
    waits[1].wish.only_new = true;
    join(2);
    pond_raise(&kit.pond, POND_BROKEN);
    assert_int_equal(kit_state(&waits[0]), WAITER_AWAKE);
    assert_int_equal(pond_await(&kit.pond, &waits[1]), POND_BROKE);
    pond_put(&kit.pond, lent);
    finish(1);
}

static void
while_connects_fail_the_last_one_that_retires_ends_all_waits(void **state)
{
    (void)state;
    begin_with(1, 1, 1);
    struct slot *const lent = kit_lease();
    pond_raise(&kit.pond, POND_BROKEN);
    join(2);
    assert_int_equal(kit_state(&waits[0]), WAITER_AWAKE);
    pond_retire(&kit.pond, lent); /* still to be hung up, but it is gone */
    assert_int_equal(kit_state(&waits[0]), WAITER_REFUSED);
    assert_int_equal(pond_await(&kit.pond, &waits[0]), POND_BROKE);
    assert_int_equal(pond_await(&kit.pond, &waits[1]), POND_BROKE);
    kit_expect_quiet();
    kit_end();
}

/* A thread that is kept off its CPU while it holds the list delays nobody. */
static void
where_nothing_can_come_who_joins_is_told_without_the_list(void **state)
{
    struct pond_wait wait = {.node = NULL};

    (void)state;
    begin_with(1, 1, 0);
    pond_raise(&kit.pond, POND_BROKEN);
    assert_true(waiters_enter(&kit.pond.waiters));
    assert_int_equal(kit_join(&wait, CLOCK_NEVER), POND_BROKE);
    (void)waiters_collect(&kit.pond.waiters);
    assert_true(waiters_exit(&kit.pond.waiters));
    assert_null(wait.node);
    /* Asking is what the next try, when it is due, is made for. */
    assert_int_equal(kit.ordered, 0);
    pond_set_window(&kit.pond, 1);
    assert_int_equal(kit_join(&wait, CLOCK_NEVER), POND_BROKE);
    assert_int_equal(kit.ordered, 1);
    pond_open_failed(&kit.pond, pond_next_order(&kit.pond));
    kit_expect_quiet();
    kit_end();
}

static void
where_nothing_can_come_yet_a_resume_may_bring_it_who_joins_waits(void **state)
{
    (void)state;
    begin_with(1, 1, 0);
    pond_raise(&kit.pond, POND_BROKEN);
    pond_raise(&kit.pond, POND_SUSPENDED);
    join(1);
    assert_int_equal(kit_state(&waits[0]), WAITER_AWAKE);
    pond_lower(&kit.pond, POND_SUSPENDED);
    assert_int_equal(pond_await(&kit.pond, &waits[0]), POND_BROKE);
    kit_expect_quiet();
    kit_end();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_who_waits_has_one_order_and_not_more),
        cmocka_unit_test(without_a_wait_nothing_is_ordered),
        cmocka_unit_test(no_more_than_the_window_are_opened_at_once),
        cmocka_unit_test(a_wider_window_is_used_at_once),
        cmocka_unit_test(
            an_order_that_fails_is_tried_again_while_somebody_waits),
        cmocka_unit_test(
            an_order_that_fails_with_nobody_waiting_frees_its_place_for_good),
        cmocka_unit_test(
            an_order_that_was_refused_by_the_quota_leaves_the_window_alone),
        cmocka_unit_test(
            a_window_place_that_was_held_for_nothing_is_no_loss_to_a_waiter),
        cmocka_unit_test(
            up_to_size_is_opened_at_once_and_beyond_only_for_the_impatient),
        cmocka_unit_test(who_was_impatient_long_ago_is_impatient_at_once),
        cmocka_unit_test(
            one_in_a_hurry_has_one_order_beyond_size_and_maxsize_is_the_end),
        cmocka_unit_test(the_first_in_line_is_let_open_it_itself),
        cmocka_unit_test(leaves_are_given_within_window_and_size),
        cmocka_unit_test(a_leave_whose_only_taker_left_gives_its_place_back),
        cmocka_unit_test(a_leave_that_a_close_overtakes_is_given_back),
        cmocka_unit_test(
            while_connects_fail_who_can_still_get_a_lent_one_waits),
        cmocka_unit_test(
            while_connects_fail_the_last_one_that_retires_ends_all_waits),
        cmocka_unit_test(
            where_nothing_can_come_who_joins_is_told_without_the_list),
        cmocka_unit_test(
            where_nothing_can_come_yet_a_resume_may_bring_it_who_joins_waits),
    };

    race_hook(kit_hook, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
