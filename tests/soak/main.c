/* SPDX-License-Identifier: MIT */
/* Goal: for as long as one likes, a pool serves many threads from a server
 * that is killed, restarted and frozen, is itself changed all the time, mixes
 * nothing up, loses no session and no byte. */
/* Method: the storm of the stress tests, a director beside it, and three rests
 * in which the counters must add up and the memory in use is read. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "soak/soak.h"

#define ROUND_MS 60000
#define ROUNDS_MIN 3 /* so that each thing happens in a short soak, too */
#define WARM_UP_MAX_MS 60000
/* So that some are turned away while the pool is small. */
#define WAITERS_BELOW_THREADS 16

static struct storm storm;

/* What the process keeps for good is there after a short storm. */
static const char *
rehearse(struct test_server *server, uint64_t seed)
{
    const struct storm_plan plan = {.seed = seed,
                                    .threads = 16,
                                    .maxsize = SOAK_FLOOR,
                                    .ms = 500,
                                    .reset = DEW_RESET_AUTO};

    storm_begin(&storm, server, &plan);
    storm_start(&storm);
    storm_last(&storm);
    storm_join(&storm);
    return storm_end(&storm);
}

static void
begin(struct test_server *server, const struct soak_plan *plan)
{
    const struct storm_plan storm_plan = {
        .seed = plan->seed,
        .threads = plan->threads,
        .maxsize = SOAK_TOP,
        .waiters_max = plan->threads > 2 * WAITERS_BELOW_THREADS
                           ? plan->threads - WAITERS_BELOW_THREADS
                           : 0,
        .reset = DEW_RESET_AUTO,
        .configure = soak_config,
    };

    storm_begin(&storm, server, &storm_plan);
    soak_prepare_user(server);
    storm_start(&storm);
}

static int64_t
earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Warm-up, first half, second half; a rest after each. */
static void
direct(struct soak_director *director, int64_t ms)
{
    soak_direct(director, earlier(ms / 6, WARM_UP_MAX_MS));
    soak_rest(director, 0);
    soak_direct(director, ms / 2);
    soak_rest(director, 1);
    soak_direct(director, ms);
    soak_rest(director, 2);
}

static const char *
soak(struct test_server *server, const struct soak_plan *plan)
{
    const int64_t ms = (int64_t)plan->minutes * 60000;
    struct soak_director director = {
        .storm = &storm,
        .random = plan->seed ^ UINT64_C(0xd12ec7),
        .begun_ns = clock_now_ns(),
        .round_ms = earlier(ROUND_MS, ms / ROUNDS_MIN),
    };
    pthread_t progress;

    begin(server, plan);
    const bool tells =
        pthread_create(&progress, NULL, soak_progress, &director) == 0;
    direct(&director, ms);
    const dew_stats last = soak_stats(&storm);
    storm_stop(&storm);
    storm_join(&storm);
    if (tells) {
        (void)pthread_join(progress, NULL);
    }
    storm_report(&storm);
    soak_everything_happened(&storm, &last);
    const char *const missing = soak_report_reshapes();
    (void)printf("the server: %u restarts, %u freezes\n", director.restarts,
                 director.freezes);
    if (missing != NULL) {
        storm_fail(&storm, "%s: never", missing);
    }
    return storm_end(&storm);
}

/* Threads and descriptors, as they were after the rehearsal. */
static const char *
soak_and_compare(struct test_server *server, const struct soak_plan *plan)
{
    const char *wrong = rehearse(server, plan->seed);

    if (wrong != NULL) {
        return wrong;
    }
    const int tasks = storm_entries("/proc/self/task");
    const int files = storm_entries("/proc/self/fd");
    wrong = soak(server, plan);
    if (wrong != NULL) {
        return wrong;
    }
    if (!storm_await_entries("/proc/self/task", tasks)) {
        return "a thread is left";
    }
    if (!storm_await_entries("/proc/self/fd", files)) {
        return "a descriptor is left";
    }
    return soak_memory_verdict();
}

int
main(int argc, char **argv)
{
    static const char *const room[] = {"--max-connections=600", NULL};
    struct soak_plan plan;

    if (!soak_options(&plan, argc, argv)) {
        return 2;
    }
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    (void)printf("soak: %u minutes, %u threads, --seed %llu\n", plan.minutes,
                 plan.threads, (unsigned long long)plan.seed);
    struct test_server *const server = test_server_start(room);
    const char *const wrong = soak_and_compare(server, &plan);
    test_server_stop(server);
    (void)printf("soak: %s\n", wrong == NULL ? "OK" : wrong);
    return wrong == NULL ? EXIT_SUCCESS : EXIT_FAILURE;
}
