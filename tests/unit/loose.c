/* SPDX-License-Identifier: MIT */
/* Goal: a loan without a pool is found and ended by its own ticket, however
 * many there are. Method: lend more than a chunk holds, without memory first;
 * find and claim each, twice; ask for tickets that nobody has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/fault.h"
#include "base/forked.h"
#include "core/loose.h"
#include "core/slot.h"

#define MORE_THAN_A_CHUNK 65

static uint64_t tickets[MORE_THAN_A_CHUNK];

/* Only its address counts: nobody looks behind it. */
static struct loose
loose_number(size_t number)
{
    return (struct loose){
        .session = (struct session *)(void *)&tickets[number]};
}

static void
lend(size_t number)
{
    const struct loose loose = loose_number(number);

    tickets[number] = loose_lend(&loose);
}

static void
loans_beyond_a_chunk_are_found_and_end_once(void **state)
{
    struct loose loose;

    (void)state;
    for (size_t i = 0; i < MORE_THAN_A_CHUNK - 1; i++) {
        lend(i);
        assert_int_not_equal(tickets[i], 0);
    }
    fault_arm(FAULT_ALLOC, 1, false);
    lend(MORE_THAN_A_CHUNK - 1);
    assert_int_equal(tickets[MORE_THAN_A_CHUNK - 1], 0);
    fault_arm(FAULT_ALLOC, 0, false);
    lend(MORE_THAN_A_CHUNK - 1);
    for (size_t i = 0; i < MORE_THAN_A_CHUNK; i++) {
        assert_true(loose_find(tickets[i], &loose));
        assert_ptr_equal(loose.session, &tickets[i]);
        assert_true(loose_claim(tickets[i], &loose));
        assert_ptr_equal(loose.session, &tickets[i]);
        assert_false(loose_find(tickets[i], &loose));
        assert_false(loose_claim(tickets[i], &loose));
    }
}

static void
ticket_of_a_place_that_was_never_made_is_stale(void **state)
{
    const uint64_t ticket = UINT64_C(7) << SLOT_LOAN_SHIFT | (SLOT_MAX - 1);
    struct loose loose;

    (void)state;
    assert_false(loose_find(ticket, &loose));
    assert_false(loose_claim(ticket, &loose));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loans_beyond_a_chunk_are_found_and_end_once),
        cmocka_unit_test(ticket_of_a_place_that_was_never_made_is_stale),
    };

    forked_init();
    (void)forked_generation();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
