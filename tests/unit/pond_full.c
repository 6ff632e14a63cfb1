/* SPDX-License-Identifier: MIT */
/* Goal: waiters_max turns newcomers away, and never who waited already. */
/* Method: a borrower is served a session that is dead and joins once more,
 * while newcomers have filled the line meanwhile. */
#include "fixture/pond_kit.h"

static struct pond_wait newcomer, unlucky;
static struct slot *lent;

static void
put_lent(void)
{
    pond_put(&kit.pond, lent);
}

static void
who_was_handed_a_dead_session_comes_back_into_a_full_line(void **state)
{
    struct pond_plan plan = kit_plan(1, 1);

    (void)state;
    plan.sizes.waiters_max = 1;
    memset(&newcomer, 0, sizeof newcomer);
    memset(&unlucky, 0, sizeof unlucky);
    kit_begin(&plan);
    lent = kit_lease();

    /* Given: it waited, was served, and somebody else filled the line. */
    assert_int_equal(kit_join(&unlucky, CLOCK_NEVER), POND_SLOT);
    kit.naps[0] = put_lent;
    assert_int_equal(pond_await(&kit.pond, &unlucky), POND_SLOT);
    lent = unlucky.slot;
    assert_int_equal(kit_join(&newcomer, CLOCK_NEVER), POND_SLOT);

    /* When it comes back it is let in, and served before the other. */
    unlucky.wish.comes_back = true;
    unlucky.wish.since_ns -= KIT_MS;
    assert_int_equal(pond_join(&kit.pond, &unlucky), POND_SLOT);
    kit.naps[kit.slept] = put_lent;
    assert_int_equal(pond_await(&kit.pond, &unlucky), POND_SLOT);
    lent = unlucky.slot;
    kit.naps[kit.slept] = put_lent;
    assert_int_equal(pond_await(&kit.pond, &newcomer), POND_SLOT);
    pond_put(&kit.pond, newcomer.slot);
    kit_expect_quiet();
    kit_end();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            who_was_handed_a_dead_session_comes_back_into_a_full_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
