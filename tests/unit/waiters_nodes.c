/* SPDX-License-Identifier: MIT */
/* Goal: nodes and the hurried are counted right in any mix of notes. */
/* Method: mail notes in every combination and look at what the holder keeps. */
#include "fixture/waiters_kit.h"

/* --- those in a hurry ------------------------------------------------ */

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

/* --- nodes ----------------------------------------------------------- */

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
#define TEST(name) cmocka_unit_test_setup_teardown(name, list_begin, list_end)
    const struct CMUnitTest tests[] = {
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
