/* SPDX-License-Identifier: MIT */
/* Goal: contended hand-overs lose no wake-up and put no slot in two hands. */
/* Method: more borrowers than slots on ponds of every hand-off mode, yields
 * from a seed at the race points; millions of hand-overs in a full run. */
/* ctest: timeout=120 */
/*
 * DEWPOND_STRESS_SEED       repeats a run (as far as threads repeat)
 * DEWPOND_STRESS_SECONDS    how long, all ponds together (12 by default)
 * DEWPOND_STRESS_HANDOVERS  instead: until so many hand-overs were made
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/random.h"
#include "fixture/pond_load.h"

#define SECONDS 12
#define LIFETIMES 8 /* in a run that goes by the clock */

static struct rig rig;
static uint64_t seed;

static struct rig_plan
plan_of(uint64_t *random)
{
    static const int64_t handoffs[] = {0, 50000, CLOCK_NS_PER_MS, INT64_MAX};
    /* Few and patient: nobody else's step hides that one was not woken. */
    const bool alone = rig_draw(random) % 2 == 0;
    const uint32_t maxsize = rig_between(random, 1, alone ? 2 : 4);

    return (struct rig_plan){
        .seed = rig_draw(random),
        .threads = alone ? rig_between(random, maxsize + 1, 4)
                         : rig_between(random, 4, 32),
        .size = maxsize,
        .maxsize = maxsize,
        .window = 2,
        .handoff_ns = handoffs[rig_draw(random) % 4],
        .burst_ns = INT64_MAX,
        .yield_one_in = rig_between(random, 4, 256),
        .timeout_one_in = alone ? RIG_NEVER : rig_between(random, 2, 8),
        .retire_one_in = 2000,
        .open_fails_one_in = 4,
        .waiters_max = UINT32_MAX,
    };
}

static void
tell(const struct rig *told, double seconds)
{
    const struct rig_sums *const sums = &told->sums;
    const double handovers = (double)order_load_seq_u64(&sums->handovers);

    print_message("  %2u threads, %u slots, hand-off %lld ns: %.0f hand-overs, "
                  "%.0f/s, %llu timeouts, %llu opened, %llu failed\n",
                  told->plan.threads, told->plan.maxsize,
                  (long long)told->plan.handoff_ns, handovers,
                  handovers / seconds,
                  (unsigned long long)order_load_seq_u64(&sums->timeouts),
                  (unsigned long long)order_load_seq_u64(&sums->opened),
                  (unsigned long long)order_load_seq_u64(&sums->failed));
}

/* One pond's life: until its time is up or it made its share. */
static uint64_t
live(uint64_t *random, int64_t time_ns, uint64_t share)
{
    const struct rig_plan plan = plan_of(random);
    const int64_t start_ns = clock_now_ns();
    order_u32 bed = {0};

    assert_true(rig_start(&rig, &plan));
    while (clock_now_ns() - start_ns < time_ns &&
           order_load_seq_u64(&rig.sums.handovers) < share &&
           order_load_seq_u32(&rig.failed) == 0) {
        /* Nobody rings: the look at the sums, now and then. */
        park_futex.wait(NULL, &bed, 0, clock_deadline_after_ms(20));
    }
    const double seconds = (double)(clock_now_ns() - start_ns) / 1e9;
    const char *const wrong = rig_end(&rig, rig_draw(random) % 2 == 0);

    tell(&rig, seconds);
    if (wrong != NULL) {
        fail_msg("seed %llu: %s", (unsigned long long)seed, wrong);
    }
    return order_load_seq_u64(&rig.sums.handovers);
}

static void
contended_hand_overs_lose_nobody_and_double_nothing(void **state)
{
    const uint64_t wanted = rig_environment("DEWPOND_STRESS_HANDOVERS", 0);
    const int64_t total_ns =
        (int64_t)rig_environment("DEWPOND_STRESS_SECONDS", SECONDS) *
        INT64_C(1000000000);
    const int64_t start_ns = clock_now_ns();
    const uint64_t share = wanted == 0 ? UINT64_MAX : wanted / LIFETIMES + 1;
    const int64_t time_ns = wanted == 0 ? total_ns / LIFETIMES : INT64_MAX;
    uint64_t random, made = 0;

    (void)state;
    seed = random = rig_environment("DEWPOND_STRESS_SEED", random_u64());
    print_message("DEWPOND_STRESS_SEED=%llu\n", (unsigned long long)seed);
    while (wanted == 0 ? clock_now_ns() - start_ns < total_ns - time_ns / 2
                       : made < wanted) {
        made += live(&random, time_ns, share);
    }
    print_message("%llu hand-overs\n", (unsigned long long)made);
    assert_true(made > 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contended_hand_overs_lose_nobody_and_double_nothing),
    };

    return reclaim_init() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
