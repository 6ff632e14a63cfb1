/* SPDX-License-Identifier: MIT */
/* Goal: each arrow of a slot goes where the drawing says; a loan ends once. */
/* Method: walk the arrows one by one, bring every kind of wrong ticket, force
 * two claims of one ticket into each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "core/slot.h"

#define BLOCK 65536u /* loan numbers that a slot takes at a time */

static void
become_leased(struct slot *slot, uint32_t index)
{
    slot_init(slot, index);
    slot_order(slot);
    slot_opened(slot);
}

static void
expect(const struct slot *slot, enum slot_state state, uint64_t flags)
{
    const uint64_t word = slot_peek(slot);

    assert_int_equal(slot_state_of(word), state);
    assert_int_equal(word & (SLOT_INDEX_MASK ^ SLOT_STATE_MASK), flags);
}

/* --- arrows ---------------------------------------------------------- */

static void
a_session_is_ordered_opened_rested_taken_retired_and_vacated(void **state)
{
    struct slot slot;

    (void)state;
    slot_init(&slot, 7);
    expect(&slot, SLOT_VACANT, 0);
    assert_int_equal(slot.index, 7);
    slot_order(&slot);
    expect(&slot, SLOT_OPENING, 0);
    slot_opened(&slot);
    expect(&slot, SLOT_LEASED, 0);
    slot_rest(&slot);
    expect(&slot, SLOT_IDLE, 0);
    slot_take(&slot);
    expect(&slot, SLOT_LEASED, 0);
    slot_hand(&slot);
    expect(&slot, SLOT_HANDED, 0);
    slot_accept(&slot);
    expect(&slot, SLOT_LEASED, 0);
    slot_retire(&slot);
    expect(&slot, SLOT_RETIRING, 0);
    slot_vacate(&slot);
    expect(&slot, SLOT_VACANT, 0);
}

static void
an_order_that_fails_makes_the_slot_vacant_again(void **state)
{
    struct slot slot;

    (void)state;
    slot_init(&slot, 0);
    slot_order(&slot);
    slot_abandon(&slot);
    expect(&slot, SLOT_VACANT, 0);
}

static void
no_arrow_but_a_loan_moves_the_loan_number(void **state)
{
    struct slot slot;

    (void)state;
    slot_init(&slot, 0);
    const uint64_t loan = slot_loan_of(slot_peek(&slot));
    slot_order(&slot);
    slot_opened(&slot);
    slot_rest(&slot);
    slot_take(&slot);
    slot_hand(&slot);
    slot_accept(&slot);
    slot_retire(&slot);
    slot_vacate(&slot);
    assert_int_equal(slot_loan_of(slot_peek(&slot)), loan);
}

static void
a_pending_reset_goes_with_the_slot_until_somebody_read_its_answer(void **state)
{
    struct slot slot;

    (void)state;
    become_leased(&slot, 0);
    assert_false(slot_is_pending(&slot));
    slot_set_pending(&slot, true);
    assert_true(slot_is_pending(&slot));
    slot_rest(&slot);
    expect(&slot, SLOT_IDLE, SLOT_PENDING);
    slot_take(&slot);
    assert_true(slot_is_pending(&slot));
    slot_hand(&slot);
    expect(&slot, SLOT_HANDED, SLOT_PENDING);
    slot_accept(&slot);
    assert_true(slot_is_pending(&slot));
    slot_set_pending(&slot, false);
    assert_false(slot_is_pending(&slot));
}

static void
a_retired_slot_forgets_its_pending_reset(void **state)
{
    struct slot slot;

    (void)state;
    become_leased(&slot, 0);
    slot_set_pending(&slot, true);
    slot_retire(&slot);
    expect(&slot, SLOT_RETIRING, 0);
}

/* --- tickets --------------------------------------------------------- */

static void
a_ticket_names_its_slot_and_is_claimed_once(void **state)
{
    struct slot slot;

    (void)state;
    become_leased(&slot, SLOT_MAX - 1);
    const uint64_t ticket = slot_lend(&slot);
    assert_true(ticket != 0);
    assert_int_equal(slot_index_of(ticket), SLOT_MAX - 1);
    expect(&slot, SLOT_LEASED, SLOT_LENT);
    assert_true(slot_claim(&slot, ticket));
    expect(&slot, SLOT_LEASED, 0);

    const uint64_t copy = ticket;
    assert_false(slot_claim(&slot, copy));
    expect(&slot, SLOT_LEASED, 0);
}

static void
a_ticket_is_stale_in_every_state_after_its_claim(void **state)
{
    struct slot slot;

    (void)state;
    become_leased(&slot, 3);
    const uint64_t ticket = slot_lend(&slot);
    assert_true(slot_claim(&slot, ticket));
    slot_rest(&slot);
    assert_false(slot_claim(&slot, ticket));
    slot_take(&slot);
    assert_false(slot_claim(&slot, ticket));
    slot_hand(&slot);
    assert_false(slot_claim(&slot, ticket));
    slot_accept(&slot);
    slot_retire(&slot);
    assert_false(slot_claim(&slot, ticket));
    slot_vacate(&slot);
    assert_false(slot_claim(&slot, ticket));
    expect(&slot, SLOT_VACANT, 0);
}

static void
a_stale_ticket_does_not_end_the_loan_of_the_next_borrower(void **state)
{
    struct slot slot;

    (void)state;
    become_leased(&slot, 3);
    const uint64_t old = slot_lend(&slot);
    assert_true(slot_claim(&slot, old));
    const uint64_t next = slot_lend(&slot);
    assert_true(next != old);
    assert_false(slot_claim(&slot, old));
    expect(&slot, SLOT_LEASED, SLOT_LENT);
    assert_true(slot_claim(&slot, next));
}

static void
the_ticket_of_another_slot_or_pool_and_zero_are_stale(void **state)
{
    struct slot slot, neighbour, other_pool;

    (void)state;
    become_leased(&slot, 3);
    become_leased(&neighbour, 4);
    become_leased(&other_pool, 3);
    const uint64_t ticket = slot_lend(&slot);
    const uint64_t other = slot_lend(&neighbour);
    const uint64_t foreign = slot_lend(&other_pool);
    assert_false(slot_claim(&slot, other));
    assert_false(slot_claim(&slot, foreign));
    assert_false(slot_claim(&slot, 0));
    assert_true(slot_claim(&slot, ticket));
}

static void
a_slot_that_was_never_lent_cannot_be_claimed(void **state)
{
    struct slot slot;

    (void)state;
    become_leased(&slot, 3);
    /* What its ticket would be, if the number it has now were a loan's. */
    const uint64_t guess =
        (slot_loan_of(slot_peek(&slot)) << SLOT_LOAN_SHIFT) | 3;
    assert_false(slot_claim(&slot, guess));
}

/* --- the one race ---------------------------------------------------- */

static struct {
    struct slot slot;
    uint64_t ticket;
    uint32_t won;
    bool lend_again;
} race;

static void
claim_behind_its_back(const char *name, void *arg)
{
    (void)name;
    (void)arg;
    race_hook(NULL, NULL);
    if (slot_claim(&race.slot, race.ticket)) {
        race.won++;
        if (race.lend_again) {
            race.ticket = slot_lend(&race.slot);
        }
    }
}

static void
of_two_claims_of_one_ticket_exactly_one_wins(void **state)
{
    (void)state;
    race.won = 0;
    race.lend_again = false;
    become_leased(&race.slot, 1);
    race.ticket = slot_lend(&race.slot);
    /* Both have seen the loan as lent; then one is done before the other. */
    race_hook(claim_behind_its_back, NULL);
    race.won += slot_claim(&race.slot, race.ticket) ? 1 : 0;
    assert_int_equal(race.won, 1);
}

static void
a_claim_that_was_overtaken_does_not_touch_the_next_loan(void **state)
{
    (void)state;
    race.won = 0;
    race.lend_again = true;
    become_leased(&race.slot, 1);
    const uint64_t first = race.ticket = slot_lend(&race.slot);
    race_hook(claim_behind_its_back, NULL);
    assert_false(slot_claim(&race.slot, first));
    assert_int_equal(race.won, 1);
    assert_true(slot_claim(&race.slot, race.ticket));
}

/* --- loan numbers ---------------------------------------------------- */

static int
by_number(const void *a, const void *b)
{
    const uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return left < right ? -1 : left > right;
}

static uint64_t
lend_and_claim(struct slot *slot)
{
    const uint64_t ticket = slot_lend(slot);

    assert_true(slot_claim(slot, ticket));
    return ticket;
}

static void
no_loan_number_is_given_twice_over_slots_pools_and_blocks(void **state)
{
    enum { SLOTS = 4, LOANS = 2 * BLOCK + 10, ALL = SLOTS * LOANS };
    uint64_t *const loans = malloc(ALL * sizeof *loans);
    uint32_t count = 0;

    (void)state;
    assert_non_null(loans);
    for (uint32_t pool = 0; pool < 2; pool++) {
        struct slot slots[SLOTS / 2]; /* at the same address, or nearly */

        become_leased(&slots[0], 0);
        become_leased(&slots[1], 1);
        for (uint32_t i = 0; i < LOANS; i++) {
            loans[count++] = slot_loan_of(lend_and_claim(&slots[0]));
            loans[count++] = slot_loan_of(lend_and_claim(&slots[1]));
        }
    }
    assert_int_equal(count, ALL);
    qsort(loans, ALL, sizeof *loans, by_number);
    for (uint32_t i = 1; i < ALL; i++) {
        assert_true(loans[i] != loans[i - 1]);
    }
    assert_true(loans[0] != 0);
    free(loans);
}

static void
a_slot_takes_a_new_block_when_its_numbers_are_used_up(void **state)
{
    struct slot slot, other;

    (void)state;
    become_leased(&slot, 0);
    const uint64_t first = slot_loan_of(slot_peek(&slot));
    assert_int_equal(first % BLOCK, 0);
    become_leased(&other, 1); /* takes the block that is next to ours */
    for (uint64_t loan = first + 1; loan < first + BLOCK; loan++) {
        assert_int_equal(slot_loan_of(lend_and_claim(&slot)), loan);
        assert_int_equal(slot_loans_seen(&slot), loan - first);
    }
    const uint64_t after = slot_loan_of(lend_and_claim(&slot));
    assert_int_equal(after % BLOCK, 1); /* the first of a block is no loan */
    assert_true(after - 1 != first);
    assert_true(after - 1 != slot_loan_of(slot_peek(&other)));
    assert_int_equal(slot_loans_seen(&slot), BLOCK);
    assert_int_equal(slot_loan_of(lend_and_claim(&slot)), after + 1);
    assert_int_equal(slot_loans_seen(&slot), BLOCK + 1);
}

/* Who sums loans comes between the tally of a new block and its first number, many
 * times, and never sees more than there were, or fewer than before. */
static void
loans_are_counted_also_between_two_blocks(void **state)
{
    struct slot slot, other;
    uint64_t loans = 0;

    (void)state;
    become_leased(&slot, 0);
    for (int block = 0; block < 5; block++) {
        while (slot_loans_seen(&slot) != (loans + BLOCK - 1)) {
            (void)lend_and_claim(&slot);
        }
        loans += BLOCK - 1;
        const uint64_t last = slot_loan_of(slot_peek(&slot));
        assert_int_equal(last % BLOCK, BLOCK - 1);
        slot_init(&other, 1); /* takes the block of the other parity */
        const uint64_t first = slot_loan_block(&slot, last);
        assert_true(slot_block_parity(first) != slot_block_parity(last));
        assert_int_equal(slot_loans_seen(&slot), loans);
        (void)slot_lend_as(&slot, first + 1);
        assert_int_equal(slot_loans_seen(&slot), loans + 1);
        assert_true(slot_claim(&slot, (first + 1) << SLOT_LOAN_SHIFT));
    }
}

/* Its next loan is one of those that are timed, the first of a new block among them,
 * or a pending answer is still to be read: not for who is in a hurry. */
static void
only_a_plain_slot_is_ready_to_be_taken_and_lent(void **state)
{
    struct slot slot;

    (void)state;
    slot_init(&slot, 3);
    slot_order(&slot);
    slot_opened(&slot);
    slot_rest(&slot);
    assert_true(slot_is_ready(&slot));
    for (uint64_t loan = 1; loan < 200; loan++) {
        slot_take(&slot);
        (void)lend_and_claim(&slot);
        slot_rest(&slot);
        assert_int_equal(slot_is_ready(&slot), loan % 64 != 63);
    }
    slot.sample_mask = SLOT_SAMPLE_ALL;
    assert_false(slot_is_ready(&slot));
    slot.sample_mask = SLOT_SAMPLE_SELDOM;
    assert_true(slot_is_ready(&slot));
    slot_take(&slot);
    slot_set_pending(&slot, true);
    slot_rest(&slot);
    assert_false(slot_is_ready(&slot));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_session_is_ordered_opened_rested_taken_retired_and_vacated),
        cmocka_unit_test(an_order_that_fails_makes_the_slot_vacant_again),
        cmocka_unit_test(no_arrow_but_a_loan_moves_the_loan_number),
        cmocka_unit_test(
            a_pending_reset_goes_with_the_slot_until_somebody_read_its_answer),
        cmocka_unit_test(a_retired_slot_forgets_its_pending_reset),
        cmocka_unit_test(a_ticket_names_its_slot_and_is_claimed_once),
        cmocka_unit_test(a_ticket_is_stale_in_every_state_after_its_claim),
        cmocka_unit_test(
            a_stale_ticket_does_not_end_the_loan_of_the_next_borrower),
        cmocka_unit_test(the_ticket_of_another_slot_or_pool_and_zero_are_stale),
        cmocka_unit_test(a_slot_that_was_never_lent_cannot_be_claimed),
        cmocka_unit_test(of_two_claims_of_one_ticket_exactly_one_wins),
        cmocka_unit_test(
            a_claim_that_was_overtaken_does_not_touch_the_next_loan),
        cmocka_unit_test(
            no_loan_number_is_given_twice_over_slots_pools_and_blocks),
        cmocka_unit_test(only_a_plain_slot_is_ready_to_be_taken_and_lent),
        cmocka_unit_test(a_slot_takes_a_new_block_when_its_numbers_are_used_up),
        cmocka_unit_test(loans_are_counted_also_between_two_blocks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
