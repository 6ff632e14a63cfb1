/* SPDX-License-Identifier: MIT */
/* Goal: no session in two hands, no wrong answer, no lost wake, none too many,
 * whatever many borrowers do to a few sessions of a real server. */
/* Method: threads draw from a table of actions, most of them rude, while a
 * saboteur kills sessions and a checker counts them and audits the pool. */
/* ctest: timeout=120 */
/*
 * DEWPOND_STRESS_SEED     repeats a run (as far as threads repeat)
 * DEWPOND_STRESS_SECONDS  how long each storm lasts (6 by default)
 * DEWPOND_STRESS_TEST     only the tests of this name (with * and ?)
 */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/random.h"
#include "fixture/storm_kit.h"

#define SECONDS 6
#define SESSIONS 8
#define YIELD_ONE_IN 64

static struct storm storm;

/* --- the storms ------------------------------------------------------------------- */

static void
run(struct test_server *server, const struct storm_plan *plan)
{
    storm_begin(&storm, server, plan);
    race_seed(plan->seed, YIELD_ONE_IN);
    storm_start(&storm);
    storm_last(&storm);
    storm_join(&storm);
    const char *const wrong = storm_end(&storm);
    race_seed(0, 0);
    storm_report(&storm);
    if (wrong != NULL) {
        fail_msg("DEWPOND_STRESS_SEED=%llu: %s", (unsigned long long)plan->seed,
                 wrong);
    }
}

static uint64_t
environment(const char *name, uint64_t otherwise)
{
    const char *const value = getenv(name);

    return value == NULL ? otherwise : strtoull(value, NULL, 0);
}

/* A short storm first: what the process keeps for good is there after it. */
static void
storm_of(struct test_server *server, uint32_t threads, dew_reset reset)
{
    struct storm_plan plan = {
        .seed = environment("DEWPOND_STRESS_SEED", random_u64()),
        .threads = 16,
        .maxsize = SESSIONS,
        .ms = 500,
        .reset = reset,
    };

    run(server, &plan);
    const int tasks = storm_entries("/proc/self/task");
    const int files = storm_entries("/proc/self/fd");
    plan.threads = threads;
    plan.waiters_max = threads > 100 ? threads - 2 * SESSIONS : 0;
    plan.ms = 1000 * (int64_t)environment("DEWPOND_STRESS_SECONDS", SECONDS);
    run(server, &plan);
    assert_true(storm_sum(&storm, STORM_KILLS) > 0);
    assert_true(storm_sum(&storm, STORM_STALE) > 0);
    assert_true(storm_sum(&storm, STORM_TOLD) > 0);
    assert_true(storm_await_entries("/proc/self/task", tasks));
    assert_true(storm_await_entries("/proc/self/fd", files));
}

static void
sixty_four_borrowers_of_eight_sessions_that_are_reset(void **state)
{
    storm_of(*state, 64, DEW_RESET_AUTO);
}

static void
sixty_four_borrowers_of_eight_sessions_that_are_rolled_back(void **state)
{
    storm_of(*state, 64, DEW_RESET_ROLLBACK);
}

static void
many_borrowers_of_eight_sessions_that_are_reset(void **state)
{
    storm_of(*state, 256, DEW_RESET_AUTO);
}

static void
many_borrowers_of_eight_sessions_that_are_rolled_back(void **state)
{
    storm_of(*state, 256, DEW_RESET_ROLLBACK);
}

static int
set_up(void **state)
{
    static const char *const room[] = {"--max-connections=600", NULL};

    *state = test_server_start(room);
    return 0;
}

static int
tear_down(void **state)
{
    test_server_stop(*state);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sixty_four_borrowers_of_eight_sessions_that_are_reset),
        cmocka_unit_test(
            sixty_four_borrowers_of_eight_sessions_that_are_rolled_back),
        cmocka_unit_test(many_borrowers_of_eight_sessions_that_are_reset),
        cmocka_unit_test(many_borrowers_of_eight_sessions_that_are_rolled_back),
    };
    const char *const only = getenv("DEWPOND_STRESS_TEST");

    if (only != NULL) {
        cmocka_set_test_filter(only);
    }
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
