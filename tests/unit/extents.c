/* SPDX-License-Identifier: MIT */
/* Goal: a slot keeps its index and its place however often the pond grows. */
/* Method: grow by every step up to the most slots, in the fewest and in the
 * most extents, and look each index up; let the allocation fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/fault.h"
#include "core/extents.h"

static struct extents extents;
static struct stack vacant;
static bool found[SLOT_MAX];

static void
begin_with(uint32_t count)
{
    stack_init(&vacant);
    assert_true(extents_init(&extents, count, &vacant));
}

/* Every slot is vacant, once, and found under its own index. */
static void
all_are_there(uint32_t count)
{
    struct slot *slot;

    assert_int_equal(extents_count(&extents), count);
    for (uint32_t i = 0; i < count; i++) {
        found[i] = false;
    }
    for (uint32_t i = 0; i < count; i++) {
        slot = slot_pop(&vacant);
        assert_non_null(slot);
        assert_true(slot->index < count);
        assert_false(found[slot->index]);
        found[slot->index] = true;
        assert_ptr_equal(extents_at(&extents, slot->index), slot);
        assert_int_equal(slot_state_of(slot_peek(slot)), SLOT_VACANT);
    }
    assert_null(slot_pop(&vacant));
    assert_null(extents_at(&extents, count));
    assert_null(extents_at(&extents, SLOT_INDEX_MASK));
}

static void
a_growth_at_least_doubles(void **state)
{
    (void)state;
    begin_with(3);
    assert_true(extents_reach(&extents, 3, &vacant));
    assert_int_equal(extents_count(&extents), 3);
    assert_true(extents_reach(&extents, 4, &vacant));
    assert_int_equal(extents_count(&extents), 6);
    assert_true(extents_reach(&extents, 20, &vacant));
    assert_int_equal(extents_count(&extents), 20);
    assert_true(extents_reach(&extents, 5, &vacant));
    all_are_there(20);
    extents_destroy(&extents);
}

static void
a_slot_stays_where_it_is(void **state)
{
    (void)state;
    begin_with(1);
    struct slot *const first = extents_at(&extents, 0);
    assert_true(extents_reach(&extents, 2, &vacant));
    struct slot *const second = extents_at(&extents, 1);
    for (uint32_t least = 3; least < 4000; least++) {
        assert_true(extents_reach(&extents, least, &vacant));
        assert_ptr_equal(extents_at(&extents, 0), first);
        assert_ptr_equal(extents_at(&extents, 1), second);
        assert_int_equal(extents_at(&extents, least - 1)->index, least - 1);
    }
    all_are_there(4096);
    extents_destroy(&extents);
}

/* One at a time from one slot: no path needs more extents than this. */
static void
the_most_extents_are_enough_for_the_most_slots(void **state)
{
    (void)state;
    begin_with(1);
    while (extents_count(&extents) < SLOT_MAX) {
        assert_true(
            extents_reach(&extents, extents_count(&extents) + 1, &vacant));
    }
    all_are_there(SLOT_MAX);
    extents_destroy(&extents);
}

static void
without_memory_nothing_has_happened(void **state)
{
    (void)state;
    begin_with(2);
    fault_arm(FAULT_ALLOC, 1, false);
    assert_false(extents_reach(&extents, 3, &vacant));
    fault_arm(FAULT_ALLOC, 0, false);
    all_are_there(2);
    extents_destroy(&extents);
    fault_arm(FAULT_ALLOC, 1, false);
    assert_false(extents_init(&extents, 2, &vacant));
    fault_arm(FAULT_ALLOC, 0, false);
    assert_null(extents.first);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_growth_at_least_doubles),
        cmocka_unit_test(a_slot_stays_where_it_is),
        cmocka_unit_test(the_most_extents_are_enough_for_the_most_slots),
        cmocka_unit_test(without_memory_nothing_has_happened),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
