/* SPDX-License-Identifier: MIT */
/* Goal: fault points fail the pass they were told; race points replay. */
/* Method: count passes, compare the decisions of two runs of one seed. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/fault.h"

static void
an_unarmed_point_passes_and_counts(void **state)
{
    (void)state;
    fault_arm(FAULT_PING, 0, false);
    for (uint32_t i = 1; i <= 10; i++) {
        assert_false(fault(FAULT_PING));
        assert_int_equal(fault_passes(FAULT_PING), i);
    }
}

static void
only_the_nth_pass_fails(void **state)
{
    (void)state;
    for (uint32_t nth = 1; nth <= 5; nth++) {
        fault_arm(FAULT_RESET, nth, false);
        for (uint32_t pass = 1; pass <= 8; pass++) {
            assert_int_equal(fault(FAULT_RESET), pass == nth);
        }
    }
    fault_arm(FAULT_RESET, 0, false);
}

static void
for_good_fails_every_pass_from_the_nth_on(void **state)
{
    (void)state;
    fault_arm(FAULT_RESET, 3, true);
    for (uint32_t pass = 1; pass <= 8; pass++) {
        assert_int_equal(fault(FAULT_RESET), pass >= 3);
    }
    fault_arm(FAULT_RESET, 0, false);
    assert_false(fault(FAULT_RESET));
}

static void
points_do_not_disturb_each_other(void **state)
{
    (void)state;
    fault_arm(FAULT_THREAD, 1, true);
    fault_arm(FAULT_CONNECT, 0, false);
    assert_false(fault(FAULT_CONNECT));
    assert_true(fault(FAULT_THREAD));
    fault_arm(FAULT_THREAD, 0, false);
}

#define DRAWS 200

struct decisions {
    uint32_t number; /* the stream; 0: as it comes */
    bool yields[DRAWS];
};

static void *
decide(void *arg)
{
    struct decisions *const decisions = arg;

    if (decisions->number != 0) {
        race_thread(decisions->number);
    }
    for (int i = 0; i < DRAWS; i++) {
        decisions->yields[i] = race_draw();
    }
    return NULL;
}

static int
decide_in_a_thread(struct decisions *decisions)
{
    pthread_t thread;
    int yields = 0;

    assert_int_equal(pthread_create(&thread, NULL, decide, decisions), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    for (int i = 0; i < DRAWS; i++) {
        yields += decisions->yields[i] ? 1 : 0;
    }
    return yields;
}

static bool
same(const struct decisions *left, const struct decisions *right)
{
    return memcmp(left->yields, right->yields, sizeof left->yields) == 0;
}

static void
a_seed_and_a_number_replay_the_same_yields(void **state)
{
    struct decisions first = {.number = 7}, again = {.number = 7};
    struct decisions other = {.number = 8}, reseeded = {.number = 7};

    (void)state;
    race_seed(42, 4);
    /* One in four of 200: 50 expected, spread 6. */
    assert_in_range(decide_in_a_thread(&first), 20, 80);
    (void)decide_in_a_thread(&other);
    race_seed(42, 4);
    (void)decide_in_a_thread(&again);
    race_seed(43, 4);
    (void)decide_in_a_thread(&reseeded);
    race_seed(0, 0);
    assert_true(same(&first, &again));
    assert_false(same(&first, &other));
    assert_false(same(&first, &reseeded));
}

static void
threads_without_a_number_are_numbered_as_they_come(void **state)
{
    struct decisions runs[2][2];

    (void)state;
    memset(runs, 0, sizeof runs);
    for (int run = 0; run < 2; run++) {
        race_seed(99, 3);
        (void)decide_in_a_thread(&runs[run][0]);
        (void)decide_in_a_thread(&runs[run][1]);
    }
    race_seed(0, 0);
    assert_true(same(&runs[0][0], &runs[1][0]));
    assert_true(same(&runs[0][1], &runs[1][1]));
    assert_false(same(&runs[0][0], &runs[0][1]));
}

static void
a_zero_probability_never_yields(void **state)
{
    struct decisions decisions = {.number = 1};

    (void)state;
    race_seed(42, 0);
    assert_int_equal(decide_in_a_thread(&decisions), 0);
    race_seed(42, 1);
    assert_int_equal(decide_in_a_thread(&decisions), DRAWS);
    race_point("fault.test");
    race_seed(0, 0);
}

static void
remember(const char *name, void *arg)
{
    *(const char **)arg = name;
}

static void
a_hook_hears_the_name_until_it_is_taken_away(void **state)
{
    const char *heard = NULL;

    (void)state;
    race_hook(remember, (void *)&heard);
    race_point("meet.join");
    assert_string_equal(heard, "meet.join");
    race_hook(NULL, NULL);
    race_point("meet.leave");
    assert_string_equal(heard, "meet.join");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unarmed_point_passes_and_counts),
        cmocka_unit_test(only_the_nth_pass_fails),
        cmocka_unit_test(for_good_fails_every_pass_from_the_nth_on),
        cmocka_unit_test(points_do_not_disturb_each_other),
        cmocka_unit_test(a_seed_and_a_number_replay_the_same_yields),
        cmocka_unit_test(threads_without_a_number_are_numbered_as_they_come),
        cmocka_unit_test(a_zero_probability_never_yields),
        cmocka_unit_test(a_hook_hears_the_name_until_it_is_taken_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
