/* SPDX-License-Identifier: MIT */
/* Goal: numbers differ between calls, threads and processes, and are fair. */
/* Method: draw many, compare; a child and its parent draw after a fork. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/random.h"

#define DRAWS 64

static void
draw(uint64_t *drawn)
{
    for (int i = 0; i < DRAWS; i++) {
        drawn[i] = random_u64();
    }
}

static void
assert_disjoint(const uint64_t *left, const uint64_t *right)
{
    for (int i = 0; i < DRAWS; i++) {
        for (int j = 0; j < DRAWS; j++) {
            assert_true(left[i] != right[j]);
        }
    }
}

static void
numbers_do_not_repeat(void **state)
{
    uint64_t first[DRAWS], second[DRAWS];

    (void)state;
    draw(first);
    draw(second);
    assert_disjoint(first, second);
}

static void *
draw_there(void *arg)
{
    draw(arg);
    return NULL;
}

/* The state behind a number: splitmix64's last steps, taken back. */
static uint64_t
state_behind(uint64_t number)
{
    number ^= number >> 31 ^ number >> 62;
    number *= UINT64_C(0x319642B2D24D8EC3);
    number ^= number >> 27 ^ number >> 54;
    number *= UINT64_C(0x96DE1B173F119089);
    return number ^ number >> 30 ^ number >> 60;
}

/* A shared generator would be a data race, and seldom one that shows: so the
 * states are compared, not the numbers. */
static void
another_threads_draws_do_not_move_this_threads_stream(void **state)
{
    uint64_t there[DRAWS];
    pthread_t thread;

    (void)state;
    const uint64_t first = state_behind(random_u64());
    const uint64_t step = state_behind(random_u64()) - first;
    assert_int_equal(pthread_create(&thread, NULL, draw_there, there), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(state_behind(random_u64()) == first + 2 * step);
    for (int i = 0; i < DRAWS; i++) {
        for (uint64_t steps = 0; steps < 3; steps++) {
            assert_true(state_behind(there[i]) != first + steps * step);
        }
    }
}

static void
a_child_does_not_draw_its_parents_numbers(void **state)
{
    uint64_t here[DRAWS], there[DRAWS];
    int ends[2];

    (void)state;
    (void)random_u64(); /* seeded before the fork: that is what is inherited */
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        draw(there);
        _exit(write(ends[1], there, sizeof there) == sizeof there ? 0 : 1);
    }
    draw(here);
    assert_int_equal(read(ends[0], there, sizeof there), sizeof there);
    assert_int_equal(waitpid(child, NULL, 0), child);
    (void)close(ends[0]);
    (void)close(ends[1]);
    assert_disjoint(here, there);
}

static void
below_stays_below_and_reaches_every_value(void **state)
{
    int hits[7] = {0};

    (void)state;
    for (int i = 0; i < 7000; i++) {
        const uint64_t drawn = random_below(7);
        assert_true(drawn < 7);
        hits[drawn]++;
    }
    /* 1000 expected each, spread 29: outside of this about never. */
    for (int i = 0; i < 7; i++) {
        assert_in_range(hits[i], 700, 1300);
    }
}

static void
below_survives_the_extremes(void **state)
{
    const uint64_t two_thirds = UINT64_MAX / 3 * 2;
    int low = 0;

    (void)state;
    assert_true(random_below(0) == 0);
    assert_true(random_below(1) == 0);
    assert_true(random_below(UINT64_MAX) < UINT64_MAX);
    /* By plain remainder the lower half would come twice as often. */
    for (int i = 0; i < 4000; i++) {
        low += random_below(two_thirds) < two_thirds / 2 ? 1 : 0;
    }
    assert_in_range(low, 1800, 2200);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_do_not_repeat),
        cmocka_unit_test(another_threads_draws_do_not_move_this_threads_stream),
        cmocka_unit_test(a_child_does_not_draw_its_parents_numbers),
        cmocka_unit_test(below_stays_below_and_reaches_every_value),
        cmocka_unit_test(below_survives_the_extremes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
