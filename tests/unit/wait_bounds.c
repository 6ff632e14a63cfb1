/* SPDX-License-Identifier: MIT */
/* Goal: what spares a wake or a look is bounded: no sleeper waits for notes to
 * end, for a dense time that is over, or for a nap beside sessions at rest.
 * Method: the virtual clock and parker; a thread that does not run is a node that
 * is parked by hand; returns come at the named points. */
#include "fixture/waiters_kit.h"

#define NEVER_STOPS 100000 /* rounds in which a note comes each time */

static struct pond_wait a, b, c;
static struct slot *held[3], *stolen;

static void
park(struct waiter *node)
{
    order_store_seq_u32(
        &node->word, waiter_with_state(order_load_seq_u32(&node->word),
                                       WAITER_PARKED));
}

static void
begin_with(const struct pond_plan *plan, uint32_t sessions)
{
    a = b = c = (struct pond_wait){.slot = NULL};
    kit_begin(plan);
    for (uint32_t i = 0; i < sessions; i++) {
        held[i] = kit_lease();
    }
}

static void
end_wait(struct pond_wait *wait)
{
    assert_int_equal(pond_await(&kit.pond, wait), POND_SLOT);
    pond_put(&kit.pond, wait->slot);
}

static void
sleepers_are_woken_while_notes_come_without_an_end(void **state)
{
    (void)state;
    kit_reset();
    waiters_init(&list, &kit.parker);
    slot_init(&slot, 0);
    struct waiter *const first = join_at(1);
    enter();
    let_go();
    park(first);
    enter();
    assert_true(waiters_grant(&list, first, &slot));
    for (int i = 0; i < NEVER_STOPS && kit.woke == 0; i++) {
        assert_false(waiters_enter(&list));
        assert_false(waiters_exit(&list));
        waiters_collect(&list);
    }
    assert_int_equal(kit.woke, 1);
    let_go();
    assert_int_equal(kit.woke, 1);
    waiters_destroy(&list);
}

/* Who was woken does not run; the returns that follow come 50 ms apart. */
static void
a_dense_time_that_is_over_hides_nobody_who_is_overdue(void **state)
{
    const struct pond_plan plan = kit_plan(3, 3);

    (void)state;
    begin_with(&plan, 3);
    for (int i = 0; i < 3; i++) {
        held[i]->loans_before -= 4;
    }
    assert_int_equal(kit_join(&a, CLOCK_NEVER), POND_SLOT);
    assert_int_equal(kit_join(&b, CLOCK_NEVER), POND_SLOT);
    assert_int_equal(kit_join(&c, CLOCK_NEVER), POND_SLOT);
    park(a.node);
    park(b.node);
    park(c.node);
    for (int i = 0; i < 20; i++) {
        kit.now_ns += 500;
        pace_look(&kit.pond.pace, kit.now_ns);
    }
    kit.now_ns += KIT_MS / 5;
    for (int i = 0; i < 3; i++) {
        pond_put(&kit.pond, held[i]);
        kit.now_ns += 50 * KIT_MS;
    }
    assert_int_equal(kit_state(&b), WAITER_GRANTED);
    assert_int_equal(kit_gauges().idle, 0);
    end_wait(&a);
    end_wait(&b);
    end_wait(&c);
    kit_end();
}

static void
all_return(void)
{
    for (int i = 0; i < 3; i++) {
        pond_put(&kit.pond, held[i]);
    }
}

static void
wake_in_vain(struct slot *last)
{
    for (int i = 0; i < 6; i++) {
        (void)waiters_count_futile(&kit.pond.waiters);
    }
    pond_put(&kit.pond, last);
    stolen = kit_take();
    assert_int_equal(kit_state(&a), WAITER_WOKEN);
}

/* Three are lent, one was stolen from a, who was woken for it: the time now. */
static int64_t
begin_with_a_loser(void)
{
    struct pond_plan plan = kit_plan(4, 4);

    plan.handoff_ns = INT64_MAX;
    begin_with(&plan, 3);
    struct slot *const last = kit_lease();
    assert_int_equal(kit_join(&a, CLOCK_NEVER), POND_SLOT);
    const int64_t since_ns = kit.now_ns;
    wake_in_vain(last);
    return since_ns;
}

static void
a_loser_does_not_nap_beside_what_rests(void **state)
{
    (void)state;
    const int64_t since_ns = begin_with_a_loser();
    kit_cut(0, "pond.woken", 1, all_return);
    assert_int_equal(pond_await(&kit.pond, &a), POND_SLOT);
    assert_int_equal(kit.now_ns, since_ns);
    pond_put(&kit.pond, a.slot);
    pond_put(&kit.pond, stolen);
    kit_end();
}

static void
one_comes_back_in_front_and_all_return(void)
{
    b.wish.comes_back = true;
    b.wish.since_ns = 1;
    b.deadline_ns = CLOCK_NEVER;
    assert_int_equal(pond_join(&kit.pond, &b), POND_SLOT);
    park(b.node);
    all_return();
}

static void
a_nap_ends_also_for_who_is_no_longer_the_first(void **state)
{
    (void)state;
    const int64_t since_ns = begin_with_a_loser();
    kit.naps[0] = one_comes_back_in_front_and_all_return;
    assert_int_equal(pond_await(&kit.pond, &a), POND_SLOT);
    assert_int_equal(kit.now_ns, since_ns);
    pond_put(&kit.pond, a.slot);
    end_wait(&b);
    pond_put(&kit.pond, stolen);
    kit_end();
}

static void
one_returns(void)
{
    pond_put(&kit.pond, held[0]);
}

/* The token comes back with the leave to open; what came to rest beside it is
 * the next one's. */
static void
who_is_let_open_leaves_what_rests_to_the_next(void **state)
{
    struct pond_plan plan = kit_plan(2, 2);

    (void)state;
    plan.self_service = true;
    plan.handoff_ns = INT64_MAX;
    begin_with(&plan, 2);
    assert_int_equal(kit_join(&a, CLOCK_NEVER), POND_SLOT);
    assert_int_equal(kit_join(&b, CLOCK_NEVER), POND_SLOT);
    park(b.node);
    pond_put(&kit.pond, held[0]);
    held[0] = kit_take();
    kit_cut(0, "waiters.decide", 1, one_returns);
    pond_retire(&kit.pond, held[1]);
    pond_vacate(&kit.pond, pond_next_retiree(&kit.pond));
    assert_int_equal(kit_state(&b), WAITER_WOKEN);
    assert_int_equal(pond_await(&kit.pond, &a), POND_LEAVE);
    pond_open_failed(&kit.pond, a.slot);
    end_wait(&b);
    kit_end();
}

static void
nobody_spins_in_strict_order_or_alone(void **state)
{
    struct pond_plan plan = kit_plan(1, 1);

    (void)state;
    plan.handoff_ns = 0;
    begin_with(&plan, 1);
    kit_cut(0, "pond.spin", 1, one_returns);
    assert_null(pond_spin(&kit.pond));
    assert_false(kit_uncut());
    pond_put(&kit.pond, held[0]);
    kit_end();
    plan.handoff_ns = KIT_MS;
    begin_with(&plan, 1);
    kit.pond.pace.alone = true;
    kit_cut(0, "pond.spin", 1, one_returns);
    assert_null(pond_spin(&kit.pond));
    assert_false(kit_uncut());
    pond_put(&kit.pond, held[0]);
    kit_end();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sleepers_are_woken_while_notes_come_without_an_end),
        cmocka_unit_test(a_dense_time_that_is_over_hides_nobody_who_is_overdue),
        cmocka_unit_test(a_loser_does_not_nap_beside_what_rests),
        cmocka_unit_test(a_nap_ends_also_for_who_is_no_longer_the_first),
        cmocka_unit_test(who_is_let_open_leaves_what_rests_to_the_next),
        cmocka_unit_test(nobody_spins_in_strict_order_or_alone),
    };

    race_hook(kit_hook, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
