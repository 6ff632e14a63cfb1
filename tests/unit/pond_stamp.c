/* SPDX-License-Identifier: MIT */
/* Goal: many who notice the same thing outdate one generation, and raise one
 * suspicion. Method: a second one notices it at the race point of the first. */
#include "fixture/pond_kit.h"

static struct slot *lent;
static uint64_t began;

static uint64_t
moved_since(void)
{
    return order_load_seq_u64(&kit.pond.stamp) - began;
}

static int
begin(void **state)
{
    const struct pond_plan plan = kit_plan(1, 1);

    (void)state;
    kit_begin(&plan);
    lent = kit_lease();
    pond_stamp(&kit.pond, lent);
    began = order_load_seq_u64(&kit.pond.stamp);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    pond_put(&kit.pond, lent);
    kit_end();
    return 0;
}

static void
another_outdates_it(void)
{
    assert_true(pond_outdate(&kit.pond, lent));
}

static void
another_suspects_it(void)
{
    pond_suspect(&kit.pond, lent);
}

static void
of_two_who_outdate_one_generation_one_does(void **state)
{
    const uint64_t stamp = lent->stamp;

    (void)state;
    kit_cut(0, "pond.outdate", 1, another_outdates_it);
    assert_false(pond_outlive(&kit.pond, lent));
    assert_true(kit_uncut());
    const uint64_t by_both = moved_since();
    assert_int_equal(lent->stamp, stamp); /* it is outdated, too */
    pond_next_epoch(&kit.pond);
    assert_int_equal(moved_since(), 2 * by_both);
}

static void
of_two_who_see_one_death_one_raises_the_suspicion(void **state)
{
    (void)state;
    kit_cut(0, "pond.suspect", 1, another_suspects_it);
    pond_suspect(&kit.pond, lent);
    assert_true(kit_uncut());
    const uint64_t by_both = moved_since();
    pond_clear_suspicion(&kit.pond, lent);
    pond_suspect(&kit.pond, lent); /* another death */
    assert_int_equal(moved_since(), 2 * by_both);
}

int
main(void)
{
#define STAMP_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        STAMP_TEST(of_two_who_outdate_one_generation_one_does),
        STAMP_TEST(of_two_who_see_one_death_one_raises_the_suspicion),
    };

    race_hook(kit_hook, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
