/* SPDX-License-Identifier: MIT */
/* Goal: a quick return loses nobody who waits. Method: somebody joins between
 * its two looks, and then sleeps for good unless he is served. */
#include "core/pond_quick.h"
#include "fixture/pond_kit.h"

static struct pond_wait late;
static struct slot *busy;

static void
somebody_joins(void)
{
    assert_int_equal(kit_join(&late, CLOCK_NEVER), POND_SLOT);
    assert_int_equal(kit_state(&late), WAITER_AWAKE);
}

static void
who_joins_inside_a_quick_return_is_served_by_it(void **state)
{
    const struct pond_plan plan = kit_plan(1, 1);

    (void)state;
    memset(&late, 0, sizeof late);
    kit_begin(&plan);
    struct slot *const lent = kit_lease();
    kit_cut(0, "idle.put", 1, somebody_joins);
    const enum pond_put put =
        pond_put_warm(&kit.pond, idle_own_quickly(&kit.pond.idle), lent);
    assert_true(kit_uncut());
    assert_int_equal(put, POND_PUT_LOOK);
    pond_put_on(&kit.pond, lent, put);
    assert_int_equal(pond_await(&kit.pond, &late), POND_SLOT);
    assert_ptr_equal(late.slot, lent);
    assert_int_equal(kit.slept, 0);
    lent->loans_before--; /* one loan more */
    pond_put(&kit.pond, lent);
    kit_expect_quiet();
    kit_end();
}

/* Two blocks of loan numbers, so that the parity is the same again. */
static void
many_loans_begin_and_end(void)
{
    for (uint64_t i = 0; i < 2 * SLOT_BLOCK; i++) {
        const uint64_t ticket =
            pond_lend(&kit.pond, busy, __FILE__, __LINE__, 1, 0);
        assert_ptr_equal(pond_claim(&kit.pond, ticket), busy);
    }
}

static void
who_sums_loans_for_long_sees_no_more_than_there_were(void **state)
{
    const struct pond_plan plan = kit_plan(1, 1);

    (void)state;
    kit_begin(&plan);
    busy = kit_lease();
    while (slot_loans_seen(busy) < SLOT_BLOCK / 2) {
        (void)pond_claim(&kit.pond, pond_lend(&kit.pond, busy, NULL, 0, 1, 0));
    }
    kit_cut(0, "slot.loans_seen", 1, many_loans_begin_and_end);
    assert_int_equal(slot_loans_seen(busy), SLOT_BLOCK / 2 + 2 * SLOT_BLOCK);
    assert_true(kit_uncut());
    busy->loans_before = slot_loans(busy) - 1; /* one loan more */
    pond_put(&kit.pond, busy);
    kit_expect_quiet();
    kit_end();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_joins_inside_a_quick_return_is_served_by_it),
        cmocka_unit_test(who_sums_loans_for_long_sees_no_more_than_there_were),
    };

    race_hook(kit_hook, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
