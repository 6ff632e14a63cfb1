/* SPDX-License-Identifier: MIT */
/* Goal: many short lives of a pond, with everything that can happen in one. */
/* Method: random plans, borrowers that time out, discard, detach and come
 * back, suspends, failing opens, leaves to open; closed under load or after. */
/* ctest: timeout=120 */
/*
 * DEWPOND_STRESS_SEED     repeats a run (as far as threads repeat)
 * DEWPOND_STRESS_SECONDS  how long, all ponds together (12 by default)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/random.h"
#include "fixture/pond_load.h"

#define SECONDS 12

static struct rig rig;
static uint64_t seed;

static struct rig_plan
plan_of(uint64_t *random)
{
    static const int64_t handoffs[] = {0, 20000, CLOCK_NS_PER_MS, INT64_MAX};
    static const int64_t bursts[] = {0, 100000, CLOCK_NS_PER_MS, INT64_MAX};
    const uint32_t maxsize = rig_between(random, 1, 6);

    return (struct rig_plan){
        .seed = rig_draw(random),
        .threads = rig_between(random, 2, 16),
        .size = rig_between(random, 1, maxsize),
        .maxsize = maxsize,
        .window = rig_between(random, 1, maxsize),
        .handoff_ns = handoffs[rig_draw(random) % 4],
        .burst_ns = bursts[rig_draw(random) % 4],
        .self_service = rig_draw(random) % 4 == 0,
        .yield_one_in = rig_between(random, 2, 64),
        .timeout_one_in = rig_between(random, 2, 6),
        .retire_one_in = rig_between(random, 4, 64),
        .forsake_one_in = rig_between(random, 8, 128),
        .open_fails_one_in = rig_between(random, 2, 16),
        .no_wait_one_in = rig_between(random, 8, 64),
        .only_new_one_in = rig_between(random, 8, 64),
        .comes_back_one_in = rig_between(random, 8, 64),
        .suspend_one_in = rig_between(random, 1, 4),
        .waiters_max =
            rig_draw(random) % 4 == 0 ? rig_between(random, 1, 8) : UINT32_MAX,
    };
}

static void
live(uint64_t *random)
{
    const struct rig_plan plan = plan_of(random);
    const int64_t end_ns =
        clock_now_ns() + rig_between(random, 0, 20) * CLOCK_NS_PER_MS;
    order_u32 bed = {0};

    assert_true(rig_start(&rig, &plan));
    while (clock_now_ns() < end_ns) {
        park_futex.wait(NULL, &bed, 0, end_ns);
    }
    const char *const wrong = rig_end(&rig, rig_draw(random) % 2 == 0);

    if (wrong != NULL) {
        fail_msg("seed %llu: %s", (unsigned long long)seed, wrong);
    }
}

static void
every_short_life_ends_empty_and_whole(void **state)
{
    const int64_t end_ns = clock_deadline_after_ms(
        1000 * (int64_t)rig_environment("DEWPOND_STRESS_SECONDS", SECONDS));
    uint64_t random, borrows = 0;
    uint32_t lives = 0;

    (void)state;
    seed = random = rig_environment("DEWPOND_STRESS_SEED", random_u64());
    print_message("DEWPOND_STRESS_SEED=%llu\n", (unsigned long long)seed);
    while (clock_now_ns() < end_ns) {
        live(&random);
        borrows += order_load_seq_u64(&rig.sums.borrows);
        lives++;
    }
    print_message("%u ponds, %llu borrows\n", lives,
                  (unsigned long long)borrows);
    assert_true(lives > 0 && borrows > 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_short_life_ends_empty_and_whole),
    };

    return reclaim_init() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
