/* SPDX-License-Identifier: MIT */
/* Chooses who goes on at a point: the next of a search, or at random. */
#include "sched_inside.h"

static uint32_t
draw(uint32_t below)
{
    sched.random ^= sched.random << 13;
    sched.random ^= sched.random >> 7;
    sched.random ^= sched.random << 17;
    return (uint32_t)(sched.random >> 33) % below;
}

void
sched_seed(struct sched_search *search)
{
    if (search->kind == SCHED_RANDOM) {
        /* Some bugs want many switches, some want few. */
        sched.random = search->seed++ * UINT64_C(0x9e3779b97f4a7c15) + 1;
        sched.switch_one_in = 2u << draw(6);
    }
}

/* --- who may go on -------------------------------------------------------- */

struct ways {
    uint32_t to[SCHED_THREADS + 1];
    uint32_t count;
    uint32_t unforced; /* the first so many cost no preemption */
};

static bool
can_run(uint32_t index)
{
    const struct sched_coroutine *thread = &sched.threads[index];

    return index < sched.count && !thread->done && thread->blocked_on == NULL;
}

static uint32_t
earliest_sleeper(void)
{
    uint32_t earliest = NOBODY;

    for (uint32_t i = 0; i < sched.count; i++) {
        const struct sched_coroutine *thread = &sched.threads[i];

        if (!thread->done && thread->blocked_on != NULL &&
            thread->deadline_ns != INT64_MAX &&
            (earliest == NOBODY ||
             thread->deadline_ns < sched.threads[earliest].deadline_ns)) {
            earliest = i;
        }
    }
    return earliest;
}

static struct ways
ways_on(void)
{
    struct ways ways = {.count = 0};
    const bool self_runs = can_run(sched.self);

    if (self_runs) {
        ways.to[ways.count++] = sched.self;
    }
    for (uint32_t i = 0; i < sched.count; i++) {
        if (i != sched.self && can_run(i)) {
            ways.to[ways.count++] = i;
        }
    }
    ways.unforced = self_runs ? 1 : ways.count;
    const uint32_t sleeper = earliest_sleeper();
    if (sleeper != NOBODY) {
        ways.to[ways.count++] = sleeper;
        ways.unforced += ways.unforced == 0;
    }
    return ways;
}

static void
wake_by_clock(uint32_t index)
{
    if (sched.threads[index].deadline_ns > sched.now_ns) {
        sched.now_ns = sched.threads[index].deadline_ns;
    }
    for (uint32_t i = 0; i < sched.count; i++) {
        if (sched.threads[i].deadline_ns <= sched.now_ns) {
            sched.threads[i].blocked_on = NULL;
        }
    }
}

/* --- choosing ------------------------------------------------------------- */

static uint32_t
choose_freely(const struct ways *ways)
{
    if (can_run(sched.self) && draw(sched.switch_one_in) != 0) {
        return 0;
    }
    return draw(ways->count);
}

static uint32_t
choose(const struct ways *ways)
{
    struct sched_search *search = sched.search;
    const uint32_t at = search->depth;
    struct sched_choice *choice = &search->choices[at];

    if (at == SCHED_DEPTH - 1) {
        sched_fail("too many choices in one schedule");
    }
    search->depth++;
    choice->options = (uint8_t)ways->count;
    if (search->kind == SCHED_DFS && sched.preemptions >= search->bound) {
        choice->options = (uint8_t)ways->unforced;
    }
    if (at >= search->prefix) {
        choice->taken =
            search->kind == SCHED_RANDOM ? (uint8_t)choose_freely(ways) : 0;
    }
    if (choice->taken >= ways->count) {
        sched_fail("this schedule is of another program");
    }
    sched.preemptions += choice->taken >= ways->unforced;
    return choice->taken;
}

uint32_t
sched_pick(void)
{
    const struct ways ways = ways_on();

    if (ways.count == 0) {
        return NOBODY;
    }
    const uint32_t next = ways.to[ways.count > 1 ? choose(&ways) : 0];
    if (!can_run(next)) {
        wake_by_clock(next);
    }
    return next;
}

/* --- the next schedule ---------------------------------------------------- */

bool
sched_next(struct sched_search *search)
{
    uint32_t at = search->depth;

    while (at > 0) {
        struct sched_choice *choice = &search->choices[--at];

        if (choice->taken + 1 < choice->options) {
            choice->taken++;
            search->prefix = at + 1;
            return true;
        }
    }
    return false;
}
