/* SPDX-License-Identifier: MIT */
/* Goal: the queue is first come, first served, and gives to who is in it. */
/* Method: join, give and leave in every order that one thread at a time
 * can make. */
#include "fixture/waiters_kit.h"

/* --- the line -------------------------------------------------------- */

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

/* --- counting in ----------------------------------------------------- */

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

/* --- giving ---------------------------------------------------------- */

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

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, list_begin, list_end)
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
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
