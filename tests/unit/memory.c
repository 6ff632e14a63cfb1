/* SPDX-License-Identifier: MIT */
/* Goal: memory comes zeroed, aligned where asked, and can be refused. */
/* Method: sizes around the line size, and the fault point at each call. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/fault.h"
#include "base/memory.h"

static void
assert_zeroed(const unsigned char *memory, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        assert_int_equal(memory[i], 0);
    }
}

static void
memory_comes_zeroed_at_every_size(void **state)
{
    (void)state;
    for (size_t size = 0; size < 200; size++) {
        unsigned char *const memory = memory_zeroed(size);
        assert_non_null(memory);
        assert_zeroed(memory, size);
        memset(memory, 0xFF, size);
        memory_free(memory);
    }
}

static void
lines_are_aligned_zeroed_and_whole(void **state)
{
    (void)state;
    for (size_t size = 0; size < 200; size++) {
        unsigned char *const memory = memory_zeroed_lines(size);
        const size_t whole =
            (size + MEMORY_PAIR - 1) / MEMORY_PAIR * MEMORY_PAIR;
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % MEMORY_PAIR, 0);
        assert_zeroed(memory, whole);
        memset(memory, 0xFF, whole);
        memory_free(memory);
    }
}

static void
a_size_that_overflows_is_refused(void **state)
{
    (void)state;
    assert_null(memory_zeroed_lines(SIZE_MAX));
    assert_null(memory_zeroed_lines(SIZE_MAX - MEMORY_PAIR + 1));
}

static void
a_string_is_copied_and_null_stays_null(void **state)
{
    const char original[] = "dew";
    char *const copy = memory_copy_string(original);

    (void)state;
    assert_string_equal(copy, "dew");
    assert_ptr_not_equal(copy, original);
    memory_free(copy);
    char *const empty = memory_copy_string("");
    assert_string_equal(empty, "");
    memory_free(empty);
    assert_null(memory_copy_string(NULL));
    memory_free(NULL);
}

static void
the_allocation_fault_refuses_each_kind(void **state)
{
    (void)state;
    fault_arm(FAULT_ALLOC, 1, true);
    assert_null(memory_zeroed(8));
    assert_null(memory_zeroed_lines(8));
    assert_null(memory_copy_string("dew"));
    assert_int_equal(fault_passes(FAULT_ALLOC), 3);
    fault_arm(FAULT_ALLOC, 0, false);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_comes_zeroed_at_every_size),
        cmocka_unit_test(lines_are_aligned_zeroed_and_whole),
        cmocka_unit_test(a_size_that_overflows_is_refused),
        cmocka_unit_test(a_string_is_copied_and_null_stays_null),
        cmocka_unit_test(the_allocation_fault_refuses_each_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
