/* SPDX-License-Identifier: MIT */
/* Goal: a park ends by a wake, by the deadline, or at once if it must. */
/* Method: one or two threads on a word, each wait bounded by a deadline. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/park.h"

#define LONG_MS 20000 /* reached only when something is broken */

static void
park(order_u32 *word, uint32_t seen, int64_t deadline_ns)
{
    park_futex.wait(park_futex.arg, word, seen, deadline_ns);
}

static void
wake(order_u32 *word, int count)
{
    park_futex.wake(park_futex.arg, word, count);
}

static void
a_park_on_a_changed_word_returns_at_once(void **state)
{
    order_u32 word;
    const int64_t start = clock_now_ns();

    (void)state;
    order_init_u32(&word, 1);
    park(&word, 0, clock_deadline_after_ms(LONG_MS));
    assert_true(clock_now_ns() - start < LONG_MS / 2 * CLOCK_NS_PER_MS);
}

static void
a_park_ends_at_its_deadline_and_not_before(void **state)
{
    order_u32 word;
    const int64_t deadline = clock_deadline_after_ms(20);

    (void)state;
    order_init_u32(&word, 0);
    while (clock_now_ns() < deadline) {
        park(&word, 0, deadline);
    }
    assert_true(clock_now_ns() < deadline + LONG_MS * CLOCK_NS_PER_MS);
}

static void
a_park_sleeps_and_does_not_spin(void **state)
{
    order_u32 word;
    int returns = 0;
    const int64_t deadline = clock_deadline_after_ms(50);

    (void)state;
    order_init_u32(&word, 0);
    while (clock_now_ns() < deadline) {
        park(&word, 0, deadline);
        returns++;
    }
    /* A few early returns are allowed (signals); a busy loop has thousands. */
    assert_in_range(returns, 1, 100);
}

static void
a_deadline_in_the_past_does_not_sleep(void **state)
{
    order_u32 word;

    (void)state;
    order_init_u32(&word, 0);
    park(&word, 0, clock_now_ns() - 1);
    park(&word, 0, 0);
    park(&word, 0, INT64_MIN);
}

struct sleeper {
    order_u32 word;
    order_u32 asleep;
};

static void *
sleep_until_one(void *arg)
{
    struct sleeper *const sleeper = arg;

    order_store_seq_u32(&sleeper->asleep, 1);
    while (order_load_seq_u32(&sleeper->word) == 0) {
        park(&sleeper->word, 0, CLOCK_NEVER);
    }
    return NULL;
}

static void
a_wake_ends_a_park_without_deadline(void **state)
{
    struct sleeper sleeper;
    pthread_t thread;

    (void)state;
    order_init_u32(&sleeper.word, 0);
    order_init_u32(&sleeper.asleep, 0);
    assert_int_equal(pthread_create(&thread, NULL, sleep_until_one, &sleeper),
                     0);
    while (order_load_seq_u32(&sleeper.asleep) == 0) {
        order_pause();
    }
    order_store_seq_u32(&sleeper.word, 1);
    wake(&sleeper.word, 1);
    /* A lost wake would hang here until the test's timeout. */
    assert_int_equal(pthread_join(thread, NULL), 0);
}

struct pair {
    order_u32 turn;
};

#define TURNS 20000u

static void *
answer(void *arg)
{
    struct pair *const pair = arg;

    for (uint32_t turn = 1; turn < TURNS; turn += 2) {
        while (order_load_seq_u32(&pair->turn) != turn) {
            park(&pair->turn, turn - 1, CLOCK_NEVER);
        }
        order_store_seq_u32(&pair->turn, turn + 1);
        wake(&pair->turn, 1);
    }
    return NULL;
}

static void
no_wake_is_lost_in_many_turns_of_two_threads(void **state)
{
    struct pair pair;
    pthread_t thread;

    (void)state;
    order_init_u32(&pair.turn, 0);
    assert_int_equal(pthread_create(&thread, NULL, answer, &pair), 0);
    for (uint32_t turn = 0; turn < TURNS; turn += 2) {
        order_store_seq_u32(&pair.turn, turn + 1);
        wake(&pair.turn, 1);
        while (order_load_seq_u32(&pair.turn) != turn + 2) {
            park(&pair.turn, turn + 1, CLOCK_NEVER);
        }
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void
the_futex_fault_is_a_spurious_wake(void **state)
{
    order_u32 word;
    const int64_t start = clock_now_ns();

    (void)state;
    order_init_u32(&word, 0);
    fault_arm(FAULT_FUTEX, 1, false);
    park(&word, 0, clock_deadline_after_ms(LONG_MS));
    fault_arm(FAULT_FUTEX, 0, false);
    assert_true(clock_now_ns() - start < LONG_MS / 2 * CLOCK_NS_PER_MS);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_park_on_a_changed_word_returns_at_once),
        cmocka_unit_test(a_park_ends_at_its_deadline_and_not_before),
        cmocka_unit_test(a_park_sleeps_and_does_not_spin),
        cmocka_unit_test(a_deadline_in_the_past_does_not_sleep),
        cmocka_unit_test(a_wake_ends_a_park_without_deadline),
        cmocka_unit_test(no_wake_is_lost_in_many_turns_of_two_threads),
        cmocka_unit_test(the_futex_fault_is_a_spurious_wake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
