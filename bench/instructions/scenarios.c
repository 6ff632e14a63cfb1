/* SPDX-License-Identifier: MIT */
/* Fixed scenarios for counting instructions: `scenarios NAME`, under callgrind. */
/*
 * All that is counted happens in one thread, so that the same binary executes the
 * same instructions each time: what `measured` calls; callgrind collects inside of
 * it only. There is no keeper (DEW_NO_THREADS), but where its clock is part of the
 * question; there the warm-up lasts until it ticks. The server is
 * the stand-in; where an answer of it is needed it is awaited outside.
 */
#define _GNU_SOURCE 1
#include "scenarios.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define ROUNDS 640 /* ten times what a sampled clock repeats after */
#define WARM_UP 128
#define TICKS_BY_MS 300 /* 30 of its ticks */

static const struct scenario scenarios[] = {
    {"idle_pair", DEW_RESET_AUTO, 2, 0, 1, true, NULL, idle_pair, NULL},
    {"tended_pair", DEW_RESET_AUTO, 2, 0, 1, false, NULL, idle_pair, NULL},
    {"named_pair", DEW_RESET_AUTO, 2, 0, 1, false, NULL, named_pair, NULL},
    {"two_pairs", DEW_RESET_AUTO, 2, 0, 2, false, NULL, two_pairs, NULL},
    {"touched_pair", DEW_RESET_NEVER, 2, 0, 1, true, NULL, touched_pair, NULL},
    {"return_with_reset", DEW_RESET_AUTO, 1, 0, 1, false, use_session,
     give_back_used, await_given_back},
    {"borrow_after_reset", DEW_RESET_AUTO, 1, 0, 1, false, use_and_give_back,
     borrow_first, give_back_first},
    {"refused", DEW_RESET_AUTO, 1, 0, 1, false, borrow_first, refused,
     give_back_first},
    {"return_to_a_waiter", DEW_RESET_AUTO, 1, DEW_ZERO, 1, false, begin_wait,
     give_back_first, end_wait},
    {"return_that_wakes", DEW_RESET_AUTO, 1, DEW_OFF, 1, false, begin_wait,
     give_back_first, end_wait},
};

/* Its calls are what callgrind collects: it must stay a function. */
__attribute__((noinline)) void
measured(const struct scenario *scenario, struct scene *scene);

void
measured(const struct scenario *scenario, struct scene *scene)
{
    scenario->step(scene);
}

static void
play(const struct scenario *scenario, struct scene *scene, int rounds,
     int counts)
{
    for (int i = 0; i < rounds; i++) {
        if (scenario->prepare != NULL) {
            scenario->prepare(scene);
        }
        if (counts) {
            measured(scenario, scene);
        } else {
            scenario->step(scene);
        }
        if (scenario->tidy != NULL) {
            scenario->tidy(scene);
        }
    }
}

/* The first one it may use: where it runs decides which shard comes first. */
static void
stay_on_one_cpu(void)
{
    cpu_set_t allowed, one;
    CPU_ZERO(&one);
    insist(sched_getaffinity(0, sizeof allowed, &allowed) == 0, "no CPUs");
    for (size_t cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; cpu++) {
        if (CPU_ISSET(cpu, &allowed)) {
            CPU_SET(cpu, &one);
        }
    }
    (void)sched_setaffinity(0, sizeof one, &one);
}

static int64_t
now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int
perform(const struct scenario *scenario, const char *socket)
{
    dew_config config = DEW_CONFIG_INIT;
    dew_error error;
    struct scene scene = {.pool = NULL};
    const int rounds = scenario->prepare == NULL ? ROUNDS : ROUNDS / 10;
    config.name = "counted";
    config.unix_socket = socket;
    config.user = "app";
    config.flags = scenario->threaded ? 0 : DEW_NO_THREADS;
    config.size = config.maxsize = config.pre_create = scenario->size;
    config.reset = scenario->reset;
    config.handoff_after_ms = scenario->handoff_after_ms;
    /* Slow as it is under valgrind, it must not look at rested sessions. */
    config.bypass_ms = 60000;
    if (dew_pool_open(&scene.pool, &config, &error) != DEW_OK) {
        fprintf(stderr, "scenarios: %s\n", error.message);
        return 1;
    }
    const int64_t since_ms = now_ms();
    do {
        play(scenario, &scene, scenario->prepare == NULL ? WARM_UP : 4, 0);
    } while (scenario->threaded && now_ms() - since_ms < TICKS_BY_MS);
    play(scenario, &scene, rounds, 1);
    printf("%d\n", rounds * scenario->pairs);
    return dew_pool_close(scene.pool, 5000, NULL) != DEW_OK;
}

int
main(int argc, char **argv)
{
    stay_on_one_cpu();
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        if (argc == 3 && strcmp(argv[1], scenarios[i].name) == 0) {
            return perform(&scenarios[i], argv[2]);
        }
        if (argc == 1) {
            puts(scenarios[i].name);
        }
    }
    return argc != 1;
}
