/* SPDX-License-Identifier: MIT */
/* Searches the schedules of every scenario within a budget, or replays one. */
/*
 * Goal: no schedule of a few threads on the real core breaks an invariant.
 * Method: depth-first, all without a preemption, then all with at most one, and
 * so on to BOUND_MAX; in a third of the time random ones. It prints within what
 * bound all were run. A violation prints what replays it:
 *
 *     schedules [--seconds=S] [--seed=N] [--bound=B] [SCENARIO]
 *     schedules --replay='SCENARIO 1 12:1,40:2'
 */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "scenarios.h"

#define SETS 4
#define BOUND_MAX 4 /* preemptions */

static const struct scenario *const sets[SETS] = {
    scenarios_borrow, scenarios_open, scenarios_flags, scenarios_resize};

static struct options {
    double seconds;
    uint64_t seed;
    uint32_t bound; /* the last one */
    const char *only, *replay;
} options = {20, 1, BOUND_MAX, NULL, NULL};

static struct sched_search search;
static const struct scenario *playing;
static uint64_t schedules;
static int least_bound = INT_MAX; /* of all scenarios */

/* Of this process: how much is searched does not depend on who else runs. */
static double
seconds_now(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* --- a violation ------------------------------------------------------------ */

static void
report(const char *what)
{
    printf("%s: %s, after %llu schedules (%s)\n  --replay='%s %d ",
           playing->name, what, (unsigned long long)schedules,
           search.kind == SCHED_DFS ? "depth first" : "random", playing->name,
           search.minor);
    for (uint32_t i = 0; i < search.depth; i++) {
        if (search.choices[i].taken != 0) {
            printf("%u:%u,", i, (unsigned)search.choices[i].taken);
        }
    }
    printf("'\n");
    (void)fflush(stdout);
}

/* A failed assertion of the core is a violation as well. */
static void
on_abort(int number)
{
    (void)number;
    report("an assertion failed");
    _exit(1);
}

static bool
play(void)
{
    const char *violation = sched_run(&search, playing->setup, world_inspect);

    schedules++;
    if (violation != NULL) {
        report(violation);
    }
    return violation == NULL;
}

/* --- searching -------------------------------------------------------------- */

enum search_end { SEARCHED_ALL, OUT_OF_TIME, VIOLATED };

static enum search_end
search_within(uint32_t bound, double until)
{
    search.kind = SCHED_DFS;
    search.bound = bound;
    search.minor = false;
    search.prefix = 0;
    while (seconds_now() < until) {
        if (!play()) {
            return VIOLATED;
        }
        if (!sched_next(&search)) {
            return SEARCHED_ALL;
        }
    }
    return OUT_OF_TIME;
}

static bool
depth_first(double until)
{
    const uint64_t before = schedules;
    enum search_end end = SEARCHED_ALL;
    int whole = -1; /* not even those without a preemption */

    while (end == SEARCHED_ALL && whole < (int)options.bound) {
        end = search_within((uint32_t)(whole + 1), until);
        whole += end == SEARCHED_ALL;
    }
    if (end == VIOLATED) {
        return false;
    }
    if (whole < 0) {
        printf("%-36s not all without one: ", playing->name);
    } else {
        printf("%-36s all within %d: ", playing->name, whole);
    }
    printf("%llu", (unsigned long long)(schedules - before));
    least_bound = whole < least_bound ? whole : least_bound;
    return true;
}

static bool
at_random(double until)
{
    const uint64_t before = schedules;

    search.kind = SCHED_RANDOM;
    search.minor = true;
    search.prefix = 0;
    search.seed = options.seed << 32;
    do {
        if (!play()) {
            return false;
        }
    } while (seconds_now() < until);
    printf(", random: %llu\n", (unsigned long long)(schedules - before));
    return true;
}

/* Two thirds for the search, what is left for chance. */
static bool
explore(double budget)
{
    const double start = seconds_now();

    return depth_first(start + budget * 2 / 3) && at_random(start + budget);
}

static bool
replay(const char *text)
{
    char name[64];
    int minor, used = 0;

    if (sscanf(text, "%63s %d %n", name, &minor, &used) < 2 ||
        strcmp(name, playing->name) != 0) {
        return true;
    }
    search.kind = SCHED_REPLAY;
    search.minor = minor != 0;
    search.prefix = SCHED_DEPTH;
    memset(search.choices, 0, sizeof(search.choices));
    unsigned at, taken;
    int step;
    for (text += used; sscanf(text, "%u:%u,%n", &at, &taken, &step) == 2;
         text += step) {
        search.choices[at % SCHED_DEPTH].taken = (uint8_t)taken;
    }
    return play();
}

/* --- the program ------------------------------------------------------------ */

static bool
read_option(const char *text)
{
    if (strncmp(text, "--seconds=", 10) == 0) {
        options.seconds = atof(text + 10);
    } else if (strncmp(text, "--seed=", 7) == 0) {
        options.seed = strtoull(text + 7, NULL, 10);
    } else if (strncmp(text, "--bound=", 8) == 0) {
        options.bound = (uint32_t)strtoul(text + 8, NULL, 10);
    } else if (strncmp(text, "--replay=", 9) == 0) {
        options.replay = text + 9;
    } else if (text[0] != '-') {
        options.only = text;
    } else {
        return false;
    }
    return true;
}

static bool
is_wanted(const struct scenario *scenario)
{
    return options.only == NULL || strcmp(options.only, scenario->name) == 0;
}

static uint32_t
count_wanted(void)
{
    uint32_t count = 0;

    for (int i = 0; i < SETS; i++) {
        for (playing = sets[i]; playing->name != NULL; playing++) {
            count += is_wanted(playing);
        }
    }
    return count;
}

int
main(int count, char **words)
{
    for (int i = 1; i < count; i++) {
        if (!read_option(words[i])) {
            (void)fprintf(stderr, "%s is no option of this\n", words[i]);
            return 2;
        }
    }
    const uint32_t wanted = count_wanted();
    const double start = seconds_now();
    (void)signal(SIGABRT, on_abort);
    for (int i = 0; i < SETS; i++) {
        for (playing = sets[i]; playing->name != NULL; playing++) {
            if (options.replay != NULL
                    ? !replay(options.replay)
                    : is_wanted(playing) &&
                          !explore(options.seconds / wanted)) {
                return 1;
            }
        }
    }
    printf("%llu schedules, %.0f a second, no violation",
           (unsigned long long)schedules,
           (double)schedules / (seconds_now() - start));
    if (options.replay == NULL && wanted != 0 && least_bound < 0) {
        printf("; not all without a preemption, in each scenario");
    } else if (options.replay == NULL && wanted != 0) {
        printf("; all with at most %d preemptions, in each scenario",
               least_bound);
    }
    printf("\n");
    return wanted == 0 ? 2 : 0;
}
