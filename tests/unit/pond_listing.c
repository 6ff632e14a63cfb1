/* SPDX-License-Identifier: MIT */
/* Goal: who lists loans sees those that are out, with their own notes. */
/* Method: lend slots of a pond by hand, and let one come back and go out again
 * in the middle of a look. */
#include "fixture/pond_kit.h"

static struct slot *lent;
static uint64_t ticket;
static struct pond_loan loan;

static void
begin(void)
{
    const struct pond_plan plan = kit_plan(3, 3);

    kit_begin(&plan);
    lent = kit_lease();
    memset(&loan, 0, sizeof loan);
}

static void
end(void)
{
    pond_put(&kit.pond, lent);
    kit_end();
}

static void
a_loan_is_listed_with_its_notes_until_it_comes_back(void **state)
{
    static const char file[] = "borrower.c";

    (void)state;
    begin();
    slot_note_server_thread(lent, UINT64_C(0x123456789a));
    /* LEASED, but lent to nobody. */
    assert_false(pond_loan_at(&kit.pond, lent->index, &loan));
    ticket = pond_lend(&kit.pond, lent, file, 42, 4711, 99);
    assert_true(pond_loan_at(&kit.pond, lent->index, &loan));
    assert_int_equal(loan.number, slot_loan_of(ticket));
    assert_ptr_equal(loan.file, file);
    assert_int_equal(loan.line, 42);
    assert_int_equal(loan.thread, 4711);
    assert_int_equal(loan.since_ms, 99);
    assert_int_equal(loan.server_thread, UINT64_C(0x123456789a));
    assert_ptr_equal(pond_claim(&kit.pond, ticket), lent);
    assert_false(pond_loan_at(&kit.pond, lent->index, &loan));
    end();
}

static void
a_loan_is_found_by_the_thread_that_borrowed_it(void **state)
{
    (void)state;
    begin();
    struct slot *const other = kit_lease();
    const uint64_t first = pond_lend(&kit.pond, lent, NULL, 1, 4711, 99);
    const uint64_t second = pond_lend(&kit.pond, other, NULL, 2, 4712, 99);
    assert_true(pond_loan_of(&kit.pond, 4712, &loan));
    assert_int_equal(loan.number, slot_loan_of(second));
    assert_false(pond_loan_of(&kit.pond, 4713, &loan));
    assert_ptr_equal(pond_claim(&kit.pond, second), other);
    assert_false(pond_loan_of(&kit.pond, 4712, &loan));
    assert_true(pond_loan_of(&kit.pond, 4711, &loan));
    assert_ptr_equal(pond_claim(&kit.pond, first), lent);
    pond_put(&kit.pond, other);
    end();
}

static void
return_it_and_lend_it_again(void)
{
    assert_ptr_equal(pond_claim(&kit.pond, ticket), lent);
    ticket = pond_lend(&kit.pond, lent, NULL, 7, 4712, 99);
}

static void
a_loan_that_changed_during_the_look_is_not_told(void **state)
{
    (void)state;
    begin();
    ticket = pond_lend(&kit.pond, lent, NULL, 6, 4711, 99);
    race_hook(kit_hook, NULL);
    kit_cut(0, "pond.listed", 1, return_it_and_lend_it_again);
    assert_false(pond_loan_at(&kit.pond, lent->index, &loan));
    assert_true(kit_uncut());
    race_hook(NULL, NULL);
    assert_true(pond_loan_at(&kit.pond, lent->index, &loan));
    assert_int_equal(loan.thread, 4712);
    assert_ptr_equal(pond_claim(&kit.pond, ticket), lent);
    end();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loan_is_listed_with_its_notes_until_it_comes_back),
        cmocka_unit_test(a_loan_is_found_by_the_thread_that_borrowed_it),
        cmocka_unit_test(a_loan_that_changed_during_the_look_is_not_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
