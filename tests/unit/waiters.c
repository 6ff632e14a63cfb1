/* SPDX-License-Identifier: MIT */
/* Goal: the queue is first come, first served, and keeps its books. */
/* Method: join, wake, give and leave in every order that one thread at a time
 * can make, with a clock and a bed of our own. */
#include "fixture/pond_kit.h"

#define NO_LIMIT UINT32_MAX

static struct waiters list;
static struct slot slot;

static int
begin(void **state)
{
    (void)state;
    kit_reset();
    race_hook(kit_hook, NULL);
    waiters_init(&list, &kit.parker);
    slot_init(&slot, 0);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    waiters_destroy(&list);
    return 0;
}

static struct waiter *
join_wish(struct waiter_wish wish)
{
    struct waiter *const node = waiters_node(&list);

    assert_non_null(node);
    assert_true(waiters_join(&list, node, &wish, NO_LIMIT));
    return node;
}

static struct waiter *
join_at(int64_t since_ns)
{
    return join_wish((struct waiter_wish){.since_ns = since_ns});
}

static void
enter(void)
{
    assert_true(waiters_enter(&list));
    waiters_collect(&list);
}

static void
let_go(void)
{
    waiters_publish(&list);
    assert_true(waiters_exit(&list));
}

static enum waiter_state
state_of(const struct waiter *node)
{
    return waiter_state_of(order_load_seq_u32(&node->word));
}

static void
expect_line(struct waiter *const *nodes, uint32_t count)
{
    const struct waiter *before = NULL, *at = list.head;

    assert_int_equal(list.listed, count);
    for (uint32_t i = 0; i < count; i++) {
        assert_ptr_equal(at, nodes[i]);
        assert_ptr_equal(at->previous, before);
        before = at;
        at = at->next;
    }
    assert_null(at);
    assert_ptr_equal(list.tail, before);
}

#define EXPECT_LINE(...)                                                       \
    expect_line((struct waiter *[]){__VA_ARGS__},                              \
                sizeof((struct waiter *[]){__VA_ARGS__}) /                     \
                    sizeof(struct waiter *))

/* --- the line ---------------------------------------------------------------------- */

static void
those_who_join_stand_in_the_order_in_which_they_came(void **state)
{
    (void)state;
    struct waiter *const a = join_at(1), *const b = join_at(2);
    struct waiter *const c = join_at(3);
    enter();
    EXPECT_LINE(a, b, c);
    struct waiter *const d = join_at(4), *const e = join_at(5);
    waiters_collect(&list);
    EXPECT_LINE(a, b, c, d, e);
    assert_int_equal(waiters_count(&list), 5);
    let_go();
}

static void
a_newcomer_goes_to_the_end_whatever_its_clock_said(void **state)
{
    (void)state;
    struct waiter *const a = join_at(50), *const b = join_at(10);
    enter();
    EXPECT_LINE(a, b);
    let_go();
}

static void
who_comes_back_gets_its_old_place(void **state)
{
    (void)state;
    struct waiter *const a = join_at(10), *const b = join_at(20);
    struct waiter *const c = join_at(30);
    enter();
    struct waiter *const between =
        join_wish((struct waiter_wish){.since_ns = 25, .comes_back = true});
    struct waiter *const same =
        join_wish((struct waiter_wish){.since_ns = 20, .comes_back = true});
    struct waiter *const oldest =
        join_wish((struct waiter_wish){.since_ns = 5, .comes_back = true});
    struct waiter *const youngest =
        join_wish((struct waiter_wish){.since_ns = 35, .comes_back = true});
    waiters_collect(&list);
    EXPECT_LINE(oldest, a, b, same, between, c, youngest);
    let_go();
}

static void
who_leaves_closes_the_gap_at_both_ends_and_in_the_middle(void **state)
{
    (void)state;
    struct waiter *const a = join_at(1), *const b = join_at(2);
    struct waiter *const c = join_at(3), *const d = join_at(4);
    enter();
    assert_true(waiter_leave(&list, b));
    waiters_end(&list, b);
    waiters_collect(&list);
    EXPECT_LINE(a, c, d);
    assert_true(waiter_leave(&list, a));
    waiters_end(&list, a);
    assert_true(waiter_leave(&list, d));
    waiters_end(&list, d);
    waiters_collect(&list);
    EXPECT_LINE(c);
    assert_int_equal(waiters_count(&list), 1);
    assert_true(waiter_leave(&list, c));
    waiters_end(&list, c);
    waiters_collect(&list);
    assert_null(list.head);
    assert_null(list.tail);
    let_go();
}

static void
who_wants_a_new_session_only_is_passed_over_for_others(void **state)
{
    (void)state;
    struct waiter *const choosy =
        join_wish((struct waiter_wish){.since_ns = 1, .only_new = true});
    struct waiter *const other = join_at(2);
    enter();
    assert_ptr_equal(waiters_first(&list, true), choosy);
    assert_ptr_equal(waiters_first(&list, false), other);
    assert_true(waiters_grant(&list, other, &slot));
    assert_null(waiters_first(&list, false));
    assert_ptr_equal(waiters_first(&list, true), choosy);
    let_go();
}

static void
the_time_of_the_first_in_line_is_published(void **state)
{
    (void)state;
    assert_int_equal(order_load_relaxed_u64(&list.oldest_ns), INT64_MAX);
    struct waiter *const a = join_at(11);
    (void)join_at(12);
    enter();
    let_go();
    assert_int_equal(order_load_relaxed_u64(&list.oldest_ns), 11);
    enter();
    assert_true(waiters_grant(&list, a, &slot));
    let_go();
    assert_int_equal(order_load_relaxed_u64(&list.oldest_ns), 12);
}

/* --- counting in ---------------------------------------------------------------------- */

static void
no_more_than_the_allowed_may_join_and_a_refusal_leaves_no_trace(void **state)
{
    const struct waiter_wish wish = {.since_ns = 1};
    struct waiter *node;

    (void)state;
    (void)join_at(1);
    (void)join_at(2);
    node = waiters_node(&list);
    assert_int_equal(order_load_seq_u32(&list.nodes_out), 3);
    assert_false(waiters_join(&list, node, &wish, 2));
    assert_false(waiters_join(&list, node, &wish, 0));
    assert_int_equal(waiters_count(&list), 2);
    waiters_node_unused(&list, node);
    assert_int_equal(order_load_seq_u32(&list.nodes_out), 2);
    node = waiters_node(&list);
    assert_true(waiters_join(&list, node, &wish, 3));
    assert_int_equal(waiters_count(&list), 3);
}

static void
without_memory_there_is_no_node(void **state)
{
    (void)state;
    fault_arm(FAULT_ALLOC, 1, false);
    assert_null(waiters_node(&list));
    fault_arm(FAULT_ALLOC, 0, false);
    assert_int_equal(order_load_seq_u32(&list.nodes_out), 0);
    assert_non_null(waiters_node(&list));
}

/* --- giving ----------------------------------------------------------------------------- */

static void
a_grant_is_final_and_takes_its_waiter_out_of_the_line(void **state)
{
    (void)state;
    struct waiter *const a = join_at(1), *const b = join_at(2);
    enter();
    assert_true(waiters_grant(&list, a, &slot));
    EXPECT_LINE(b);
    assert_int_equal(waiters_count(&list), 1);
    assert_int_equal(state_of(a), WAITER_GRANTED);
    assert_ptr_equal(a->slot, &slot);
    assert_false(waiter_leave(&list, a));
    assert_false(waiter_lost(a));
    assert_int_equal(state_of(a), WAITER_GRANTED);
    assert_int_equal(waiters_count(&list), 1);
    let_go();
}

static void
a_refusal_is_final_and_brings_its_reason(void **state)
{
    (void)state;
    struct waiter *const a = join_at(1);
    enter();
    assert_true(waiters_refuse(&list, a, POND_SHUT));
    assert_int_equal(state_of(a), WAITER_REFUSED);
    assert_int_equal(a->refusal, POND_SHUT);
    assert_null(a->slot);
    assert_false(waiter_leave(&list, a));
    assert_int_equal(waiters_count(&list), 0);
    let_go();
}

static void
who_left_is_never_given_anything(void **state)
{
    (void)state;
    struct waiter *const a = join_at(1), *const b = join_at(2);
    enter();
    assert_true(waiter_leave(&list, a));
    assert_int_equal(waiters_count(&list), 1);
    assert_false(waiters_grant(&list, a, &slot));
    assert_int_equal(state_of(a), WAITER_LEFT);
    EXPECT_LINE(b);
    assert_true(waiter_leave(&list, b));
    assert_false(waiters_refuse(&list, b, POND_SHUT));
    assert_int_equal(state_of(b), WAITER_LEFT);
    assert_int_equal(waiters_count(&list), 0);
    assert_null(list.head);
    let_go();
}

/* --- the wake token --------------------------------------------------------------------- */

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

/* --- parking ------------------------------------------------------------------------------ */

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
    assert_int_equal(waiter_park(&list, sleeper, CLOCK_NEVER),
                     WAITER_GRANTED);
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
    assert_int_equal(waiter_park(&list, sleeper, CLOCK_NEVER),
                     WAITER_GRANTED);
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
    assert_int_equal(waiter_park(&list, sleeper, CLOCK_NEVER),
                     WAITER_GRANTED);
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

/* --- those in a hurry ------------------------------------------------------------------------ */

static void
who_is_in_a_hurry_is_counted_once_while_in_line(void **state)
{
    (void)state;
    struct waiter *const a = join_at(1), *const b = join_at(2);
    waiters_hurry(&list, a); /* in one mail with its join */
    enter();
    assert_int_equal(list.hurried, 1);
    waiters_hurry(&list, a);
    waiters_hurry(&list, b);
    waiters_collect(&list);
    assert_int_equal(list.hurried, 2);
    assert_true(waiters_grant(&list, a, &slot));
    assert_int_equal(list.hurried, 1);
    assert_true(waiter_leave(&list, b));
    waiters_end(&list, b);
    waiters_collect(&list);
    assert_int_equal(list.hurried, 0);
    let_go();
}

static void
a_hurry_that_is_read_after_the_grant_counts_nothing(void **state)
{
    (void)state;
    struct waiter *const a = join_at(1);
    enter();
    assert_true(waiters_grant(&list, a, &slot));
    waiters_hurry(&list, a);
    waiters_end(&list, a);
    waiters_collect(&list);
    assert_int_equal(list.hurried, 0);
    assert_int_equal(list.listed, 0);
    let_go();
}

static void
join_hurry_and_leave_in_one_mail_leave_nothing_behind(void **state)
{
    (void)state;
    struct waiter *const a = join_at(1);
    waiters_hurry(&list, a);
    assert_true(waiter_leave(&list, a));
    waiters_end(&list, a);
    enter();
    assert_int_equal(list.listed, 0);
    assert_int_equal(list.hurried, 0);
    assert_int_equal(order_load_seq_u32(&list.nodes_out), 0);
    assert_int_equal(state_of(a), WAITER_FREE);
    let_go();
}

/* --- nodes ------------------------------------------------------------------------------------- */

static void
a_node_is_used_again_only_after_its_owner_let_go(void **state)
{
    (void)state;
    struct waiter *const a = join_at(1);
    enter();
    assert_true(waiters_grant(&list, a, &slot));
    waiters_collect(&list);
    assert_int_equal(state_of(a), WAITER_GRANTED);
    assert_int_equal(order_load_seq_u32(&list.nodes_out), 1);
    waiters_end(&list, a);
    assert_int_equal(order_load_seq_u32(&list.nodes_out), 1);
    waiters_collect(&list);
    assert_int_equal(state_of(a), WAITER_FREE);
    assert_int_equal(order_load_seq_u32(&list.nodes_out), 0);
    let_go();
}

static void
a_recycled_node_has_a_new_incarnation(void **state)
{
    (void)state;
    struct waiter *const a = join_at(1);
    const uint32_t first = order_load_seq_u32(&a->word);
    assert_true(waiter_leave(&list, a));
    waiters_end(&list, a);
    enter();
    let_go();
    struct waiter *const again = join_at(2);
    assert_ptr_equal(again, a); /* last freed, first used */
    assert_int_equal(state_of(again), WAITER_AWAKE);
    assert_true((order_load_seq_u32(&again->word) & ~WAITER_STATE_MASK) !=
                (first & ~WAITER_STATE_MASK));
}

static void
thousands_who_time_out_leave_nothing_behind(void **state)
{
    enum { STALLED = 1000 };
    static struct waiter *nodes[STALLED];
    void *chunks = NULL;

    (void)state;
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < STALLED; i++) {
            nodes[i] = join_at(i);
        }
        for (uint32_t i = 0; i < STALLED; i++) {
            assert_true(waiter_leave(&list, nodes[i]));
            waiters_end(&list, nodes[i]);
        }
        assert_int_equal(waiters_count(&list), 0);
        enter();
        assert_int_equal(list.listed, 0);
        assert_int_equal(order_load_seq_u32(&list.nodes_out), 0);
        let_go();
        if (round > 0) { /* no new memory after the first */
            assert_ptr_equal(order_load_seq_ptr(&list.chunks), chunks);
        }
        chunks = order_load_seq_ptr(&list.chunks);
    }
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(those_who_join_stand_in_the_order_in_which_they_came),
        TEST(a_newcomer_goes_to_the_end_whatever_its_clock_said),
        TEST(who_comes_back_gets_its_old_place),
        TEST(who_leaves_closes_the_gap_at_both_ends_and_in_the_middle),
        TEST(who_wants_a_new_session_only_is_passed_over_for_others),
        TEST(the_time_of_the_first_in_line_is_published),
        TEST(no_more_than_the_allowed_may_join_and_a_refusal_leaves_no_trace),
        TEST(without_memory_there_is_no_node),
        TEST(a_grant_is_final_and_takes_its_waiter_out_of_the_line),
        TEST(a_refusal_is_final_and_brings_its_reason),
        TEST(who_left_is_never_given_anything),
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
        TEST(who_is_in_a_hurry_is_counted_once_while_in_line),
        TEST(a_hurry_that_is_read_after_the_grant_counts_nothing),
        TEST(join_hurry_and_leave_in_one_mail_leave_nothing_behind),
        TEST(a_node_is_used_again_only_after_its_owner_let_go),
        TEST(a_recycled_node_has_a_new_incarnation),
        TEST(thousands_who_time_out_leave_nothing_behind),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
