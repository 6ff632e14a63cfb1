/* SPDX-License-Identifier: MIT */
/* Goal: what a lore knows is whole. Method: memory fails at each of its copies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/fault.h"
#include "base/memory.h"
#include "session/lore.h"

static struct session_lore *lore;

static int
begin(void **state)
{
    (void)state;
    lore = session_lore_new();
    return lore != NULL ? 0 : -1;
}

static int
end(void **state)
{
    (void)state;
    session_lore_free(lore);
    return 0;
}

static const struct session first = {.repair_sql = (char *)"SET autocommit=1",
                                     .forgets = FORGETS_AUTOCOMMIT};

/* Nor does it drive out what is. */
static void
what_cannot_be_copied_is_not_kept(void **state)
{
    static const char *const known[] = {"a", "b", "c", "d"}; /* it is full */
    struct session second = {.repair_sql = NULL};

    (void)state;
    for (int i = 0; i < 4; i++) {
        lore_keep(lore, known[i], &first);
    }
    for (uint32_t nth = 1; nth <= 2; nth++) {
        fault_arm(FAULT_ALLOC, nth, false);
        lore_keep(lore, "seen", &first);
        assert_int_equal(lore_find(lore, "seen", &second), LORE_NOTHING);
    }
    assert_null(second.repair_sql);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(lore_find(lore, known[i], &second), LORE_FOUND);
        memory_free(second.repair_sql);
    }
}

/* A session that took the find for one would not be repaired after its resets. */
static void
find_that_cannot_be_copied_is_told(void **state)
{
    struct session second = {.repair_sql = NULL};

    (void)state;
    lore_keep(lore, "seen", &first);
    fault_arm(FAULT_ALLOC, 1, false);
    assert_int_equal(lore_find(lore, "seen", &second), LORE_NO_MEMORY);
    assert_int_equal(second.forgets, 0);
    assert_int_equal(lore_find(lore, "seen", &second), LORE_FOUND);
    assert_int_equal(second.forgets, FORGETS_AUTOCOMMIT);
    assert_string_equal(second.repair_sql, first.repair_sql);
    memory_free(second.repair_sql);
}

int
main(void)
{
#define LORE_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        LORE_TEST(what_cannot_be_copied_is_not_kept),
        LORE_TEST(find_that_cannot_be_copied_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
