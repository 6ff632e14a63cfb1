/* SPDX-License-Identifier: MIT */
/* Goal: giving against leaving has one winner, and no note is lost. */
/* Method: at the race point of the one, the other does its whole step; then
 * the other way round. */
#include "fixture/waiters_kit.h"

static struct waiter *first, *second;
static bool answer; /* of the step in the middle */

static int
begin(void **state)
{
    (void)list_begin(state);
    first = join_at(1);
    second = join_at(2);
    enter();
    let_go();
    return 0;
}

static int
end(void **state)
{
    if (!kit_uncut()) {
        print_error("an interruption was never reached\n");
        return -1;
    }
    return list_end(state);
}

/* What another thread does in the middle. */

static void
first_leaves(void)
{
    answer = waiter_leave(&list, first);
}

static void
first_parks(void)
{
    const uint32_t word = order_load_seq_u32(&first->word);

    order_store_seq_u32(&first->word, waiter_with_state(word, WAITER_PARKED));
}

static void
first_is_granted(void)
{
    enter();
    answer = waiters_grant(&list, first, &slot);
    let_go();
}

static void
first_is_refused(void)
{
    enter();
    answer = waiters_refuse(&list, first, POND_SHUT);
    let_go();
}

static void
somebody_is_woken(void)
{
    enter();
    answer = waiters_wake_first(&list);
    let_go();
}

/* --- giving against leaving ------------------------------------------ */

static void
a_leave_in_the_middle_of_a_grant_wins(void **state)
{
    (void)state;
    enter();
    kit_cut(0, "waiters.decide", 1, first_leaves);
    assert_false(waiters_grant(&list, first, &slot));
    assert_true(answer);
    assert_int_equal(state_of(first), WAITER_LEFT);
    assert_int_equal(waiters_count(&list), 1);
    assert_ptr_equal(list.head, second);
    let_go();
}

static void
a_grant_in_the_middle_of_a_leave_wins(void **state)
{
    (void)state;
    kit_cut(0, "waiters.leave", 1, first_is_granted);
    assert_false(waiter_leave(&list, first));
    assert_true(answer);
    assert_int_equal(state_of(first), WAITER_GRANTED);
    assert_ptr_equal(first->slot, &slot);
    assert_int_equal(waiters_count(&list), 1);
}

static void
a_refusal_in_the_middle_of_a_leave_wins(void **state)
{
    (void)state;
    kit_cut(0, "waiters.leave", 1, first_is_refused);
    assert_false(waiter_leave(&list, first));
    assert_int_equal(state_of(first), WAITER_REFUSED);
    assert_int_equal(waiters_count(&list), 1);
}

static void
a_leave_in_the_middle_of_a_refusal_wins(void **state)
{
    (void)state;
    enter();
    kit_cut(0, "waiters.decide", 1, first_leaves);
    assert_false(waiters_refuse(&list, first, POND_SHUT));
    assert_int_equal(state_of(first), WAITER_LEFT);
    assert_int_equal(waiters_count(&list), 1);
    let_go();
}

/* --- waking against leaving and parking ------------------------------ */

static void
a_leave_in_the_middle_of_a_wake_sends_it_to_the_next(void **state)
{
    (void)state;
    enter();
    kit_cut(0, "waiters.decide", 1, first_leaves);
    assert_true(waiters_wake_first(&list));
    assert_int_equal(state_of(first), WAITER_LEFT);
    assert_int_equal(state_of(second), WAITER_WOKEN);
    assert_true(waiters_token_out(&list));
    let_go();
}

static void
a_wake_in_the_middle_of_a_leave_does_not_leave_with_it(void **state)
{
    (void)state;
    kit_cut(0, "waiters.leave", 1, somebody_is_woken);
    assert_true(waiter_leave(&list, first));
    assert_true(answer);
    assert_int_equal(state_of(first), WAITER_LEFT);
    assert_false(waiters_token_out(&list));
    somebody_is_woken();
    assert_true(answer);
    assert_int_equal(state_of(second), WAITER_WOKEN);
}

static void
who_lies_down_in_the_middle_of_a_grant_is_woken(void **state)
{
    (void)state;
    enter();
    kit_cut(0, "waiters.decide", 1, first_parks);
    assert_true(waiters_grant(&list, first, &slot));
    let_go();
    assert_int_equal(kit.woke, 1);
    assert_ptr_equal(kit.woken, &first->word);
}

static void
who_lies_down_in_the_middle_of_a_wake_is_woken(void **state)
{
    (void)state;
    enter();
    kit_cut(0, "waiters.decide", 1, first_parks);
    assert_true(waiters_wake_first(&list));
    let_go();
    assert_int_equal(kit.woke, 1);
}

static void
a_grant_before_lying_down_is_seen_without_a_sleep(void **state)
{
    (void)state;
    kit_cut(0, "waiters.park", 1, first_is_granted);
    assert_int_equal(waiter_park(&list, first, CLOCK_NEVER), WAITER_GRANTED);
    assert_int_equal(kit.slept, 0);
}

/* --- what is owed to sleepers ---------------------------------------- */

static void
the_list_is_free_and_nobody_is_woken_yet(void)
{
    assert_int_equal(kit.woke, 0);
    answer = waiters_enter(&list);
    assert_true(answer);
    waiters_collect(&list);
    let_go();
}

static void
a_sleeper_is_woken_when_the_list_is_free(void **state)
{
    (void)state;
    first_parks();
    enter();
    assert_true(waiters_grant(&list, first, &slot));
    kit_cut(0, "waiters.wake", 1, the_list_is_free_and_nobody_is_woken_yet);
    let_go();
    assert_int_equal(kit.woke, 1);
    assert_ptr_equal(kit.woken, &first->word);
}

static void
a_wake_is_owed_until_the_list_is_free(void **state)
{
    (void)state;
    first_parks();
    enter();
    assert_true(waiters_grant(&list, first, &slot));
    (void)join_at(3);
    assert_false(waiters_enter(&list));
    assert_false(waiters_exit(&list)); /* a note came */
    assert_int_equal(kit.woke, 0);
    waiters_collect(&list);
    let_go();
    assert_int_equal(kit.woke, 1);
    enter();
    let_go();
    assert_int_equal(kit.woke, 1); /* and only once */
}

static void
as_many_as_sleep_are_woken(void **state)
{
    struct waiter *sleepers[2 * WAITERS_OWED_MAX];
    const uint32_t count = sizeof(sleepers) / sizeof(sleepers[0]);

    (void)state;
    for (uint32_t i = 0; i < count; i++) {
        sleepers[i] = join_at(3 + i);
        order_store_seq_u32(
            &sleepers[i]->word,
            waiter_with_state(order_load_seq_u32(&sleepers[i]->word),
                              WAITER_PARKED));
    }
    enter();
    for (uint32_t i = 0; i < count; i++) {
        assert_true(waiters_refuse(&list, sleepers[i], POND_SHUT));
    }
    let_go();
    assert_int_equal(kit.woke, count);
}

/* --- unlocking against a note ---------------------------------------- */

static void
leave_a_note(void)
{
    (void)join_at(3);
    answer = waiters_enter(&list);
}

static void
who_finds_the_list_locked_does_not_wait_and_is_not_forgotten(void **state)
{
    (void)state;
    enter();
    (void)join_at(3);
    assert_false(waiters_enter(&list));
    assert_false(waiters_exit(&list));
    assert_int_equal(list.listed, 2);
    waiters_collect(&list);
    assert_int_equal(list.listed, 3);
    let_go();
}

static void
a_note_just_before_the_unlock_is_read_first(void **state)
{
    (void)state;
    enter();
    kit_cut(0, "waiters.exit", 1, leave_a_note);
    assert_false(waiters_exit(&list));
    assert_false(answer);
    waiters_collect(&list);
    assert_int_equal(list.listed, 3);
    let_go();
}

static void
a_note_after_the_unlock_finds_the_list_open(void **state)
{
    (void)state;
    enter();
    let_go();
    leave_a_note();
    assert_true(answer);
    waiters_collect(&list);
    assert_int_equal(list.listed, 3);
    let_go();
}

static void
a_note_taken_for_read_is_not_kept_pending(void **state)
{
    (void)state;
    enter();
    leave_a_note();
    waiters_collect(&list); /* reads it: nothing is left to go round for */
    assert_true(waiters_exit(&list));
}

/* --- mail while it is read ------------------------------------------- */

static void
the_holder_reads_mail(void)
{
    enter();
    let_go();
}

/* The one before the note, with another note of the same node unread. */
static void
a_second_note_of_a_node_is_not_lost_when_the_first_is_just_read(void **state)
{
    (void)state;
    waiters_hurry(&list, first);
    assert_true(waiter_leave(&list, first));
    kit_cut(0, "waiters.post", 1, the_holder_reads_mail);
    waiters_end(&list, first);
    assert_int_equal(list.hurried, 1);
    assert_int_equal(order_load_seq_u32(&list.nodes_out), 2);
    the_holder_reads_mail();
    assert_int_equal(list.hurried, 0);
    assert_int_equal(order_load_seq_u32(&list.nodes_out), 1);
    assert_int_equal(state_of(first), WAITER_FREE);
}

static void
who_joins_is_counted_before_its_mail_can_be_read(void **state)
{
    const struct waiter_wish wish = {.since_ns = 3};
    struct waiter *const third = waiters_node(&list);

    (void)state;
    assert_int_equal(waiters_count(&list), 2);
    kit_cut(0, "waiters.post", 1, the_holder_reads_mail);
    assert_true(waiters_join(&list, third, &wish, UINT32_MAX));
    assert_int_equal(waiters_count(&list), 3);
    assert_int_equal(list.listed, 2);
    the_holder_reads_mail();
    assert_ptr_equal(list.tail, third);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(a_leave_in_the_middle_of_a_grant_wins),
        TEST(a_grant_in_the_middle_of_a_leave_wins),
        TEST(a_refusal_in_the_middle_of_a_leave_wins),
        TEST(a_leave_in_the_middle_of_a_refusal_wins),
        TEST(a_leave_in_the_middle_of_a_wake_sends_it_to_the_next),
        TEST(a_wake_in_the_middle_of_a_leave_does_not_leave_with_it),
        TEST(who_lies_down_in_the_middle_of_a_grant_is_woken),
        TEST(who_lies_down_in_the_middle_of_a_wake_is_woken),
        TEST(a_sleeper_is_woken_when_the_list_is_free),
        TEST(a_wake_is_owed_until_the_list_is_free),
        TEST(as_many_as_sleep_are_woken),
        TEST(a_grant_before_lying_down_is_seen_without_a_sleep),
        TEST(who_finds_the_list_locked_does_not_wait_and_is_not_forgotten),
        TEST(a_note_just_before_the_unlock_is_read_first),
        TEST(a_note_after_the_unlock_finds_the_list_open),
        TEST(a_note_taken_for_read_is_not_kept_pending),
        TEST(a_second_note_of_a_node_is_not_lost_when_the_first_is_just_read),
        TEST(who_joins_is_counted_before_its_mail_can_be_read),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
